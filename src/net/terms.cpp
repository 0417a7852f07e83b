// What a connection is told, and the terms of a stream that was adopted.
#include "net/terms.hpp"

#include <stdexcept>

#include "adieu/core/bad_options.hpp"
#include "net/random.hpp"

namespace adieu::net {

core::settings_ptr settings_of(role self, const websocket_options& options) {
  core::settings out;
  out.self = self;
  out.options = options;
  out.random = fill_random;
  return std::make_shared<const core::settings>(out);
}

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
