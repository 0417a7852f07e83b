// The terms of a stream that was adopted.
#include "net/terms.hpp"

#include <stdexcept>

#include "adieu/core/bad_options.hpp"

namespace adieu::net {

terms terms_of(const websocket_options& options, role self, std::string leftover) {
  terms out;
  out.leftover = std::move(leftover);
  if (const std::string problem = core::bad_options(options); !problem.empty()) {
    throw std::invalid_argument(problem);
  }
  if (!options.deflate) return out;
  out.deflate = core::agreed_by_both(*options.deflate, self);
  return out;
}

}  // namespace adieu::net
