// Options of a server or a connect that make no sense, or would put something into the handshake
// that is not theirs. Told before anything is sent.
#pragma once

#include <string>

#include "adieu/connect.hpp"
#include "adieu/server.hpp"

namespace adieu::net {

/// A sentence, or nothing when all make sense.
[[nodiscard]] std::string bad_options(const server_options& options);
[[nodiscard]] std::string bad_options(const connect_options& options);

}  // namespace adieu::net
