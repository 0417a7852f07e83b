// The server's half of the opening handshake on one socket: TLS, the request, the app's decision,
// the answer.
#pragma once

#include "adieu/server.hpp"
#include "net/opening.hpp"
#include "net/terms.hpp"

namespace adieu::net {

struct accepted {
  accepted() = default;
  request asked;
  terms agreed;
};

/// Throws opening_failure when the client is refused, after it was told so.
boost::asio::awaitable<accepted> accept_client(
    socket_stream& stream,
    const server_options& options,
    const ssl_context_ptr& tls,
    const std::function<decision(const request&)>& decide);

/// Tells a client that it is refused, and ends TCP behind it: FIN, then what the client still sends
/// is read for a moment, so that no reset destroys the answer. `body` lives until then.
boost::asio::awaitable<void> refuse(socket_stream& stream,
                                    unsigned status,
                                    const std::string& body);

}  // namespace adieu::net
