// Random bytes from OpenSSL's generator, for masks (RFC 6455 §10.3) and keys. Drawn in blocks a
// thread, because a call of the generator costs more than a small frame.
#pragma once

#include "adieu/core/types.hpp"

namespace adieu::net {

/// Throws std::runtime_error when the generator fails.
void fill_random(core::bytes out);

}  // namespace adieu::net
