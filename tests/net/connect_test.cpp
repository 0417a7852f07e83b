// async_connect when it does not work out: every step, its error code and its record; cancelling
// and running out of time at each step.
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/local/stream_protocol.hpp>

#include <filesystem>

#include "net/opening.hpp"
#include "tests/net/raw_fixture.hpp"

namespace adieu::test {
namespace {

class Connecting : public testing::Test {
 protected:
  struct attempt {
    int times = 0;
    error_code ec;
    websocket socket;
  };
  void begin(const std::string& url, connect_options options = {}) {
    async_connect(world.executor(),
                  url,
                  std::move(options),
                  asio::bind_cancellation_slot(signal.slot(), [this](error_code ec, websocket s) {
                    ++got.times;
                    got.ec = ec;
                    got.socket = std::move(s);
                  }));
    EXPECT_EQ(got.times, 0) << "completed inside the call";
  }
  [[nodiscard]] bool finished() {
    return world.run_until([&] { return got.times != 0; });
  }

  /// The attempt failed in this way.
  void expect(errc code, connect_step step, unsigned status = 0) {
    ASSERT_TRUE(finished());
    EXPECT_TRUE(got.ec == code) << got.ec.message();
    expect_record(step, status);
  }
  void expect_record(connect_step step, unsigned status = 0) {
    EXPECT_FALSE(got.socket);
    EXPECT_EQ(got.socket.state(), state::closed);  // N11
    const auto record = got.socket.record();
    ASSERT_TRUE(record.has_value());
    EXPECT_EQ(record->cause, cause::connect_failed);
    EXPECT_FALSE(record->clean);
    ASSERT_TRUE(record->connect.has_value());
    EXPECT_EQ(record->connect->step, step) << to_string(record->connect->step);
    EXPECT_EQ(record->connect->http_status, status);
    EXPECT_FALSE(record->connect->detail.empty());
    EXPECT_EQ(record->tcp, tcp_end::not_connected);
    EXPECT_FALSE(to_line(*record).empty());
    got = {};
  }
  /// A raw server that answers the request with `text`, where KEY is the right accept value.
  void answered_with(std::string text, errc code, unsigned status, connect_options options = {}) {
    const raw_listener listener;
    begin(listener.url(), std::move(options));
    ASSERT_TRUE(world.run_until([&] { return listener.somebody_waits(); }));
    raw_socket peer = listener.accept();
    ASSERT_TRUE(
        world.run_until([&] { return (void)peer.read_now(), peer.got.ends_with("\r\n\r\n"); }));
    if (const auto at = text.find("KEY"); at != std::string::npos) {
      const std::string field = "Sec-WebSocket-Key: ";
      const std::string key = peer.got.substr(peer.got.find(field) + field.size(), 24);
      text.replace(at, 3, core::accept_for(key, net::sha1));
    }
    peer.send(text);
    if (code != errc::success) return expect(code, connect_step::response, status);
    ASSERT_TRUE(finished());
    EXPECT_FALSE(got.ec) << got.ec.message();
    opened_peer = std::move(peer);
  }

  static constexpr auto good =
      "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
      "Connection: Upgrade\r\nSec-WebSocket-Accept: KEY\r\n";
  tcp_world world;
  asio::cancellation_signal signal;
  attempt got;
  raw_socket opened_peer;
};

TEST_F(Connecting, N18_urls_that_are_none) {
  for (const char* url : {"",
                          "http://x/",
                          "ws://",
                          "ws://host:0/",
                          "ws://host:65536/",
                          "ws://host:74537/",
                          "ws://user@host/",
                          "ws://host/#fragment",
                          "ws+unix:",
                          "ws://ho st/",
                          "//x"}) {
    SCOPED_TRACE(url);
    begin(url);
    expect(errc::invalid_url, connect_step::url);
  }
}

TEST_F(Connecting, N18_arguments_that_are_wrong) {
  const auto with = [&](auto change) {
    connect_options options;
    change(options);
    begin("ws://127.0.0.1:1/", options);
    expect(errc::invalid_argument, connect_step::request);
  };
  with([](auto& o) { o.headers = {{"a b", "c"}}; });
  with([](auto& o) { o.headers = {{"a", "b\r\nc: d"}}; });
  with([](auto& o) { o.headers = {{"Sec-WebSocket-Key", "x"}}; });
  with([](auto& o) { o.subprotocols = {"a", "a"}; });
  with([](auto& o) { o.subprotocols = {"a,b"}; });
}

TEST_F(Connecting, N18_a_port_where_nobody_listens) {
  std::string url;
  {
    const raw_listener gone;
    url = gone.url();
  }
  begin(url);
  expect(errc::connect_failed, connect_step::connect);
  begin("ws+unix:/nowhere/at/all");
  expect(errc::connect_failed, connect_step::connect);
  begin("ws+unix:/" + std::string(200, 'x'));
  expect(errc::connect_failed, connect_step::connect);
}

// Linux says EAGAIN, and Asio would go on as if the connection were there.
TEST_F(Connecting, N18_a_unix_socket_whose_queue_is_full) {
  const std::string path =
      (std::filesystem::temp_directory_path() / ("adieu-full-" + std::to_string(::getpid())))
          .string();
  asio::local::stream_protocol::acceptor acceptor(world.executor());
  acceptor.open();
  acceptor.bind(path);
  acceptor.listen(0);
  asio::local::stream_protocol::socket first(world.executor());
  first.connect(path);
  begin("ws+unix:" + path);
  expect(errc::connect_failed, connect_step::connect);
  ::unlink(path.c_str());
}

TEST_F(Connecting, N18_a_name_that_does_not_resolve) {
  begin("ws://no-such-host.invalid/");
  expect(errc::resolve_failed, connect_step::resolve);
}

TEST_F(Connecting, N18_other_answers_than_101) {
  answered_with("HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n", errc::not_a_websocket, 404);
  answered_with(
      "HTTP/1.1 200 OK\r\nContent-Length: 99000000\r\n\r\n<html>", errc::not_a_websocket, 200);
  answered_with("HTTP/1.1 301 Moved\r\nLocation: /\r\n\r\n", errc::not_a_websocket, 301);
  answered_with("220 mail.example ESMTP\r\n", errc::not_a_websocket, 0);
  answered_with("\x16\x03\x01\x02", errc::not_a_websocket, 0);
}

// RFC 9110 §15.2: a client reads on behind them, but not for ever.
TEST_F(Connecting, N18_interim_answers_before_the_final_one) {
  const std::string hints = "HTTP/1.1 103 Early Hints\r\nLink: </style.css>\r\n\r\n";
  answered_with(hints + "HTTP/1.1 404 Not Found\r\n\r\n", errc::not_a_websocket, 404);
  std::string many;
  for (int i = 0; i < 9; ++i) many += hints;
  answered_with(many + good + "\r\n", errc::not_a_websocket, 103);
  answered_with(hints + "HTTP/1.1 100 Continue\r\n\r\n" + good + "\r\n", errc::success, 101);
}

TEST_F(Connecting, N18_headers_that_are_missing_wrong_or_too_large) {
  answered_with("HTTP/1.1 101 X\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n",
                errc::header_error,
                101);
  answered_with(
      "HTTP/1.1 101 X\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
      "Sec-WebSocket-Accept: AAAAAAAAAAAAAAAAAAAAAAAAAAA=\r\n\r\n",
      errc::header_error,
      101);
  answered_with("HTTP/1.1 101 X\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: KEY\r\n\r\n",
                errc::header_error,
                101);
  connect_options small;
  small.max_header_size = 1000;
  answered_with(std::string(good) + "X: " + std::string(2000, 'x') + "\r\n\r\n",
                errc::header_error,
                0,
                small);
  answered_with(
      std::string(good) + "Sec-WebSocket-Protocol: chat\r\n\r\n", errc::unsupported_protocol, 101);
  answered_with(
      std::string(good) + "Sec-WebSocket-Extensions: x-unknown\r\n\r\n", errc::header_error, 101);
}

TEST_F(Connecting, P9_frames_behind_the_answer_are_kept) {
  answered_with(std::string(good) + "\r\n" + bare_frame(text_frame, "at once"), errc::success, 101);
  reading first;
  receive(got.socket, first);
  ASSERT_TRUE(world.run_until([&] { return first.come(); }));
  EXPECT_TRUE(first.is_text("at once"));
}

TEST_F(Connecting, P9_a_close_behind_the_answer_is_kept) {
  answered_with(std::string(good) + "\r\n" + bare_frame(close_frame_byte, close_body(1013)),
                errc::success,
                101);
  reading first;
  receive(got.socket, first);
  ASSERT_TRUE(world.run_until([&] { return first.come(); }));
  EXPECT_TRUE(first.is_close(1013));
}

TEST_F(Connecting, S9_a_server_that_hangs_up) {
  for (const bool with_reset : {true, false}) {
    const raw_listener listener;
    begin(listener.url());
    ASSERT_TRUE(world.run_until([&] { return listener.somebody_waits(); }));
    raw_socket peer = listener.accept();
    ASSERT_TRUE(
        world.run_until([&] { return (void)peer.read_now(), peer.got.ends_with("\r\n\r\n"); }));
    peer.send("HTTP/1.1 1");
    world.settle();
    if (with_reset) {
      peer.reset();
    } else {
      peer.close();
    }
    expect(errc::connection_closed_prematurely, connect_step::response);
  }
}

TEST_F(Connecting, P5_time_runs_out_at_every_step) {
  connect_options options;
  options.timeout = 100ms;
  const raw_listener listener;
  begin(listener.url(), options);
  expect(errc::connect_timeout, connect_step::response);
  begin("wss://127.0.0.1:" + std::to_string(listener.port()) + "/", options);
  expect(errc::connect_timeout, connect_step::tls);
  begin("ws://192.0.2.1/", options);  // RFC 5737: nobody is there; some machines refuse at once
  ASSERT_TRUE(finished());
  EXPECT_TRUE(got.ec == errc::connect_timeout || got.ec == errc::connect_failed);
  expect_record(connect_step::connect);
}

TEST_F(Connecting, P7_cancelling_at_every_step) {
  const auto cancelled_at = [&](connect_step step) {
    signal.emit(asio::cancellation_type::terminal);
    EXPECT_EQ(got.times, 0);
    ASSERT_TRUE(finished());
    EXPECT_EQ(got.ec, asio::error::operation_aborted) << got.ec.message();
    expect_record(step);
  };
  const raw_listener listener;
  begin(listener.url());
  world.settle();
  cancelled_at(connect_step::response);
  begin("wss://127.0.0.1:" + std::to_string(listener.port()) + "/");
  world.settle();
  cancelled_at(connect_step::tls);
  begin("ws://localhost:" + std::to_string(listener.port()) + "/");
  signal.emit(asio::cancellation_type::terminal);  // before anything has begun
  ASSERT_TRUE(finished());
  EXPECT_EQ(got.ec, asio::error::operation_aborted) << got.ec.message();
  got = {};
}

TEST_F(Connecting, P6_a_loop_that_is_destroyed_while_connecting) {
  const raw_listener listener;
  auto own = std::make_unique<tcp_world>();
  for (const char* scheme : {"ws", "wss"}) {
    async_connect(own->executor(),
                  scheme + std::string("://127.0.0.1:") + std::to_string(listener.port()),
                  {},
                  [](error_code, websocket) { FAIL(); });
  }
  own->settle();
  own.reset();
}

}  // namespace
}  // namespace adieu::test
