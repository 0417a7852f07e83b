// The I/O of opening a connection, for both roles: waiting on a socket, TLS, and HTTP headers parsed
// by Beast. What the fields must say is the core's business (core/handshake.hpp).
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/parser.hpp>

#include "adieu/core/handshake.hpp"
#include "adieu/error.hpp"
#include "net/socket_stream.hpp"

namespace adieu::net {

/// Why opening stopped; thrown within the opening's coroutines only.
struct opening_failure {
  errc code;
  connect_failure where;
};

/// Closes `stream` when it expires, so that whatever waits on it fails.
class opening_deadline {
 public:
  /// 0: never.
  opening_deadline(socket_stream::socket_type& socket, std::chrono::milliseconds after);
  [[nodiscard]] bool expired() const noexcept { return *expired_; }

 private:
  std::shared_ptr<bool> expired_ = std::make_shared<bool>(false);
  boost::asio::steady_timer timer_;
};

boost::asio::awaitable<void> wait_readable(socket_stream& stream);
boost::asio::awaitable<void> shake_tls(socket_stream& stream, role self);
boost::asio::awaitable<void> write_all(socket_stream& stream, std::string text, connect_step step);

/// Reads one header; what follows it stays in `buffer`.
template <bool IsRequest>
boost::asio::awaitable<void> read_header(
    socket_stream& stream,
    boost::beast::http::parser<IsRequest, boost::beast::http::empty_body>& parser,
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
