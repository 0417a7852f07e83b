// The server's opening handshake, and how a client is refused so that it hears why.
#include "net/acceptance.hpp"

#include <boost/asio/ip/tcp.hpp>
#include <boost/beast/http/status.hpp>

#include <algorithm>
#include <stdexcept>

#include "adieu/core/origin.hpp"
#include "net/socket_transport.hpp"

namespace adieu::net {
namespace {

namespace asio = boost::asio;
namespace http = boost::beast::http;

std::string refusal_text(unsigned status, const std::string& body) {
  const auto phrase = http::obsolete_reason(http::int_to_status(status));
  std::string text = "HTTP/1.1 " + std::to_string(status) + " ";
  text.append(phrase.data(), phrase.size());
  text += "\r\nConnection: close\r\n";
  if (status == 426) text += "Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n";  // §4.4
  if (status == 405) text += "Allow: GET\r\n";
  text += "Content-Type: text/plain; charset=utf-8\r\nContent-Length: " +
          std::to_string(body.size() + 1) + "\r\n\r\n";
  return text + body + "\n";
}

}  // namespace

asio::awaitable<void> refuse(socket_stream& stream, unsigned status, const std::string& body) {
  try {
    co_await write_all(stream, refusal_text(status, body), connect_step::request);
  } catch (const opening_failure&) {
    co_return;  // it did not wait for the answer
  }
  stream.shut_output();
  opening_deadline deadline(stream.socket(), std::chrono::seconds(1));
  std::array<std::byte, 4096> space;
  for (;;) {
    const io_result got = stream.read(space);
    if (got.what == io_result::outcome::want_read) {
      co_await wait_readable(stream);
    } else if (got.what != io_result::outcome::done) {
      co_return;
    }
    if (deadline.expired()) co_return;
  }
}

namespace {

std::string remote_of(socket_stream& stream) {
  error_code ec;
  const auto generic = stream.socket().remote_endpoint(ec);
  const int family = generic.protocol().family();
  if (ec || (family != AF_INET && family != AF_INET6)) return {};
  asio::ip::tcp::endpoint endpoint;
  endpoint.resize(generic.size());
  std::copy_n(static_cast<const char*>(static_cast<const void*>(generic.data())),
              generic.size(),
              static_cast<char*>(static_cast<void*>(endpoint.data())));
  const std::string address = endpoint.address().to_string();
  const std::string port = std::to_string(endpoint.port());
  return endpoint.address().is_v6() ? "[" + address + "]:" + port : address + ":" + port;
}

std::string choose(const decision& made,
                   const std::vector<std::string>& offered,
                   const std::vector<std::string>& spoken) {
  if (!made.subprotocol.empty()) return made.subprotocol;
  for (const std::string& name : offered) {
    if (std::ranges::find(spoken, name) != spoken.end()) return name;
  }
  return {};
}

}  // namespace

asio::awaitable<accepted> accept_client(socket_stream& stream,
                                        const server_options& options,
                                        const ssl_context_ptr& tls,
                                        const std::function<decision(const request&)>& decide) {
  co_await wait_for_first_byte(
      stream, options.first_byte_timeout, tls ? connect_step::tls : connect_step::request);
  if (tls) {
    stream.use_tls(make_session(*tls));
    co_await shake_tls(stream, role::server);
  }
  accepted out;
  http::request_parser<http::empty_body> parser;
  parser.header_limit(options.max_header_size);
  parser.body_limit(boost::none);
  std::optional<opening_failure> unreadable;
  try {
    co_await read_header(stream, parser, options.max_headers, out.agreed.leftover);
  } catch (const opening_failure& failure) {
    unreadable = failure;
  }
  if (unreadable) {
    const bool too_large = unreadable->code == errc::header_error;
    if (too_large || unreadable->code == errc::not_a_websocket) {
      unreadable->where.http_status = too_large ? 431 : 400;
      co_await refuse(stream, unreadable->where.http_status, unreadable->where.detail);
    }
    throw *unreadable;
  }

  const auto& message = parser.get();
  const std::vector<core::header_field> fields = fields_of(message);
  const core::request_verdict verdict =
      core::check_request({{message.method_string().data(), message.method_string().size()},
                           {message.target().data(), message.target().size()},
                           message.version(),
                           fields});
  if (!verdict.problem.empty()) {
    co_await refuse(stream, verdict.status, verdict.problem);
    throw opening_failure{errc::header_error,
                          {connect_step::request, verdict.status, verdict.problem}};
  }
  if (options.origins == origin_policy::same_host) {
    const std::string problem = core::bad_origin(
        fields, options.allowed_origins, tls ? core::carried_by::tls : core::carried_by::plain);
    if (!problem.empty()) {
      co_await refuse(stream, 403, problem);
      throw opening_failure{errc::not_a_websocket, {connect_step::request, 403, problem}};
    }
  }

  out.asked.target = verdict.target;
  for (const core::header_field& field : fields) {
    out.asked.headers.emplace_back(field.name, field.value);
  }
  out.asked.subprotocols = verdict.subprotocols;
  out.asked.remote = remote_of(stream);
  decision made;
  std::exception_ptr thrown;
  try {
    if (decide) made = decide(out.asked);
  } catch (...) {
    thrown = std::current_exception();
  }
  if (thrown) {
    co_await refuse(stream, 500, "internal error");
    std::rethrow_exception(thrown);
  }
  if (made.status != 101 && (made.status < 300 || made.status > 599)) {
    co_await refuse(stream, 500, "internal error");
    throw std::invalid_argument("on_request refused with HTTP status " +
                                std::to_string(made.status) + ": 300 to 599 are for that");
  }
  if (made.status != 101) {
    co_await refuse(stream, made.status, made.reason);
    throw opening_failure{errc::not_a_websocket,
                          {connect_step::request, made.status, "refused: " + made.reason}};
  }
  std::string& subprotocol = out.agreed.subprotocol;
  subprotocol = choose(made, verdict.subprotocols, options.subprotocols);
  if (!subprotocol.empty() &&
      std::ranges::find(verdict.subprotocols, subprotocol) == verdict.subprotocols.end()) {
    const std::string problem =
        "on_request chose the subprotocol " + subprotocol + ", which the client did not offer";
    co_await refuse(stream, 500, "internal error");
    throw opening_failure{errc::unsupported_protocol, {connect_step::request, 500, problem}};
  }

  std::string answer =
      "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
      "Sec-WebSocket-Accept: " +
      core::accept_for(verdict.key, sha1) + "\r\n";
  if (options.websocket.deflate) {
    if (auto chosen = core::choose_deflate(verdict.extensions, *options.websocket.deflate)) {
      answer += "Sec-WebSocket-Extensions: " + chosen->answer + "\r\n";
      out.agreed.extensions = std::move(chosen->answer);
      out.agreed.deflate = chosen->agreement;
    }
  }
  if (!subprotocol.empty()) answer += "Sec-WebSocket-Protocol: " + subprotocol + "\r\n";
  co_await write_all(stream, answer + "\r\n", connect_step::request);
  co_return out;
}

}  // namespace adieu::net
