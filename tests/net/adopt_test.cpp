// N19, P10: websocket::adopt over a TCP socket, a local socket pair, a stream that only reads and
// writes, and Asio's TLS stream.
#include <boost/asio/local/connect_pair.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/ssl.hpp>

#include "tests/net/certificates.hpp"
#include "tests/net/raw_fixture.hpp"

namespace adieu::test {
namespace {

/// Offers async_read_some, async_write_some and get_executor, and nothing else.
class bare_stream {
 public:
  using executor_type = asio::any_io_executor;
  explicit bare_stream(asio::local::stream_protocol::socket socket) : socket_(std::move(socket)) {}
  [[nodiscard]] executor_type get_executor() { return socket_.get_executor(); }
  template <typename Buffers, typename Token>
  auto async_read_some(const Buffers& buffers, Token&& token) {
    return socket_.async_read_some(buffers, std::forward<Token>(token));
  }
  template <typename Buffers, typename Token>
  auto async_write_some(const Buffers& buffers, Token&& token) {
    return socket_.async_write_some(buffers, std::forward<Token>(token));
  }

 private:
  asio::local::stream_protocol::socket socket_;
};

class Adopting : public testing::Test {
 protected:
  using local = asio::local::stream_protocol::socket;
  std::pair<local, local> locals() {
    local a(world.executor()), b(world.executor());
    asio::local::connect_pair(a, b);
    return {std::move(a), std::move(b)};
  }
  [[nodiscard]] static websocket_options quick() {
    websocket_options out;
    out.close_timeout = 400ms;
    out.linger = 100ms;
    out.ping_interval = 0ms;
    return out;
  }
  /// Messages both ways, back-pressure, and a clean end.
  void talk(ends& pair) {
    const std::string big(3'000'000, 'a');
    message at_server, at_client;
    answer sent, got, echoed, back;
    pair.client.async_send(big, to(sent));
    pair.server.async_receive_message(at_server, to(got));
    ASSERT_TRUE(world.run_until([&] { return got.come() && sent.come(); }));
    EXPECT_EQ(at_server.payload, big);
    pair.server.async_send("back", to(echoed));
    pair.client.async_receive_message(at_client, to(back));
    ASSERT_TRUE(world.run_until([&] { return back.come(); }));
    EXPECT_EQ(at_client.text(), "back");
    answer closed, answered;
    reading theirs;
    receive(pair.server, theirs);
    pair.client.async_close(close_status::normal_closure, "bye", to(closed));
    ASSERT_TRUE(world.run_until([&] { return theirs.come(); }));
    EXPECT_TRUE(theirs.is_close(1000, "bye"));
    pair.server.async_close_output(close_status::normal_closure, "", to(answered));
    ASSERT_TRUE(world.run_until([&] { return closed.come() && pair.server.record(); }));
    EXPECT_TRUE(closed.good()) << closed.ec.message();
    EXPECT_TRUE(pair.client.record()->clean) << to_line(*pair.client.record());
    EXPECT_TRUE(pair.server.record()->clean) << to_line(*pair.server.record());
    EXPECT_FALSE(pair.client.record()->lost.unacknowledged_bytes.has_value());
  }
  tcp_world world;
};

TEST_F(Adopting, N19_a_local_socket_pair) {
  auto [a, b] = locals();
  ends pair{websocket::adopt(std::move(a), role::client, quick()),
            websocket::adopt(std::move(b), role::server, quick())};
  talk(pair);
}

TEST_F(Adopting, P10_a_stream_that_only_reads_and_writes) {
  auto [a, b] = locals();
  ends pair{websocket::adopt(bare_stream(std::move(a)), role::client, quick()),
            websocket::adopt(bare_stream(std::move(b)), role::server, quick())};
  talk(pair);
}

TEST_F(Adopting, P10_leftover_bytes_of_a_bare_stream) {
  auto [a, b] = locals();
  websocket socket = websocket::adopt(
      bare_stream(std::move(a)), role::client, quick(), bare_frame(text_frame, "left over"));
  reading got;
  receive(socket, got);
  ASSERT_TRUE(world.run_until([&] { return got.come(); }));
  EXPECT_TRUE(got.is_text("left over"));
}

TEST_F(Adopting, P10_an_abort_while_a_write_is_in_flight) {
  auto [a, b] = locals();
  websocket socket = websocket::adopt(bare_stream(std::move(a)), role::server, quick());
  answer sent, ended;
  {
    const std::string big(8'000'000, 'x');  // the caller's memory goes away right after the answer
    socket.async_send(big, to(sent));
    socket.async_wait_closed(to(ended));
    world.settle();
    EXPECT_FALSE(sent.come());
    socket.abort();
    ASSERT_TRUE(world.run_until([&] { return sent.come() && ended.come(); }));
  }
  EXPECT_TRUE(sent.is(errc::aborted));
  EXPECT_EQ(ended.record.cause, cause::local_abort);
  b.close();
  world.settle();
}

TEST_F(Adopting, S9_a_bare_stream_whose_peer_vanishes) {
  auto [a, b] = locals();
  websocket socket = websocket::adopt(bare_stream(std::move(a)), role::server, quick());
  reading got;
  receive(socket, got);
  b.close();
  ASSERT_TRUE(world.run_until([&] { return got.come(); }));
  EXPECT_TRUE(got.is(errc::connection_closed_prematurely)) << got.ec.message();
  EXPECT_EQ(socket.record()->cause, cause::peer_vanished);
}

TEST_F(Adopting, P6_a_loop_destroyed_with_a_bare_stream_in_use) {
  auto own = std::make_unique<tcp_world>();
  local a(own->executor()), b(own->executor());
  asio::local::connect_pair(a, b);
  std::optional<websocket> socket =
      websocket::adopt(bare_stream(std::move(a)), role::server, quick());
  const std::string big(8'000'000, 'x');
  socket->async_send(big, [](error_code) {});
  own->settle();
  socket.reset();
  b.close();
  own.reset();
}

TEST_F(Adopting, P10_asios_tls_stream) {
  const certificates files("DNS:localhost");
  asio::ssl::context for_server(asio::ssl::context::tls_server);
  for_server.use_certificate_chain_file(files.certificate_file());
  for_server.use_private_key_file(files.key_file(), asio::ssl::context::pem);
  asio::ssl::context for_client(asio::ssl::context::tls_client);
  using stream = asio::ssl::stream<asio::ip::tcp::socket>;
  asio::ip::tcp::acceptor acceptor(world.context(), {asio::ip::address_v4::loopback(), 0});
  stream a(world.executor(), for_client), b(world.executor(), for_server);
  a.next_layer().connect(acceptor.local_endpoint());
  acceptor.accept(b.next_layer());
  int shaken = 0;
  const auto count = [&](error_code ec) {
    EXPECT_FALSE(ec) << ec.message();
    ++shaken;
  };
  a.async_handshake(stream::client, count);
  b.async_handshake(stream::server, count);
  ASSERT_TRUE(world.run_until([&] { return shaken == 2; }));
  ends pair{websocket::adopt(std::move(a), role::client, quick()),
            websocket::adopt(std::move(b), role::server, quick())};
  talk(pair);
}

class AdoptingTcp : public with_raw_peer {};

TEST_F(AdoptingTcp, N19_a_server_role_against_a_raw_client) {
  meet(role::server);
  peer.send(masked_frame(text_frame, "no handshake"));
  reading got;
  receive(socket, got);
  ASSERT_TRUE(world.run_until([&] { return got.come(); }));
  EXPECT_TRUE(got.is_text("no handshake"));
  socket.send("answer");
  ASSERT_TRUE(peer_gets(8));
  EXPECT_EQ(peer.got, bare_frame(text_frame, "answer"));
}

}  // namespace
}  // namespace adieu::test
