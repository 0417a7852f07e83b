// The server: requests, handlers and their ends (D11), refusals, shutdown. Raw clients where a
// proper one would not do.
#include <boost/asio/use_awaitable.hpp>

#include <filesystem>

#include "tests/net/raw_fixture.hpp"
#include "tests/net/requests.hpp"

namespace adieu::test {
namespace {

class Serving : public testing::Test {
 protected:
  void listen(server_options options = {}) {
    options.websocket = quick();
    serving.emplace(world.executor(), options);
    serving->on_end([this](const disconnect_record& record) { records.push_back(record); });
    serving->on_handler_error([this](std::exception_ptr) { ++handler_errors; });
  }
  std::uint16_t start() { return port = serving->listen("127.0.0.1", 0).port(); }
  [[nodiscard]] std::string url() const { return "ws://127.0.0.1:" + std::to_string(port); }
  [[nodiscard]] static websocket_options quick() {
    websocket_options out;
    out.close_timeout = 300ms;
    out.linger = 100ms;
    out.ping_interval = 0ms;
    return out;
  }
  websocket connect(connect_options options = {}) {
    websocket out;
    bool done = false;
    options.websocket = quick();
    async_connect(world.executor(), url(), options, [&](error_code ec, websocket socket) {
      connect_error = ec;
      out = std::move(socket);
      done = true;
    });
    EXPECT_TRUE(world.run_until([&] { return done; }));
    return out;
  }
  /// What a raw client is answered.
  std::string ask(std::string_view request) {
    raw_socket client = raw_socket::connect_to(port);
    client.send(request);
    (void)world.run_until([&] { return client.read_now() != raw_socket::end::none; });
    return client.got;
  }

  tcp_world world;
  std::vector<disconnect_record> records;
  int handler_errors = 0;
  error_code connect_error;
  std::uint16_t port = 0;
  std::optional<server> serving;
};

TEST_F(Serving, D11_a_handler_that_returns_closes_with_1000) {
  listen();
  serving->on_connection([](websocket& socket, const request&) -> asio::awaitable<void> {
    const std::string hello = "hello";
    co_await socket.async_send(hello, asio::use_awaitable);
  });
  start();
  websocket client = connect();
  reading got, end;
  receive(client, got);
  ASSERT_TRUE(world.run_until([&] { return got.come(); }));
  EXPECT_TRUE(got.is_text("hello"));
  receive(client, end);
  ASSERT_TRUE(world.run_until([&] { return end.come(); }));
  EXPECT_TRUE(end.is_close(1000));
  answer answered;
  client.async_close_output(close_status::normal_closure, "", to(answered));
  ASSERT_TRUE(world.run_until([&] { return records.size() == 1 && client.record(); }));
  EXPECT_TRUE(records[0].clean && client.record()->clean);
  EXPECT_EQ(records[0].initiator, initiator::local);
  EXPECT_EQ(serving->connections(), 0U);
  EXPECT_EQ(handler_errors, 0);
}

TEST_F(Serving, D11_a_handler_that_throws_closes_with_1011) {
  listen();
  serving->on_connection([](websocket&, const request&) -> asio::awaitable<void> {
    throw std::runtime_error("handler");
    co_return;
  });
  start();
  websocket client = connect();
  reading end;
  receive(client, end);
  ASSERT_TRUE(world.run_until([&] { return end.come(); }));
  EXPECT_TRUE(end.is_close(1011, "the server's handler failed"));
  answer answered;
  client.async_close_output(close_status::normal_closure, "", to(answered));
  ASSERT_TRUE(world.run_until([&] { return records.size() == 1; }));
  EXPECT_FALSE(records[0].clean);
  EXPECT_EQ(records[0].cause, cause::handler_error);
  EXPECT_EQ(handler_errors, 1);
}

TEST_F(Serving, D11_the_peers_close_is_answered_with_its_code_when_the_handler_returns) {
  listen();
  serving->on_connection([](websocket& socket, const request&) -> asio::awaitable<void> {
    message into;
    for (;;) {
      const receive_result got = co_await socket.async_receive_message(into, asio::use_awaitable);
      if (got.type == message_type::close) co_return;
    }
  });
  start();
  websocket client = connect();
  answer closed;
  client.async_close(close_status{3333}, "", to(closed));
  ASSERT_TRUE(world.run_until([&] { return closed.come() && !records.empty(); }));
  EXPECT_TRUE(closed.good());
  EXPECT_EQ(client.record()->received->code, 3333);
  EXPECT_EQ(records[0].initiator, initiator::remote);
}

TEST_F(Serving, N16_on_request_sees_the_request_refuses_and_chooses) {
  server_options options;
  options.subprotocols = {"a", "b"};
  listen(options);
  request seen;
  serving->on_request([&](const request& asked) {
    seen = asked;
    if (asked.target == "/forbidden") return decision::refuse(403, "go away");
    if (asked.target == "/choose") return decision::accept("c");
    if (asked.target == "/wrong") return decision::accept("never offered");
    if (asked.target == "/throw") throw std::runtime_error("on_request");
    return decision::accept();
  });
  serving->on_open([](websocket&, const request&) {});
  start();
  connect_options how;
  how.subprotocols = {"c", "b", "a"};
  how.headers = {{"X-Token", "secret"}};
  websocket client = connect(how);
  EXPECT_FALSE(connect_error) << connect_error.message();
  EXPECT_EQ(client.subprotocol(), "b");
  EXPECT_EQ(seen.target, "/");
  EXPECT_EQ(seen.header("x-token"), "secret");
  EXPECT_EQ(seen.subprotocols, (std::vector<std::string>{"c", "b", "a"}));
  EXPECT_TRUE(seen.remote.starts_with("127.0.0.1:"));
  const auto with = [&](const std::string& path) {
    std::string text(good_request);
    text.replace(4, 9, path);
    return ask(text + "Sec-WebSocket-Protocol: c\r\n\r\n" +
               masked_frame(close_frame_byte, close_body(1000)));
  };
  EXPECT_NE(with("/choose").find("Sec-WebSocket-Protocol: c\r\n"), std::string::npos);
  const std::string refused = with("/forbidden");
  EXPECT_TRUE(refused.starts_with("HTTP/1.1 403 Forbidden\r\n")) << refused;
  EXPECT_NE(refused.find("go away"), std::string::npos);
  EXPECT_TRUE(with("/wrong").starts_with("HTTP/1.1 500"));
  EXPECT_TRUE(with("/throw").starts_with("HTTP/1.1 500"));
  ASSERT_TRUE(world.run_until([&] { return records.size() >= 3 && handler_errors != 0; }));
  EXPECT_EQ(handler_errors, 1);
  websocket again = connect();
  EXPECT_TRUE(again);
}

TEST_F(Serving, S1_wrong_requests_get_their_http_status) {
  server_options options;
  options.max_header_size = 2000;
  listen(options);
  serving->on_open([](websocket&, const request&) {});
  start();
  EXPECT_TRUE(ask("garbage\r\n\r\n").starts_with("HTTP/1.1 400"));
  EXPECT_TRUE(ask("GET / HTTP/1.1\r\nHost: x\r\n\r\n").starts_with("HTTP/1.1 4"));
  std::string post(good_request);
  post.replace(0, 3, "POST");
  EXPECT_TRUE(ask(post + "\r\n").starts_with("HTTP/1.1 405"));
  std::string version(good_request);
  version.replace(version.find("Version: 13"), 11, "Version: 12");
  const std::string answer426 = ask(version + "\r\n");
  EXPECT_TRUE(answer426.starts_with("HTTP/1.1 426")) << answer426;
  EXPECT_NE(answer426.find("Sec-WebSocket-Version: 13"), std::string::npos);
  EXPECT_TRUE(ask(std::string(good_request) + "X: " + std::string(3000, 'x') + "\r\n\r\n")
                  .starts_with("HTTP/1.1 431"));
  const std::string ok =
      ask(std::string(good_request) + "\r\n" + masked_frame(0x88, close_body(1000)));
  EXPECT_TRUE(ok.starts_with("HTTP/1.1 101")) << ok;
  EXPECT_NE(ok.find("Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo="), std::string::npos);
  ASSERT_TRUE(world.run_until([&] { return records.size() == 6; }));
  for (std::size_t i = 0; i < 5; ++i) {
    EXPECT_EQ(records[i].cause, cause::connect_failed);
    ASSERT_TRUE(records[i].connect.has_value());
    EXPECT_NE(records[i].connect->http_status, 0U);
  }
}

TEST_F(Serving, P5_a_handshake_that_takes_too_long_is_ended) {
  server_options options;
  options.handshake_timeout = 100ms;
  listen(options);
  start();
  raw_socket client = raw_socket::connect_to(port);
  client.send("GET / HT");
  ASSERT_TRUE(world.run_until([&] { return client.read_now() != raw_socket::end::none; }));
  ASSERT_TRUE(world.run_until([&] { return records.size() == 1; }));
  EXPECT_EQ(records[0].cause, cause::connect_failed);
  EXPECT_EQ(records[0].connect->detail, "the handshake took too long");
}

TEST_F(Serving, P9_frames_in_the_same_segment_as_the_request_are_kept) {
  listen();
  std::vector<std::string> seen;
  serving->on_open([&](websocket& socket, const request&) {
    socket.on_message([&](const message_view& view) { seen.emplace_back(view.text()); });
  });
  start();
  (void)ask(std::string(good_request) + "\r\n" + masked_frame(text_frame, "first") +
            masked_frame(text_frame, "second") + masked_frame(0x88, close_body(1000)));
  EXPECT_EQ(seen, (std::vector<std::string>{"first", "second"}));
}

// A client that was accepted when the shutdown began: it has our 101, and is owed a Close.
TEST_F(Serving, D12_shutdown_closes_a_connection_that_has_just_been_accepted) {
  listen();
  bool done = false;
  shutdown_report report;
  serving->on_request([&](const request&) {
    serving->async_shutdown(
        close_status::endpoint_unavailable, "bye", 300ms, [&](error_code ec, shutdown_report r) {
          EXPECT_FALSE(ec);
          report = std::move(r);
          done = true;
        });
    return decision::accept();
  });
  serving->on_open([](websocket&, const request&) {});
  start();
  websocket client = connect();
  ASSERT_FALSE(connect_error) << connect_error.message();
  client.on_message([](const message_view&) {});
  ASSERT_TRUE(world.run_until([&] { return done && client.record(); }));
  ASSERT_TRUE(client.record()->received) << to_line(*client.record());
  EXPECT_EQ(client.record()->received->code, 1001);
  EXPECT_TRUE(client.record()->clean);
  EXPECT_EQ(report.clean, 1U);
  EXPECT_EQ(report.unclean, 0U);
}

TEST_F(Serving, D12_shutdown_counts_who_answered_and_who_did_not) {
  listen();
  serving->on_open([](websocket&, const request&) {});
  start();
  std::vector<websocket> proper;
  for (int i = 0; i < 3; ++i) {
    proper.push_back(connect());
    proper.back().on_message([](const message_view&) {});
  }
  raw_socket deaf = raw_socket::connect_to(port);
  deaf.send(std::string(good_request) + "\r\n");
  raw_socket opening = raw_socket::connect_to(port);
  opening.send("GET ");
  ASSERT_TRUE(world.run_until([&] { return serving->connections() == 4; }));
  int done = 0;
  shutdown_report report, second;
  const auto began = std::chrono::steady_clock::now();
  serving->async_shutdown(
      close_status::endpoint_unavailable, "bye", 200ms, [&](error_code ec, shutdown_report r) {
        EXPECT_FALSE(ec);
        report = std::move(r);
        ++done;
      });
  serving->async_shutdown(
      close_status::endpoint_unavailable, "again", 200ms, [&](error_code, shutdown_report) {
        ++done;
      });
  EXPECT_EQ(done, 0);
  ASSERT_TRUE(world.run_until([&] { return done == 2; }));
  EXPECT_LT(std::chrono::steady_clock::now() - began, 1s);
  EXPECT_EQ(report.clean, 3U);
  EXPECT_EQ(report.unclean, 1U);
  EXPECT_EQ(report.causes[cause::close_timeout], 1U);
  EXPECT_EQ(serving->connections(), 0U);
  EXPECT_EQ(proper[0].record()->received->code, 1001);
  EXPECT_EQ(proper[0].record()->received->reason, "bye");
  bool bad = false;
  serving->async_shutdown(close_status{1}, "", 200ms, [&](error_code ec, shutdown_report) {
    EXPECT_TRUE(ec == errc::invalid_argument);
    bad = true;
  });
  ASSERT_TRUE(world.run_until([&] { return bad; }));
}

TEST_F(Serving, D12_shutdown_of_more_connections_than_are_told_in_one_go) {
  listen();
  serving->on_open([](websocket&, const request&) {});
  start();
  std::vector<websocket> clients;
  for (int i = 0; i < 150; ++i) {
    clients.push_back(connect());
    clients.back().on_message([](const message_view&) {});
  }
  ASSERT_TRUE(world.run_until([&] { return serving->connections() == clients.size(); }));
  int done = 0;
  shutdown_report report;
  for (const char* reason : {"bye", "again"}) {
    serving->async_shutdown(
        close_status::service_restart, reason, 10s, [&](error_code, shutdown_report r) {
          report = std::move(r);
          ++done;
        });
  }
  const auto gone = [](const websocket& client) { return client.record().has_value(); };
  ASSERT_TRUE(world.run_until([&] { return done == 2 && std::ranges::all_of(clients, gone); }));
  EXPECT_EQ(report.clean, clients.size());
  for (const websocket& client : clients) EXPECT_EQ(client.record()->received->reason, "bye");
}

TEST_F(Serving, P6_a_server_that_is_destroyed_leaves_its_connections_alone) {
  listen();
  serving->on_connection([](websocket& socket, const request&) -> asio::awaitable<void> {
    message into;
    for (;;) {
      const receive_result got = co_await socket.async_receive_message(into, asio::use_awaitable);
      if (got.type == message_type::close) co_return;
      co_await socket.async_send(into, asio::use_awaitable);
    }
  });
  start();
  websocket client = connect();
  serving.reset();
  client.send("echo");
  reading got;
  receive(client, got);
  ASSERT_TRUE(world.run_until([&] { return got.come(); }));
  EXPECT_TRUE(got.is_text("echo"));
  answer closed;
  client.async_close(close_status::normal_closure, "", to(closed));
  ASSERT_TRUE(world.run_until([&] { return closed.come(); }));
  EXPECT_TRUE(closed.good());
  EXPECT_THROW((void)raw_socket::connect_to(port), std::runtime_error);
}

TEST_F(Serving, N19_a_unix_socket_and_its_stale_file) {
  const std::string path =
      (std::filesystem::temp_directory_path() / ("adieu-" + std::to_string(::getpid()))).string();
  for (int round = 0; round < 2; ++round) {  // the first one leaves its file behind
    listen();
    std::string remote = "unset";
    serving->on_open([&](websocket& socket, const request& asked) {
      remote = asked.remote;
      socket.on_message([&socket](const message_view& view) { socket.send(view); });
    });
    serving->listen_unix(path);
    websocket client;
    bool done = false;
    async_connect(
        world.executor(), "ws+unix:" + path + ":/chat", {}, [&](error_code ec, websocket socket) {
          EXPECT_FALSE(ec) << ec.message();
          client = std::move(socket);
          done = true;
        });
    ASSERT_TRUE(world.run_until([&] { return done; }));
    client.send("over a unix socket");
    reading got;
    receive(client, got);
    ASSERT_TRUE(world.run_until([&] { return got.come(); }));
    EXPECT_TRUE(got.is_text("over a unix socket"));
    EXPECT_EQ(remote, "");
    answer closed;
    client.async_close(close_status::normal_closure, "", to(closed));
    ASSERT_TRUE(world.run_until([&] { return closed.come(); }));
    EXPECT_TRUE(closed.good());
    serving.reset();
    world.settle();
  }
  ::unlink(path.c_str());
}

TEST_F(Serving, D11_a_websocket_that_its_handler_moved_out_is_the_apps) {
  listen();
  websocket kept;
  serving->on_connection([&](websocket& socket, const request&) -> asio::awaitable<void> {
    kept = std::move(socket);
    co_return;
  });
  start();
  websocket client = connect();
  ASSERT_TRUE(world.run_until([&] { return static_cast<bool>(kept); }));
  EXPECT_EQ(client.state(), state::open);
  kept.abort();
  EXPECT_TRUE(world.run_until([&] { return client.record().has_value(); }));
}

TEST_F(Serving, D11_a_message_handler_that_throws_closes_with_1011_and_the_server_goes_on) {
  listen();
  serving->on_open([](websocket& socket, const request&) {
    socket.on_message([](const message_view&) { throw std::runtime_error("boom"); });
  });
  start();
  websocket client = connect();
  client.send("hello");
  ASSERT_TRUE(world.run_until([&] { return client.close_status().has_value(); }));
  EXPECT_EQ(client.close_status(), close_status::internal_server_error);
  EXPECT_EQ(handler_errors, 1);
  EXPECT_TRUE(static_cast<bool>(connect()));
}

TEST_F(Serving, D12_an_end_hook_may_still_use_the_websocket) {
  listen();
  std::optional<state> seen;
  serving->on_open([&](websocket& socket, const request&) {
    socket.on_end([&](const disconnect_record&) { seen = socket.state(); });
  });
  start();
  {
    websocket client = connect();
    client.abort();
  }
  EXPECT_TRUE(world.run_until([&] { return seen.has_value(); }));
  EXPECT_EQ(seen, state::aborted);
}

}  // namespace
}  // namespace adieu::test
