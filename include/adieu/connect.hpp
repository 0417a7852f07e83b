// async_connect: from a URL to an open websocket.
#pragma once

#include <boost/asio/associated_cancellation_slot.hpp>
#include <boost/asio/associated_executor.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/dispatch.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/system_executor.hpp>

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "adieu/tls_options.hpp"
#include "adieu/websocket.hpp"

namespace adieu {

struct connect_options {
  connect_options() = default;

  websocket_options websocket;
  /// Sent with the request. The handshake's own fields can't be set here.
  std::vector<std::pair<std::string, std::string>> headers;
  /// Offered, the preferred one first.
  std::vector<std::string> subprotocols;
  tls_client_options tls;
  /// For all steps together: resolving, TCP, TLS and the HTTP handshake. 0: for ever.
  std::chrono::milliseconds timeout = std::chrono::seconds(30);
  /// The largest response header that is accepted, in bytes.
  std::uint32_t max_header_size = 16 * 1024;
  /// How many header fields a response may have; more is a header_error.
  std::uint32_t max_headers = 100;
};

namespace net {
using connected = std::function<void(error_code, websocket)>;
/// Cancels what is returned here by calling it.
std::function<void()> connect(asio::any_io_executor executor,
                              std::string url,
                              connect_options options,
                              connected done);
}  // namespace net

/// Connects on `executor`, which the websocket then lives on. While it connects, the executor must
/// be serial: a strand, or an io_context that one thread runs; the websocket itself does not mind.
///
/// URLs: `ws://host[:port]/path`, `wss://…`, and `ws+unix:/path/of/socket[:/path]`.
/// Signature: void(error_code, websocket). When the code is set, the websocket is not connected,
/// but its record() says at which step it failed, with the HTTP status if there was one, and why;
/// so ask with `asio::as_tuple` rather than catch. Errors: invalid_argument, invalid_url,
/// resolve_failed, connect_failed, tls_failed, certificate_rejected, connect_timeout,
/// not_a_websocket, unsupported_protocol, header_error, connection_closed_prematurely; the system's
/// error for a cancelled call. Cancelling gives the attempt up.
template <typename Token = asio::deferred_t>
[[nodiscard]] auto async_connect(asio::any_io_executor executor,
                                 std::string url,
                                 connect_options options = {},
                                 Token&& token = Token()) {
  return asio::async_initiate<Token, void(error_code, websocket)>(
      // NOLINTNEXTLINE(performance-unnecessary-value-param): they are moved, which a template hides
      [](auto handler, asio::any_io_executor on, std::string to, connect_options how) {
        using handler_type = std::decay_t<decltype(handler)>;
        auto slot = asio::get_associated_cancellation_slot(handler);
        auto shared = std::make_shared<handler_type>(std::move(handler));
        auto work = asio::make_work_guard(asio::get_associated_executor(*shared, on));
        auto cancel = net::connect(on,
                                   std::move(to),
                                   std::move(how),
                                   [shared, slot, work](error_code ec, websocket socket) mutable {
                                     if (slot.is_connected()) slot.clear();
                                     asio::dispatch(work.get_executor(),
                                                    [shared, ec, s = std::move(socket)]() mutable {
                                                      std::move (*shared)(ec, std::move(s));
                                                    });
                                   });
        if (slot.is_connected()) {
          slot.assign([cancel = std::move(cancel)](asio::cancellation_type) { cancel(); });
        }
      },
      token,
      std::move(executor),
      std::move(url),
      std::move(options));
}

/// The same on the completion handler's executor: in a coroutine, its own.
template <typename Token = asio::deferred_t>
[[nodiscard]] auto async_connect(std::string url,
                                 connect_options options = {},
                                 Token&& token = Token()) {
  return asio::async_initiate<Token, void(error_code, websocket)>(
      [](auto handler, std::string to, connect_options how) {
        auto executor = asio::get_associated_executor(handler);
        static_assert(!std::is_same_v<decltype(executor), asio::system_executor>,
                      "a plain callback needs async_connect(executor, url, options, callback)");
        async_connect(
            asio::any_io_executor(executor), std::move(to), std::move(how), std::move(handler));
      },
      token,
      std::move(url),
      std::move(options));
}

}  // namespace adieu
