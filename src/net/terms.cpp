// The terms of a stream that was adopted.
#include "net/terms.hpp"

#include <stdexcept>

namespace adieu::net {

terms terms_of(const websocket_options& options, role self, std::string leftover) {
  terms out;
  out.leftover = std::move(leftover);
  if (!options.deflate) return out;
  if (const std::string problem = core::bad_deflate_options(*options.deflate); !problem.empty()) {
    throw std::invalid_argument(problem);
  }
  out.deflate = core::agreed_by_both(*options.deflate, self);
  return out;
}

}  // namespace adieu::net
