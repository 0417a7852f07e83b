// The kinds, one function each, and the servers they meet.
#include "tests/faults/cycles.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>

#include <unistd.h>

#include <stdexcept>

#include "tests/net/raw_peer.hpp"

namespace adieu::test {
namespace {

using asio::awaitable;
using asio::ip::tcp;
using namespace std::chrono_literals;
constexpr auto token = asio::as_tuple(asio::use_awaitable);
using world = cycle_world;

// ── What the servers do ─────────────────────────────────────────────────────────────────────────

awaitable<void> app(websocket& socket, const request& asked) {
  const std::string& what = asked.target;
  message got;
  if (what == "/close") co_return;
  if (what == "/throw") throw std::runtime_error("as it was asked");
  if (what == "/abort") {
    socket.abort();
  } else if (what == "/destroy") {
    const websocket gone = std::move(socket);
  } else if (what == "/deaf") {
    (void)co_await socket.async_wait_closed(token);
  } else {
    for (;;) {
      const auto [ec, result] = co_await socket.async_receive_message(got, token);
      if (ec || result.type == message_type::close) co_return;
      (void)co_await socket.async_send(got, token);
    }
  }
}

awaitable<void> say_nothing(tcp::socket socket) {
  std::string ignored;
  (void)co_await asio::async_read(socket, asio::dynamic_buffer(ignored), token);
}
awaitable<void> refuse(tcp::socket socket) {
  std::string asked;
  (void)co_await asio::async_read_until(socket, asio::dynamic_buffer(asked), "\r\n\r\n", token);
  const std::string no = "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n";
  (void)co_await asio::async_write(socket, asio::buffer(no), token);
}
awaitable<void> leave(tcp::socket socket) {
  std::string asked;
  (void)co_await asio::async_read_until(socket, asio::dynamic_buffer(asked), "\r\n\r\n", token);
}

template <typename Session>
awaitable<void> accept_raw(tcp::acceptor acceptor, Session session) {
  for (;;) {
    auto [ec, socket] = co_await acceptor.async_accept(token);
    if (ec) co_return;
    asio::co_spawn(acceptor.get_executor(), session(std::move(socket)), asio::detached);
  }
}

// ── What the clients do ─────────────────────────────────────────────────────────────────────────

std::string tcp_url(const char* scheme, std::uint16_t port, const char* path) {
  return std::string(scheme) + "://127.0.0.1:" + std::to_string(port) + path;
}

connect_options options_of(const world& in) {
  connect_options out;
  out.tls.ca_file = in.keys.ca_file();
  return out;
}

awaitable<websocket> open(std::string url, connect_options options) {
  auto [ec, socket] = co_await async_connect(std::move(url), std::move(options), token);
  if (ec) throw system_error(ec, "a cycle could not connect");
  co_return std::move(socket);
}

awaitable<bool> ends(websocket& socket, cause why) {
  const auto [ec, record] = co_await socket.async_wait_closed(token);
  co_return record.cause == why&& record.clean == (why == cause::handshake);
}

/// Both sides of a connection of Adieu's, over whatever `url` says.
awaitable<bool> client_closes(std::string url, connect_options options) {
  websocket socket = co_await open(std::move(url), std::move(options));
  message got;
  (void)co_await socket.async_send("hello", token);
  (void)co_await socket.async_receive_message(got, token);
  const auto [ec] = co_await socket.async_close(close_status::normal_closure, "", token);
  co_return !ec && got.text() == "hello" && socket.record()->clean;
}
awaitable<bool> server_closes(std::string url, connect_options options) {
  websocket socket = co_await open(std::move(url), std::move(options));
  message got;
  const auto [ec, result] = co_await socket.async_receive_message(got, token);
  if (ec || result.type != message_type::close) co_return false;
  (void)co_await socket.async_close_output(close_status::normal_closure, "", token);
  co_return co_await ends(socket, cause::handshake);
}
awaitable<bool> client_aborts(std::string url, connect_options options) {
  websocket socket = co_await open(std::move(url), std::move(options));
  socket.abort();
  co_return co_await ends(socket, cause::local_abort);
}
awaitable<bool> client_is_destroyed(std::string url, connect_options options) {
  connection_handle handle;
  {
    websocket socket = co_await open(std::move(url), std::move(options));
    socket.send("hello");
    handle = socket.handle();
  }
  co_return handle.state() == state::closed;
}
awaitable<bool> fails_to_open(std::string url, connect_options options, connect_step step) {
  const auto [ec, socket] = co_await async_connect(std::move(url), std::move(options), token);
  const auto record = socket.record();
  co_return ec&& record && record->connect && record->connect->step == step;
}

template <typename Play>
auto over_tcp(world& in, const char* path, Play play) {
  return play(tcp_url("ws", in.plain_port, path), options_of(in));
}
template <typename Play>
auto over_tls(world& in, const char* path, Play play) {
  return play(tcp_url("wss", in.secure_port, path), options_of(in));
}
template <typename Play>
auto over_unix(world& in, const char* path, Play play) {
  return play("ws+unix:" + in.unix_path + ":" + path, options_of(in));
}

// ── Raw clients ─────────────────────────────────────────────────────────────────────────────────

awaitable<tcp::socket> raw_connect(world& in, std::uint16_t port) {
  tcp::socket socket(in.loop);
  (void)co_await socket.async_connect({asio::ip::address_v4::loopback(), port}, token);
  co_return std::move(socket);
}
awaitable<tcp::socket> raw_open(world& in, std::uint16_t port, const char* path) {
  tcp::socket socket = co_await raw_connect(in, port);
  const std::string request =
      std::string("GET ") + path +
      " HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
      "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n";
  (void)co_await asio::async_write(socket, asio::buffer(request), token);
  std::string response;
  (void)co_await asio::async_read_until(socket, asio::dynamic_buffer(response), "\r\n\r\n", token);
  co_return std::move(socket);
}
/// What comes until the server hangs up.
awaitable<std::string> rest_of(tcp::socket& socket) {
  std::string got;
  (void)co_await asio::async_read(socket, asio::dynamic_buffer(got), token);
  co_return got;
}
awaitable<bool> raw_says(world& in, std::uint16_t port, std::string bytes, std::string answer) {
  tcp::socket socket = co_await raw_connect(in, port);
  (void)co_await asio::async_write(socket, asio::buffer(bytes), token);
  const std::string got = co_await rest_of(socket);
  co_return got.starts_with(answer);
}

awaitable<bool> raw_client_leaves(world& in) {
  tcp::socket socket = co_await raw_open(in, in.plain_port, "/");
  socket.shutdown(tcp::socket::shutdown_send);
  co_return (co_await rest_of(socket)).empty();
}
awaitable<bool> raw_client_resets(world& in) {
  tcp::socket socket = co_await raw_open(in, in.plain_port, "/");
  socket.set_option(tcp::socket::linger(true, 0));
  co_return true;
}
awaitable<bool> raw_client_breaks_a_rule(world& in) {
  tcp::socket socket = co_await raw_open(in, in.plain_port, "/");
  const std::string bad = bare_frame(text_frame, "not masked");
  (void)co_await asio::async_write(socket, asio::buffer(bad), token);
  const std::string got = co_await rest_of(socket);
  co_return got.substr(2, 2) == close_body(1002);
}
awaitable<bool> raw_client_never_answers(world& in, const char* path) {
  tcp::socket socket = co_await raw_open(in, in.hasty_port, path);
  (void)co_await rest_of(socket);
  co_return true;
}

// ── More of Adieu's clients ─────────────────────────────────────────────────────────────────────

awaitable<bool> both_close(world& in) {
  websocket socket = co_await open(tcp_url("ws", in.plain_port, "/close"), options_of(in));
  const auto [ec] = co_await socket.async_close(close_status::normal_closure, "", token);
  co_return !ec;
}
awaitable<bool> client_closes_its_half(world& in) {
  websocket socket = co_await open(tcp_url("ws", in.plain_port, "/"), options_of(in));
  (void)co_await socket.async_close_output(close_status::normal_closure, "", token);
  message got;
  (void)co_await socket.async_receive_message(got, token);
  co_return co_await ends(socket, cause::handshake);
}
awaitable<bool> server_ends_it(world& in, const char* path, cause why) {
  websocket socket = co_await open(tcp_url("ws", in.plain_port, path), options_of(in));
  message got;
  (void)co_await socket.async_receive_message(got, token);
  (void)co_await socket.async_close_output(close_status::normal_closure, "", token);
  const auto [ec, record] = co_await socket.async_wait_closed(token);
  co_return record.cause == why;
}
awaitable<bool> client_aborts_a_blocked_send(world& in) {
  websocket socket = co_await open(tcp_url("ws", in.plain_port, "/deaf"), options_of(in));
  socket.async_send(
      asio::buffer(in.much), message_type::binary, end_of_message::yes, asio::detached);
  (void)co_await asio::post(in.loop, asio::use_awaitable);
  socket.abort();
  co_return co_await ends(socket, cause::local_abort);
}
awaitable<bool> client_cancels_a_receive(world& in) {
  websocket socket = co_await open(tcp_url("ws", in.plain_port, "/"), options_of(in));
  asio::cancellation_signal stop;
  message got;
  asio::post(in.loop, [&] { stop.emit(asio::cancellation_type::terminal); });
  const auto [ec, result] =
      co_await socket.async_receive_message(got, asio::bind_cancellation_slot(stop.slot(), token));
  const auto [closed] = co_await socket.async_close(close_status::normal_closure, "", token);
  co_return ec == asio::error::operation_aborted && !closed;
}
awaitable<bool> client_abandons_a_message(world& in) {
  websocket socket = co_await open(tcp_url("ws", in.plain_port, "/"), options_of(in));
  {
    message_writer writer = socket.begin_message(message_type::text);
    const std::string piece = "begun, ";
    (void)co_await writer.async_write(asio::buffer(piece), token);
  }
  co_return co_await ends(socket, cause::handler_error);
}
awaitable<bool> client_pings(world& in) {
  websocket socket = co_await open(tcp_url("ws", in.plain_port, "/"), options_of(in));
  const auto [ec, round_trip] = co_await socket.async_ping(token);
  (void)co_await socket.async_close(close_status::normal_closure, "", token);
  co_return !ec;
}
awaitable<bool> message_too_big(world& in) {
  websocket socket = co_await open(tcp_url("ws", in.plain_port, "/"), options_of(in));
  socket.send(std::string(20'000, 'x'));
  message got;
  const auto [ec, result] = co_await socket.async_receive_message(got, token);
  (void)co_await socket.async_close_output(close_status::normal_closure, "", token);
  (void)co_await socket.async_wait_closed(token);
  co_return !ec && result.close_status == close_status::message_too_big;
}
awaitable<bool> connect_is_cancelled(world& in) {
  asio::cancellation_signal stop;
  asio::post(in.loop, [&] { stop.emit(asio::cancellation_type::terminal); });
  const auto [ec, socket] =
      co_await async_connect(tcp_url("ws", in.mute_port, "/"),
                             options_of(in),
                             asio::bind_cancellation_slot(stop.slot(), token));
  co_return ec == asio::error::operation_aborted;
}
awaitable<bool> connect_times_out(world& in) {
  connect_options options = options_of(in);
  options.timeout = 20ms;
  const auto [ec, socket] =
      co_await async_connect(tcp_url("ws", in.mute_port, "/"), options, token);
  co_return ec == errc::connect_timeout;
}
awaitable<bool> certificate_is_rejected(world& in) {
  connect_options options;
  options.tls.ca_file = in.other_keys.ca_file();
  return fails_to_open(tcp_url("wss", in.secure_port, "/"), std::move(options), connect_step::tls);
}

constexpr cycle_kind all_kinds[]{
    {"client closes", [](world& in) { return over_tcp(in, "/", client_closes); }},
    {"server closes", [](world& in) { return over_tcp(in, "/close", server_closes); }},
    {"both close", both_close},
    {"client closes its half", client_closes_its_half},
    {"client aborts", [](world& in) { return over_tcp(in, "/", client_aborts); }},
    {"client is destroyed", [](world& in) { return over_tcp(in, "/", client_is_destroyed); }},
    {"server aborts", [](world& in) { return server_ends_it(in, "/abort", cause::peer_reset); }},
    {"server is destroyed",
     [](world& in) { return server_ends_it(in, "/destroy", cause::peer_vanished); }},
    {"handler throws", [](world& in) { return server_ends_it(in, "/throw", cause::handshake); }},
    {"client aborts a blocked send", client_aborts_a_blocked_send},
    {"client cancels a receive", client_cancels_a_receive},
    {"client abandons a message", client_abandons_a_message},
    {"client pings", client_pings},
    {"message too big", message_too_big},
    {"TLS: client closes", [](world& in) { return over_tls(in, "/", client_closes); }},
    {"TLS: server closes", [](world& in) { return over_tls(in, "/close", server_closes); }},
    {"TLS: client aborts", [](world& in) { return over_tls(in, "/", client_aborts); }},
    {"TLS: client is destroyed", [](world& in) { return over_tls(in, "/", client_is_destroyed); }},
    {"TLS: certificate is rejected", certificate_is_rejected},
    {"TLS: raw client speaks no TLS",
     [](world& in) { return raw_says(in, in.secure_port, "GET / HTTP/1.1\r\n\r\n", ""); }},
    {"Unix: client closes", [](world& in) { return over_unix(in, "/", client_closes); }},
    {"Unix: server closes", [](world& in) { return over_unix(in, "/close", server_closes); }},
    {"Unix: client aborts", [](world& in) { return over_unix(in, "/", client_aborts); }},
    {"Unix: client is destroyed",
     [](world& in) { return over_unix(in, "/", client_is_destroyed); }},
    {"raw client leaves", raw_client_leaves},
    {"raw client resets", raw_client_resets},
    {"raw client breaks a rule", raw_client_breaks_a_rule},
    {"raw client never answers the Close",
     [](world& in) { return raw_client_never_answers(in, "/close"); }},
    {"raw client never answers a Ping",
     [](world& in) { return raw_client_never_answers(in, "/"); }},
    {"raw client sends garbage",
     [](world& in) { return raw_says(in, in.plain_port, "garbage\r\n\r\n", "HTTP/1.1 400"); }},
    {"raw client stops in the midst of its request",
     [](world& in) { return raw_says(in, in.hasty_port, "GET / HTTP/1.1\r\nHo", ""); }},
    {"server refuses",
     [](world& in) {
       return fails_to_open(
           tcp_url("ws", in.plain_port, "/refuse"), options_of(in), connect_step::response);
     }},
    {"raw server refuses",
     [](world& in) {
       return fails_to_open(
           tcp_url("ws", in.refusing_port, "/"), options_of(in), connect_step::response);
     }},
    {"raw server leaves",
     [](world& in) {
       return fails_to_open(
           tcp_url("ws", in.leaving_port, "/"), options_of(in), connect_step::response);
     }},
    {"nobody listens",
     [](world& in) {
       return fails_to_open(
           tcp_url("ws", in.closed_port, "/"), options_of(in), connect_step::connect);
     }},
    {"connect is cancelled", connect_is_cancelled},
    {"connect times out", connect_times_out},
};

}  // namespace

std::span<const cycle_kind> cycle_kinds() { return all_kinds; }

cycle_world::cycle_world()
    : unix_path((std::filesystem::temp_directory_path() /
                 ("adieu-cycles-" + std::to_string(::getpid()) + ".sock"))
                    .string()) {
  server_options usual;
  usual.max_connections = usual.max_connections_per_address = 0;  // all come from one address
  usual.websocket.max_message_size = 10'000;
  usual.websocket.probe_interval = 20ms;  // a reset behind a full window
  serve(plain, usual);
  plain_port = plain->listen("127.0.0.1", 0).port();
  serve(local, usual);
  local->listen_unix(unix_path);
  server_options with_tls = usual;
  with_tls.tls.emplace();
  with_tls.tls->certificate_file = keys.certificate_file();
  with_tls.tls->key_file = keys.key_file();
  serve(secure, with_tls);
  secure_port = secure->listen("127.0.0.1", 0).port();
  server_options short_of_time = usual;
  short_of_time.handshake_timeout = 20ms;
  short_of_time.websocket.close_timeout = 20ms;
  short_of_time.websocket.ping_interval = short_of_time.websocket.pong_timeout = 10ms;
  serve(hasty, short_of_time);
  hasty_port = hasty->listen("127.0.0.1", 0).port();
  mute_port = serve_raw(say_nothing);
  refusing_port = serve_raw(refuse);
  leaving_port = serve_raw(leave);
  closed_port = raw_listener().port();
}

cycle_world::~cycle_world() = default;

void cycle_world::serve(std::optional<server>& which, server_options options) {
  which.emplace(loop.get_executor(), std::move(options));
  which->on_connection(app);
  which->on_request([](const request& asked) {
    return asked.target == "/refuse" ? decision::refuse(403, "no") : decision::accept();
  });
}

template <typename Session>
std::uint16_t cycle_world::serve_raw(Session session) {
  tcp::acceptor acceptor(loop, {asio::ip::address_v4::loopback(), 0});
  const std::uint16_t port = acceptor.local_endpoint().port();
  asio::co_spawn(loop, accept_raw(std::move(acceptor), session), asio::detached);
  return port;
}

}  // namespace adieu::test
