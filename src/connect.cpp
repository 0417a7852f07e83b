// async_connect, a step after the other. A step that fails throws opening_failure, which ends here
// as an error code and a record.
#include "adieu/connect.hpp"

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/connect.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <algorithm>

#include "net/bad_options.hpp"
#include "net/opening.hpp"
#include "net/random.hpp"
#include "net/socket_transport.hpp"
#include "net/terms.hpp"
#include "net/url.hpp"

namespace adieu::net {
namespace {

namespace http = boost::beast::http;
using asio::awaitable;
using socket_type = socket_stream::socket_type;

struct attempt {
  explicit attempt(std::chrono::milliseconds within) noexcept : timeout(within) {}

  connect_step step = connect_step::url;
  bool timed_out = false;
  std::chrono::milliseconds timeout;
  std::chrono::steady_clock::time_point began = std::chrono::steady_clock::now();

  /// What is left for all further steps; 0: for ever.
  [[nodiscard]] std::chrono::milliseconds left() const {
    if (timeout.count() == 0) return timeout;
    const auto gone = std::chrono::duration_cast<std::chrono::milliseconds>(
        std::chrono::steady_clock::now() - began);
    return std::max(timeout - gone, std::chrono::milliseconds(1));
  }
};

bool is_host(std::string_view name) {
  return std::ranges::equal(name, std::string_view("host"), {}, [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  });
}

std::string request_text(const target& to, const connect_options& options, const std::string& key) {
  std::string text = "GET " + to.resource + " HTTP/1.1\r\n";
  const bool own_host =
      std::ranges::any_of(options.headers, [](const auto& field) { return is_host(field.first); });
  if (!own_host) text += "Host: " + to.authority + "\r\n";
  text += "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: " + key +
          "\r\nSec-WebSocket-Version: 13\r\n";
  std::string offered;
  for (const std::string& name : options.subprotocols) {
    offered += (offered.empty() ? "" : ", ") + name;
  }
  if (options.websocket.deflate) {
    text += "Sec-WebSocket-Extensions: " + core::deflate_offer(*options.websocket.deflate) + "\r\n";
  }
  if (!offered.empty()) text += "Sec-WebSocket-Protocol: " + offered + "\r\n";
  for (const auto& [name, value] : options.headers) text += name + ": " + value + "\r\n";
  return text + "\r\n";
}

// The resolver can't be interrupted: when time is up, it is left behind.
awaitable<asio::ip::tcp::resolver::results_type> resolve(const target& to, attempt& now) {
  struct answer {
    error_code ec;
    asio::ip::tcp::resolver::results_type results;
    bool here = false;
  };
  error_code not_numeric;
  if (const auto address = asio::ip::make_address(to.host, not_numeric); !not_numeric) {
    const asio::ip::tcp::endpoint where(address, static_cast<std::uint16_t>(std::stoi(to.port)));
    co_return asio::ip::tcp::resolver::results_type::create(where, to.host, to.port);
  }
  const asio::any_io_executor executor = co_await asio::this_coro::executor;
  auto resolver = std::make_shared<asio::ip::tcp::resolver>(executor);
  auto timer =
      std::make_shared<asio::steady_timer>(executor, asio::steady_timer::time_point::max());
  if (now.timeout.count() != 0) timer->expires_after(now.left());
  auto got = std::make_shared<answer>();
  resolver->async_resolve(to.host, to.port, [resolver, timer, got](error_code ec, auto results) {
    *got = {ec, std::move(results), true};
    timer->cancel();
  });
  error_code ignored;
  co_await timer->async_wait(asio::redirect_error(asio::use_awaitable, ignored));
  if (!got->here) {
    resolver->cancel();
    now.timed_out = !ignored;
    throw opening_failure{errc::connect_timeout, {}};
  }
  if (got->ec) {
    throw opening_failure{errc::resolve_failed,
                          {connect_step::resolve, 0, to.host + ": " + got->ec.message()}};
  }
  co_return std::move(got->results);
}

[[noreturn]] void fail_connect(const error_code& ec, const std::string& where) {
  throw opening_failure{errc::connect_failed,
                        {connect_step::connect, 0, where + ": " + ec.message()}};
}

awaitable<socket_type> connect_socket(const target& to, attempt& now) {
  const asio::any_io_executor executor = co_await asio::this_coro::executor;
  error_code ec;
  if (!to.unix_socket.empty()) {
    now.step = connect_step::connect;
    asio::local::stream_protocol::socket socket(executor);
    if (to.unix_socket.size() >= sizeof(sockaddr_un::sun_path)) {
      fail_connect(asio::error::name_too_long, to.unix_socket);
    }
    co_await socket.async_connect(asio::local::stream_protocol::endpoint(to.unix_socket),
                                  asio::redirect_error(asio::use_awaitable, ec));
    if (ec) fail_connect(ec, to.unix_socket);
    // Linux: no room in the listener's queue is EAGAIN, and Asio takes that for "under way".
    if ((void)socket.remote_endpoint(ec), ec) fail_connect(asio::error::try_again, to.unix_socket);
    co_return socket_type(std::move(socket));
  }

  now.step = connect_step::resolve;
  const auto results = co_await resolve(to, now);
  now.step = connect_step::connect;
  asio::ip::tcp::socket socket(executor);
  const opening_deadline deadline(socket, now.left());
  co_await asio::async_connect(socket, results, asio::redirect_error(asio::use_awaitable, ec));
  now.timed_out = deadline.expired();
  if (ec || now.timed_out) fail_connect(ec, to.host + " port " + to.port);
  co_return socket_type(std::move(socket));
}

using answer_parser = http::response_parser<http::empty_body>;

// RFC 9110 §15.2: interim answers may come before the final one.
awaitable<std::unique_ptr<answer_parser>> read_answer(socket_stream& stream,
                                                      const connect_options& options,
                                                      std::string& leftover) {
  constexpr int most_interim = 8;
  for (int interim = 0;; ++interim) {
    auto parser = std::make_unique<answer_parser>();
    parser->header_limit(options.max_header_size);
    parser->body_limit(boost::none);  // a refusal's body is not read
    co_await read_header(stream, *parser, options.max_headers, leftover);
    const unsigned status = parser->get().result_int();
    const bool final_one = status < 100 || status > 199 || status == 101;
    if (final_one || interim == most_interim) co_return parser;
  }
}

struct opened {
  opened() = default;
  std::unique_ptr<transport> carrier;
  terms agreed;
};

awaitable<opened> open(const std::string& url, const connect_options& options, attempt& now) {
  if (std::string problem = bad_options(options); !problem.empty()) {
    throw opening_failure{errc::invalid_argument, {connect_step::request, 0, std::move(problem)}};
  }
  const target to = parse_url(url);
  socket_stream stream(co_await connect_socket(to, now));
  const opening_deadline deadline(stream.socket(), now.left());

  try {
    if (to.tls) {
      now.step = connect_step::tls;
      ssl_context_ptr context;
      try {
        context = client_context(options.tls);
      } catch (const std::runtime_error& error) {
        throw opening_failure{errc::tls_failed, {connect_step::tls, 0, error.what()}};
      }
      stream.use_tls(make_session(*context));
      const bool verify = options.tls.verify == tls_client_options::verification::chain_and_host;
      expect_host(
          *stream.tls(), options.tls.host_name.empty() ? to.host : options.tls.host_name, verify);
      co_await shake_tls(stream);
    }

    now.step = connect_step::request;
    std::array<std::byte, 16> random;
    fill_random(random);
    const std::string key = core::make_key(random);
    co_await write_all(stream, request_text(to, options, key));

    now.step = connect_step::response;
    opened out;
    const auto parser = co_await read_answer(stream, options, out.agreed.leftover);
    const auto& response = parser->get();
    const std::vector<core::header_field> fields = fields_of(response);
    const core::response_verdict verdict = core::check_response(
        {response.result_int(), response.version(), fields},
        {core::accept_for(key, sha1), options.subprotocols, options.websocket.deflate});
    const connect_failure where{connect_step::response, response.result_int(), verdict.detail};
    switch (verdict.problem) {
      case core::response_problem::none: break;
      case core::response_problem::not_a_websocket:
        throw opening_failure{errc::not_a_websocket, where};
      case core::response_problem::unsupported_protocol:
        throw opening_failure{errc::unsupported_protocol, where};
      case core::response_problem::header_error: throw opening_failure{errc::header_error, where};
    }
    out.agreed.subprotocol = verdict.subprotocol;
    out.agreed.extensions = verdict.extensions;
    out.agreed.deflate = verdict.deflate;
    if (deadline.expired()) throw opening_failure{errc::connect_timeout, where};
    out.carrier = std::make_unique<socket_transport>(std::move(stream));
    co_return out;
  } catch (const opening_failure&) {
    now.timed_out = now.timed_out || deadline.expired();
    throw;
  }
}

std::shared_ptr<connection_status> failed_status(connect_failure where,
                                                 std::chrono::system_clock::time_point began,
                                                 core::duration took) {
  disconnect_record record;
  record.local_role = role::client;
  record.cause = cause::connect_failed;
  record.connect = std::move(where);
  record.opened = began;
  record.ended = took;
  auto status = std::make_shared<connection_status>();
  status->publish(record);
  status->publish(state::closed);  // N11
  return status;
}

struct connect_outcome {
  connect_outcome() = default;
  connect_outcome(error_code code, websocket&& which) : ec(code), socket(std::move(which)) {}
  error_code ec;
  websocket socket;
};

awaitable<connect_outcome> try_to_connect(std::string url, connect_options options) {
  const asio::any_io_executor executor = co_await asio::this_coro::executor;
  const auto began = std::chrono::system_clock::now();
  attempt now(options.timeout);
  opening_failure failure{errc::success, {}};
  try {
    opened out = co_await open(url, options, now);
    co_return connect_outcome({},
                              websocket::over(executor,
                                              std::move(out.carrier),
                                              settings_of(role::client, options.websocket),
                                              std::move(out.agreed)));
  } catch (const opening_failure& error) {
    failure = error;
  } catch (const system_error&) {
    // A cancelled coroutine is stopped by its next co_await; below it is told apart.
    failure.code = errc::aborted;
  }
  const auto cancelled = (co_await asio::this_coro::cancellation_state).cancelled();
  error_code ec = make_error_code(failure.code);
  if (now.timed_out) {
    ec = make_error_code(errc::connect_timeout);
    failure.where = {now.step,
                     failure.where.http_status,
                     "nothing came within " + std::to_string(options.timeout.count()) + " ms"};
  } else if (cancelled != asio::cancellation_type::none) {
    ec = asio::error::operation_aborted;
    failure.where = {now.step, failure.where.http_status, "the call was cancelled"};
  }
  co_return connect_outcome(
      ec,
      websocket::failed(
          executor,
          failed_status(failure.where, began, std::chrono::steady_clock::now() - now.began)));
}

}  // namespace

std::function<void()> connect(asio::any_io_executor executor,
                              std::string url,
                              connect_options options,
                              connected done) {
  auto signal = std::make_shared<asio::cancellation_signal>();
  asio::co_spawn(
      executor,
      try_to_connect(std::move(url), std::move(options)),
      asio::bind_cancellation_slot(
          signal->slot(),
          [done = std::move(done), signal](std::exception_ptr error, connect_outcome outcome) {
            if (error) {
              done(asio::error::operation_aborted, std::move(outcome.socket));
            } else {
              done(outcome.ec, std::move(outcome.socket));
            }
          }));
  return [signal, executor] {
    asio::dispatch(executor, [signal] { signal->emit(asio::cancellation_type::terminal); });
  };
}

}  // namespace adieu::net
