// What opening a connection takes: HTTP headers, parsed by Beast, for both roles; and the client's
// waiting, TLS and I/O (the server's: acceptance.hpp). What the fields must say is the core's
// business (core/handshake.hpp).
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/parser.hpp>

#include <functional>

#include "adieu/core/handshake.hpp"
#include "adieu/error.hpp"
#include "net/opening_failure.hpp"
#include "net/socket_stream.hpp"

namespace adieu::net {

/// Closes the socket when it expires, so that whatever waits on it fails.
class opening_deadline {
 public:
  /// 0: never.
  template <typename Socket>
  opening_deadline(Socket& socket, std::chrono::milliseconds after)
      : opening_deadline(socket.get_executor(), after, [&socket] {
          error_code ignored;
          socket.close(ignored);
        }) {}
  opening_deadline(const opening_deadline&) = delete;
  opening_deadline& operator=(const opening_deadline&) = delete;
  ~opening_deadline() { watched_->close = nullptr; }
  [[nodiscard]] bool expired() const noexcept { return watched_->expired; }

 private:
  opening_deadline(const boost::asio::any_io_executor& executor,
                   std::chrono::milliseconds after,
                   std::function<void()> close);
  // The timer's handler may be on its way already when the deadline is destroyed.
  struct watched {
    std::function<void()> close;
    bool expired = false;
  };
  std::shared_ptr<watched> watched_;
  boost::asio::steady_timer timer_;
};

boost::asio::awaitable<void> shake_tls(socket_stream& stream);
boost::asio::awaitable<void> write_all(socket_stream& stream, std::string text);

/// What a read or a write ran into.
[[nodiscard]] opening_failure io_failed(const io_result& got,
                                        connect_step step,
                                        std::string_view while_doing);
/// And what a step of the TLS handshake did.
[[nodiscard]] opening_failure tls_failed(socket_stream& stream, const io_result& got);

template <bool IsRequest>
using header_parser = boost::beast::http::parser<IsRequest, boost::beast::http::empty_body>;

/// Gives the parser what came of a header, and returns how much of it belongs there: what the
/// parser left has to be shown again, with more. Stricter than RFC 9112 §5.2 asks: a field that
/// goes on in the next line is refused (proxies disagree about those), and so are more than
/// `most_fields`. Throws opening_failure.
template <bool IsRequest>
[[nodiscard]] std::size_t parse_header(header_parser<IsRequest>& parser,
                                       std::uint32_t most_fields,
                                       std::string_view text);

/// Reads an answer's header; what follows it stays in `buffer`.
boost::asio::awaitable<void> read_header(socket_stream& stream,
                                         header_parser<false>& parser,
                                         std::uint32_t most_fields,
                                         std::string& buffer);

[[nodiscard]] std::array<std::byte, 20> sha1(std::string_view text);

/// Views of a parsed message's fields, for the core.
template <typename Fields>
[[nodiscard]] std::vector<core::header_field> fields_of(const Fields& message) {
  std::vector<core::header_field> out;
  for (const auto& field : message) {
    out.push_back({{field.name_string().data(), field.name_string().size()},
                   {field.value().data(), field.value().size()}});
  }
  return out;
}

}  // namespace adieu::net
