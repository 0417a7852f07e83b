// The server's opening handshake, phase by phase, and how a client is refused.
#include "net/acceptance.hpp"

#include <boost/beast/http/status.hpp>

#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <stdexcept>
#include <utility>

#include "adieu/core/origin.hpp"

namespace adieu::net {
namespace {

namespace http = boost::beast::http;

std::string refusal_text(unsigned status, std::string_view body) {
  const auto phrase = http::obsolete_reason(http::int_to_status(status));
  std::string text = "HTTP/1.1 " + std::to_string(status) + " ";
  text.append(phrase.data(), phrase.size());
  text += "\r\nConnection: close\r\n";
  if (status == 426) text += "Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n";  // §4.4
  if (status == 405) text += "Allow: GET\r\n";
  text += "Content-Type: text/plain; charset=utf-8\r\nContent-Length: " +
          std::to_string(body.size() + 1) + "\r\n\r\n";
  return text.append(body) + "\n";
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

using what = io_result::outcome;

acceptance::outcome want(const io_result& got) noexcept {
  return got.what == what::want_write ? acceptance::outcome::want_write
                                      : acceptance::outcome::want_read;
}

bool must_wait(const io_result& got) noexcept {
  return got.what == what::want_read || got.what == what::want_write;
}

}  // namespace

std::string what_went_wrong(const std::exception_ptr& error) {
  try {
    std::rethrow_exception(error);
  } catch (const std::exception& known) {
    return std::string("the handshake failed here: ") + known.what();
  } catch (...) {
    return "the handshake failed here";
  }
}

acceptance::outcome acceptance::go_on(socket_stream& stream) {
  for (;;) {
    step_result reached;
    switch (phase_) {
      case phase::silent: reached = listen(stream); break;
      case phase::tls: reached = shake(stream); break;
      case phase::request: reached = read_request(stream); break;
      case phase::answer: reached = write_answer(stream); break;
      case phase::draining: reached = drain(stream); break;
    }
    if (reached) return *reached;
  }
}

acceptance::outcome acceptance::fail(opening_failure why) {
  failure = std::move(why);
  return outcome::refused;
}

// OpenSSL does not tell whether a byte has come.
acceptance::step_result acceptance::listen(socket_stream& stream) {
  if (!stream.has_input()) return outcome::want_read;
  has_heard_ = true;
  stream.use_tls(make_session(*tls_));
  phase_ = phase::tls;
  return {};
}

acceptance::step_result acceptance::shake(socket_stream& stream) {
  const io_result got = stream.handshake(role::server);
  if (must_wait(got)) return want(got);
  if (got.what != what::done) return fail(tls_failed(stream, got));
  phase_ = phase::request;
  return {};
}

acceptance::step_result acceptance::read_request(socket_stream& stream) {
  std::array<std::byte, 4096> space;
  const io_result got = stream.read(space);
  if (must_wait(got)) return want(got);
  if (got.what != what::done) {
    return fail(io_failed(got, connect_step::request, "before the request was complete"));
  }
  has_heard_ = true;
  if (!parser_) {
    parser_.emplace();
    parser_->header_limit(options_.max_header_size);
    parser_->body_limit(boost::none);
  }
  std::string_view came = core::as_text(core::const_bytes(space).first(got.size));
  std::string& unread = agreed.leftover;  // and once the header is complete, that is what it is
  if (!unread.empty()) came = unread += came;
  try {
    const std::size_t used = parse_header(*parser_, options_.max_headers, came);
    unread = std::string(came.substr(used));
  } catch (const opening_failure& error) {
    opening_failure why = error;
    const unsigned status = why.code == errc::header_error ? 431 : 400;
    why.where.http_status = status;
    refuse(status, error.where.detail, std::move(why));
    return {};
  }
  if (parser_->is_header_done()) answer_request();
  return {};
}

acceptance::step_result acceptance::write_answer(socket_stream& stream) {
  while (answered_ != answer_.size()) {
    const core::const_bytes rest = core::as_bytes(answer_).subspan(answered_);
    const io_result sent = stream.write(std::span(&rest, 1));
    if (must_wait(sent)) return want(sent);
    if (sent.what != what::done) {
      if (failure) return outcome::refused;  // it did not wait for the answer
      return fail(io_failed(sent, connect_step::request, "while the handshake was written"));
    }
    answered_ += sent.size;
  }
  if (!failure) return outcome::accepted;
  stream.shut_output();
  phase_ = phase::draining;
  return {};
}

acceptance::step_result acceptance::drain(socket_stream& stream) {
  std::array<std::byte, 4096> space;
  const io_result got = stream.read(space);
  constexpr std::size_t most_drained = 16 * 1024 * 1024;
  if (must_wait(got)) return want(got);
  drained_ += got.size;
  if (got.what == what::done && drained_ <= most_drained) return {};
  return outcome::refused;
}

void acceptance::refuse(unsigned status, std::string why) {
  refuse(status, why, {errc::not_a_websocket, {connect_step::request, status, why}});
}

void acceptance::refuse(unsigned status, std::string_view body, opening_failure why) {
  answer_ = refusal_text(status, body);
  failure = std::move(why);
  phase_ = phase::answer;
}

void acceptance::answer_request() {
  const auto& message = parser_->get();
  const std::vector<core::header_field> fields = fields_of(message);
  core::request_verdict verdict =
      core::check_request({{message.method_string().data(), message.method_string().size()},
                           {message.target().data(), message.target().size()},
                           message.version(),
                           fields});
  const auto refuse_with = [this](
                               errc code, unsigned status, std::string_view told, std::string why) {
    refuse(status, told, {code, {connect_step::request, status, std::move(why)}});
  };
  if (!verdict.problem.empty()) {
    return refuse_with(errc::header_error, verdict.status, verdict.problem, verdict.problem);
  }
  if (options_.origins == origin_policy::same_host) {
    const std::string problem = core::bad_origin(
        fields, options_.allowed_origins, tls_ ? core::carried_by::tls : core::carried_by::plain);
    if (!problem.empty()) return refuse_with(errc::not_a_websocket, 403, problem, problem);
  }

  asked.target = std::move(verdict.target);
  asked.headers.reserve(fields.size());
  for (const core::header_field& field : fields) {
    asked.headers.emplace_back(field.name, field.value);
  }
  asked.subprotocols = verdict.subprotocols;
  decision made;
  try {
    if (decide_) made = decide_(asked);
    if (made.status != 101 && (made.status < 300 || made.status > 599)) {
      throw std::invalid_argument("on_request refused with HTTP status " +
                                  std::to_string(made.status) + ": 300 to 599 are for that");
    }
  } catch (...) {
    thrown = std::current_exception();
    return refuse_with(errc::not_a_websocket, 500, "internal error", what_went_wrong(thrown));
  }
  if (made.status != 101) {
    return refuse_with(errc::not_a_websocket, made.status, made.reason, "refused: " + made.reason);
  }
  std::string& subprotocol = agreed.subprotocol;
  subprotocol = choose(made, verdict.subprotocols, options_.subprotocols);
  if (!subprotocol.empty() &&
      std::ranges::find(verdict.subprotocols, subprotocol) == verdict.subprotocols.end()) {
    return refuse_with(
        errc::unsupported_protocol,
        500,
        "internal error",
        "on_request chose the subprotocol " + subprotocol + ", which the client did not offer");
  }

  answer_ =
      "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
      "Sec-WebSocket-Accept: " +
      core::accept_for(verdict.key, sha1) + "\r\n";
  if (options_.websocket.deflate) {
    if (auto chosen = core::choose_deflate(verdict.extensions, *options_.websocket.deflate)) {
      answer_ += "Sec-WebSocket-Extensions: " + chosen->answer + "\r\n";
      agreed.extensions = std::move(chosen->answer);
      agreed.deflate = chosen->agreement;
    }
  }
  if (!subprotocol.empty()) answer_ += "Sec-WebSocket-Protocol: " + subprotocol + "\r\n";
  answer_ += "\r\n";
  phase_ = phase::answer;
}

}  // namespace adieu::net
