// What both ends agreed on before the first frame, however they did.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "adieu/core/deflate_agreement.hpp"
#include "adieu/net/transport.hpp"

namespace adieu::net {

struct terms {
  terms() = default;

  std::string leftover;  // what was read behind the handshake
  std::string subprotocol;
  std::string extensions;  // as Sec-WebSocket-Extensions said it
  std::optional<core::deflate_agreement> deflate;
};

/// What a connection is told, before the peer has agreed on anything.
[[nodiscard]] core::settings_ptr settings_of(role self, const websocket_options& options);

/// Without an opening handshake: the options are the agreement (N19).
[[nodiscard]] terms terms_of(const websocket_options& options, role self, std::string leftover);

}  // namespace adieu::net
