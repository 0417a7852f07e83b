// Waiting, TLS and HTTP headers while a connection opens.
#include "net/opening.hpp"

#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/http/error.hpp>
#include <openssl/evp.h>

#include <iterator>
#include <stdexcept>

namespace adieu::net {

namespace asio = boost::asio;
namespace http = boost::beast::http;
using outcome = io_result::outcome;
using socket_type = socket_stream::socket_type;

opening_deadline::opening_deadline(const asio::any_io_executor& executor,
                                   std::chrono::milliseconds after,
                                   std::function<void()> close)
    : watched_(std::make_shared<watched>(watched{std::move(close)})), timer_(executor) {
  if (after.count() == 0) return;
  timer_.expires_after(after);
  timer_.async_wait([watched = watched_](error_code ec) {
    if (ec || !watched->close) return;
    watched->expired = true;
    watched->close();
  });
}

namespace {

// Waits until the operation that said `want_…` can go on. A closed socket fails it at once.
asio::awaitable<void> wait_for(socket_stream& stream, outcome what) {
  error_code ignored;
  co_await stream.socket().async_wait(
      what == outcome::want_read ? socket_type::wait_read : socket_type::wait_write,
      asio::redirect_error(asio::use_awaitable, ignored));
}

}  // namespace

opening_failure io_failed(const io_result& got, connect_step step, std::string_view while_doing) {
  connect_failure where{step, 0, {}};
  const std::string during = " " + std::string(while_doing);
  switch (got.what) {
    case outcome::fin:
    case outcome::truncated:
      where.detail = "the peer closed TCP" + during;
      return {errc::connection_closed_prematurely, where};
    case outcome::reset:
      where.detail = "the peer reset TCP" + during;
      return {errc::connection_closed_prematurely, where};
    default:
      where.detail = error_code(got.os_error, boost::system::system_category()).message() + during;
      return {errc::native_error, where};
  }
}

opening_failure tls_failed(socket_stream& stream, const io_result& got) {
  SSL& session = *stream.tls();
  const errc code = certificate_rejected(session) ? errc::certificate_rejected : errc::tls_failed;
  std::string detail = got.what == outcome::error ? tls_problem(session)
                                                  : "the peer ended TCP during the TLS handshake";
  return {code, {connect_step::tls, 0, std::move(detail)}};
}

asio::awaitable<void> shake_tls(socket_stream& stream) {
  for (;;) {
    const io_result got = stream.handshake(role::client);
    if (got.what == outcome::done) co_return;
    if (got.what == outcome::want_read || got.what == outcome::want_write) {
      co_await wait_for(stream, got.what);
      continue;
    }
    throw tls_failed(stream, got);
  }
}

asio::awaitable<void> write_all(socket_stream& stream, std::string text) {
  core::const_bytes rest = core::as_bytes(text);
  while (!rest.empty()) {
    const io_result got = stream.write(std::span(&rest, 1));
    if (got.what == outcome::done) {
      rest = rest.subspan(got.size);
    } else if (got.what == outcome::want_read || got.what == outcome::want_write) {
      co_await wait_for(stream, got.what);
    } else {
      throw io_failed(got, connect_step::request, "while the handshake was written");
    }
  }
}

namespace {

// Beast would put it on the line before. `text` is what the parser has not taken yet.
bool has_folded_line(std::string_view text, bool begins_with_line) {
  std::size_t end = text.find("\r\n\r\n");
  if (begins_with_line && text.starts_with("\r\n")) end = 0;
  const std::string_view header = text.substr(0, end);
  return header.find("\r\n ") != header.npos || header.find("\r\n\t") != header.npos;
}

template <typename Parser>
bool has_more_fields(const Parser& parser, std::uint32_t than) {
  const auto& fields = parser.get();
  return static_cast<std::uint64_t>(std::distance(fields.begin(), fields.end())) > than;
}

}  // namespace

template <bool IsRequest>
std::size_t parse_header(header_parser<IsRequest>& parser,
                         std::uint32_t most_fields,
                         std::string_view text) {
  const connect_step step = IsRequest ? connect_step::request : connect_step::response;
  const auto is_no_http = [&](const std::string& why) {
    const std::string_view what = IsRequest ? "the request" : "the answer";
    return opening_failure{errc::not_a_websocket,
                           {step, 0, std::string(what) + " is not HTTP" + why}};
  };
  const auto is_too_large = [&](const std::string& how) {
    return opening_failure{errc::header_error, {step, 0, how}};
  };
  // The parser waits for a whole line; what is no HTTP may never send one.
  constexpr std::string_view begin = "HTTP/1.";
  if (!IsRequest && !parser.got_some() && !begin.starts_with(text.substr(0, begin.size()))) {
    throw is_no_http("");
  }
  if (has_folded_line(text, parser.got_some())) {
    throw is_no_http(": a header field goes on in the next line");
  }
  error_code ec;
  const std::size_t used = parser.put(asio::buffer(text), ec);
  if (ec == http::error::header_limit) throw is_too_large("the header is larger than the limit");
  if (ec && ec != http::error::need_more) throw is_no_http(": " + ec.message());
  if (has_more_fields(parser, most_fields)) {
    throw is_too_large("the header has more than " + std::to_string(most_fields) + " fields");
  }
  return used;
}

template std::size_t parse_header<true>(header_parser<true>&, std::uint32_t, std::string_view);
template std::size_t parse_header<false>(header_parser<false>&, std::uint32_t, std::string_view);

asio::awaitable<void> read_header(socket_stream& stream,
                                  header_parser<false>& parser,
                                  std::uint32_t most_fields,
                                  std::string& buffer) {
  for (;;) {
    if (!buffer.empty()) {
      buffer.erase(0, parse_header(parser, most_fields, buffer));
      if (parser.is_header_done()) co_return;
    }
    std::array<std::byte, 4096> space;
    const io_result got = stream.read(space);
    if (got.what == outcome::done) {
      buffer += core::as_text(core::const_bytes(space).first(got.size));
    } else if (got.what == outcome::want_read || got.what == outcome::want_write) {
      co_await wait_for(stream, got.what);
    } else {
      throw io_failed(got, connect_step::response, "before its HTTP answer was complete");
    }
  }
}

std::array<std::byte, 20> sha1(std::string_view text) {
  std::array<std::byte, 20> out;
  // Looking for the algorithm takes OpenSSL longer than computing it.
  static EVP_MD* const algorithm = EVP_MD_fetch(nullptr, "SHA1", nullptr);
  static thread_local const std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> state(
      EVP_MD_CTX_new(), &EVP_MD_CTX_free);
  const bool good =
      EVP_DigestInit_ex2(state.get(), algorithm, nullptr) == 1 &&
      EVP_DigestUpdate(state.get(), text.data(), text.size()) == 1 &&
      EVP_DigestFinal_ex(state.get(), reinterpret_cast<unsigned char*>(out.data()), nullptr) == 1;
  if (!good) throw std::runtime_error("OpenSSL has no SHA-1, which RFC 6455 takes");
  return out;
}

}  // namespace adieu::net
