// adieu::server: listens, performs the opening handshake, and hands each websocket to the app.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/dispatch.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/ip/tcp.hpp>

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "adieu/tls_options.hpp"
#include "adieu/websocket.hpp"

namespace adieu {

/// Which web pages may connect: those whose host and port the client's Host header names, or all.
/// Programs that are no browsers send no Origin header, and are not asked.
enum class origin_policy : std::uint8_t { same_host, any };

struct server_options {
  server_options() = default;

  websocket_options websocket;
  /// Set: every connection is TLS.
  std::optional<tls_server_options> tls;
  /// Subprotocols that the server speaks. The first of the client's that is here is chosen, unless
  /// on_request chooses. A client that offers none of them is served without one.
  std::vector<std::string> subprotocols;
  /// For TLS and the HTTP request together. 0: for ever.
  std::chrono::milliseconds handshake_timeout = std::chrono::seconds(10);
  /// For the first byte of a new connection, which everybody has at hand. 0: as long as the rest.
  std::chrono::milliseconds first_byte_timeout = std::chrono::seconds(5);
  /// The largest request header that is accepted, in bytes; more is answered with 431.
  std::uint32_t max_header_size = 16 * 1024;
  /// How many header fields a request may have; more is answered with 431.
  std::uint32_t max_headers = 100;
  /// How many connections there may be, from the accept to the end of TCP. More are refused with
  /// HTTP 503; over TLS, and when many come at once, TCP is closed without a word. 0: any number.
  std::size_t max_connections = 10'000;
  /// The same for those of one address, or of one IPv6 network (/64). Behind a reverse proxy all
  /// come from its address: set it to 0 there, and let the proxy count. Unix sockets have no
  /// address, and only count in all. 0: any number.
  std::size_t max_connections_per_address = 1'000;
  /// A browser sends its user's cookies with the handshake of any site's page. So by default pages
  /// of other hosts are refused with 403, before on_request (docs/security.md).
  origin_policy origins = origin_policy::same_host;
  /// Other pages that may connect: "https://app.example", "http://localhost:3000", "null".
  std::vector<std::string> allowed_origins;
  /// On TCP, the kernel keeps a client back until its first bytes have come, or for about a second
  /// (TCP_DEFER_ACCEPT): opening then takes a third less. Who goes without a word is not seen at
  /// all, so that no record tells of it; the limits count from the accept.
  bool defer_accept = false;
  /// Several servers, one a loop, may listen on the same port (SO_REUSEPORT).
  bool reuse_port = false;
};

/// The opening request of a client.
struct request {
  request() = default;

  std::string target;  ///< the path and the query
  std::vector<std::pair<std::string, std::string>> headers;
  std::vector<std::string> subprotocols;  ///< offered, in the client's order
  std::string remote;                     ///< "127.0.0.1:50312"; empty on a Unix socket

  /// The first field of this name, in any case; nothing when there is none.
  [[nodiscard]] std::optional<std::string_view> header(std::string_view name) const;
};

/// What the app makes of a request.
struct decision {
  unsigned status = 101;    ///< 101 accepts; 300–599 refuse; others are answered with 500
  std::string subprotocol;  ///< one that was offered; empty: as server_options say
  std::string reason;       ///< for a refusal: the body of the response, plain text

  [[nodiscard]] static decision accept(std::string subprotocol = {}) {
    return {101, std::move(subprotocol), {}};
  }
  [[nodiscard]] static decision refuse(unsigned status, std::string reason = {}) {
    return {status, {}, std::move(reason)};
  }
};

/// How the connections ended that a shutdown closed.
struct shutdown_report {
  shutdown_report() = default;

  std::size_t clean = 0;
  std::size_t unclean = 0;
  std::map<cause, std::size_t> causes;
};

class server {
 public:
  /// Connections live on `executor`, as one thread or a strand runs it; for more cores run one
  /// server a loop, with `reuse_port`. Throws std::runtime_error when a TLS file can't be used, and
  /// std::invalid_argument for options that make no sense.
  explicit server(asio::any_io_executor executor, server_options options = {});
  /// Stops listening. Open connections go on.
  ~server();
  server(server&&) noexcept;
  server& operator=(server&&) noexcept;

  // Handlers: set them before listen(). They run on the executor.

  /// Accept or refuse a request, choose a subprotocol. Without it, everybody is accepted.
  void on_request(std::function<decision(const request&)> handler);

  /// A coroutine for each connection. When it returns with the websocket open, the connection is
  /// closed with 1000; when it throws, with 1011 (D11). The websocket lives until TCP is gone.
  void on_connection(std::function<asio::awaitable<void>(websocket&, const request&)> handler);

  /// For callbacks: called once for each connection, sets the websocket's handlers and returns. The
  /// server keeps the websocket until TCP is gone, unless the handler moves it out: then it is the
  /// app's.
  void on_open(std::function<void(websocket&, const request&)> handler);

  /// Called with the record of every connection that ended, refused handshakes included.
  void on_end(std::function<void(const disconnect_record&)> handler);

  /// An exception left a connection's handler, its on_message included; without this it is only in
  /// the record.
  void on_handler_error(std::function<void(std::exception_ptr)> handler);

  /// Listens; port 0 lets the kernel choose. Returns where. Throws system_error.
  asio::ip::tcp::endpoint listen(const std::string& address, std::uint16_t port);
  /// Listens on a Unix socket. A socket's file that nobody listens on any more is replaced, and any
  /// other file never; the file is removed when the server stops listening.
  void listen_unix(const std::string& path);

  /// Stops listening, gives up opening handshakes that have no answer yet, closes all connections
  /// with `code` (some at a time, so that the loop goes on), and completes when they have ended:
  /// cut off after `deadline` at the latest. The app's handlers see an ordinary Close. From any
  /// thread; a second call joins the first, whose code and reason stay, and can only hurry it; a
  /// server that was shut down serves no more. Bad arguments (N7): errc::invalid_argument, at once.
  /// It can't be cancelled: the deadline bounds it. Signature: void(error_code, shutdown_report).
  template <typename Token = asio::deferred_t>
  [[nodiscard]] auto async_shutdown(close_status code = close_status::endpoint_unavailable,
                                    std::string reason = {},
                                    std::chrono::milliseconds deadline = std::chrono::seconds(10),
                                    Token&& token = Token()) {
    return asio::async_initiate<Token, void(error_code, shutdown_report)>(
        // NOLINTNEXTLINE(performance-unnecessary-value-param): it is moved, which a template hides
        [this](auto handler, close_status with, std::string why, std::chrono::milliseconds within) {
          auto work = asio::make_work_guard(asio::get_associated_executor(handler, get_executor()));
          auto shared = std::make_shared<decltype(handler)>(std::move(handler));
          shut_down(
              with, std::move(why), within, [shared, work](error_code ec, shutdown_report report) {
                asio::dispatch(work.get_executor(),
                               [shared, ec, report = std::move(report)]() mutable {
                                 std::move (*shared)(ec, std::move(report));
                               });
              });
        },
        token,
        code,
        std::move(reason),
        deadline);
  }

  /// Connections that are open now. From any thread.
  [[nodiscard]] std::size_t connections() const;
  [[nodiscard]] asio::any_io_executor get_executor() const;

 private:
  using shut = std::function<void(error_code, shutdown_report)>;
  void shut_down(close_status code,
                 std::string reason,
                 std::chrono::milliseconds deadline,
                 shut done);

  class implementation;
  std::shared_ptr<implementation> self_;
};

}  // namespace adieu
