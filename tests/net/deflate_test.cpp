// permessage-deflate between our own client and server (RFC 7692, N13, N15): the opening handshake,
// the public calls, and who refuses what.
#include <boost/asio/use_awaitable.hpp>

#include "adieu/connect.hpp"
#include "adieu/server.hpp"
#include "net/opening.hpp"
#include "tests/net/raw_fixture.hpp"

namespace adieu::test {
namespace {

deflate_options windows(int client_bits, int server_bits) {
  deflate_options out;
  out.client_max_window_bits = client_bits;
  out.server_max_window_bits = server_bits;
  return out;
}

class Deflate : public testing::Test {
 protected:
  /// An echo server, and a client of it.
  void meet(std::optional<deflate_options> server_says,
            std::optional<deflate_options> client_says) {
    server_options how;
    how.websocket.deflate = server_says;
    serving.emplace(world.executor(), how);
    serving->on_connection([this](websocket& one, const request&) -> asio::awaitable<void> {
      agreed_by_server = one.extensions();
      message got;
      for (;;) {
        const auto result = co_await one.async_receive_message(got, asio::use_awaitable);
        if (result.type == message_type::close) break;
        co_await one.async_send(got, asio::use_awaitable);
      }
    });
    connect_options options;
    options.websocket.deflate = client_says;
    bool here = false;
    const auto port = serving->listen("127.0.0.1", 0).port();
    async_connect(world.executor(),
                  "ws://127.0.0.1:" + std::to_string(port),
                  options,
                  [&](error_code ec, websocket made) {
                    EXPECT_FALSE(ec) << ec.message();
                    socket = std::move(made);
                    here = true;
                  });
    ASSERT_TRUE(world.run_until([&] { return here; }));
  }
  void expect_echo(const std::string& text) {
    answer sent;
    socket.async_send(text, to(sent));
    expect_message(text);
    EXPECT_TRUE(sent.good()) << sent.ec.message();
  }
  void expect_message(const std::string& text) {
    message back;
    bool come = false;
    socket.async_receive_message(back, [&](error_code ec, const receive_result&) {
      EXPECT_FALSE(ec) << ec.message();
      come = true;
    });
    ASSERT_TRUE(world.run_until([&] { return come; }));
    EXPECT_EQ(back.payload, text);
  }

  tcp_world world;
  std::optional<server> serving;
  websocket socket;
  std::string agreed_by_server;
};

TEST_F(Deflate, N15_is_agreed_when_both_ask_for_it) {
  meet(windows(12, 15), windows(15, 11));
  EXPECT_EQ(socket.extensions(),
            "permessage-deflate; server_max_window_bits=11; client_max_window_bits=12");
  expect_echo(std::string(5000, 'x'));
  EXPECT_EQ(agreed_by_server, socket.extensions());
}

TEST_F(Deflate, N15_is_off_unless_both_ask_for_it) {
  meet(std::nullopt, windows(15, 15));
  EXPECT_EQ(socket.extensions(), "");
  expect_echo(std::string(5000, 'x'));
}

TEST_F(Deflate, N13_single_messages_and_writers_go_uncompressed) {
  meet(windows(15, 15), windows(15, 15));
  answer first, second, third;
  const std::string text(300, 'y');
  socket.async_send(
      asio::buffer(text), message_type::text, end_of_message::yes, compression::none, to(first));
  message_writer writer = socket.begin_message(message_type::text, compression::none);
  writer.async_write(asio::buffer(text), to(second));
  writer.async_finish({}, to(third));
  ASSERT_TRUE(world.run_until([&] { return first.come() && third.come(); }));
  EXPECT_TRUE(first.good() && second.good() && third.good());
  expect_message(text);
  expect_message(text);
}

TEST_F(Deflate, N13_pieces_of_one_message_must_agree) {
  meet(windows(15, 15), windows(15, 15));
  answer first, second;
  const auto piece = asio::buffer("piece", 5);
  socket.async_send(piece, message_type::text, end_of_message::no, to(first));
  socket.async_send(piece, message_type::text, end_of_message::yes, compression::none, to(second));
  ASSERT_TRUE(world.run_until([&] { return first.come() && second.come(); }));
  EXPECT_TRUE(first.good());
  EXPECT_TRUE(second.is(errc::invalid_argument)) << second.ec.message();
}

TEST_F(Deflate, N15_bad_options_are_refused_with_their_name) {
  server_options how;
  how.websocket.deflate = windows(15, 8);
  EXPECT_THROW(server(world.executor(), how), std::invalid_argument);
  connect_options options;
  options.websocket.deflate = windows(16, 15);
  error_code ec;
  std::optional<disconnect_record> record;
  async_connect(
      world.executor(), "ws://127.0.0.1:1/", options, [&](error_code failed, websocket made) {
        ec = failed;
        record = made.record();
      });
  ASSERT_TRUE(world.run_until([&] { return record.has_value(); }));
  EXPECT_EQ(ec, errc::invalid_argument);
  EXPECT_EQ(record->connect->detail, "deflate: client_max_window_bits must be 9 to 15, but is 16");
}

TEST_F(Deflate, Section7_1_an_answer_that_was_not_offered_fails_the_client) {
  const raw_listener listener;
  connect_options options;
  options.websocket.deflate = windows(15, 10);
  std::optional<disconnect_record> record;
  async_connect(world.executor(), listener.url(), options, [&](error_code ec, websocket made) {
    EXPECT_EQ(ec, errc::header_error) << ec.message();
    record = made.record();
  });
  ASSERT_TRUE(world.run_until([&] { return listener.somebody_waits(); }));
  raw_socket peer = listener.accept();
  ASSERT_TRUE(world.run_until([&] {
    (void)peer.read_now();
    return peer.got.ends_with("\r\n\r\n");
  }));
  EXPECT_NE(peer.got.find("Sec-WebSocket-Extensions: permessage-deflate; "
                          "server_max_window_bits=10; client_max_window_bits\r\n"),
            std::string::npos)
      << peer.got;
  const std::string name = "Sec-WebSocket-Key: ";
  const std::string key = peer.got.substr(peer.got.find(name) + name.size(), 24);
  peer.send(
      "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
      "Sec-WebSocket-Accept: " +
      core::accept_for(key, net::sha1) +
      "\r\nSec-WebSocket-Extensions: permessage-deflate; server_max_window_bits=12\r\n\r\n");
  ASSERT_TRUE(world.run_until([&] { return record.has_value(); }));
  EXPECT_NE(record->connect->detail.find("server_max_window_bits must be at most 10, but is 12"),
            std::string::npos)
      << record->connect->detail;
}

}  // namespace
}  // namespace adieu::test
