// Opening requests as text, for raw clients.
#pragma once

#include <string_view>

namespace adieu::test {

/// Every field that is needed; another line end would complete it.
inline constexpr std::string_view good_request =
    "GET /chat?x=1 HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n";

}  // namespace adieu::test
