// A loop that stood still hears of its timers before it has heard of all its sockets: more are
// ready than it is told of at once. What has happened on the wire comes before what the clock says
// (P3).
#include <algorithm>

#include "tests/net/raw_fixture.hpp"

namespace adieu::test {
namespace {

class LateLoop : public testing::Test {
 protected:
  static constexpr std::size_t many = 400;

  void meet_many(const websocket_options& options) {
    const raw_listener listener;
    for (std::size_t i = 0; i < many; ++i) {
      asio::ip::tcp::socket tcp(world.executor());
      tcp.connect({asio::ip::address_v4::loopback(), listener.port()});
      tcp.set_option(asio::socket_base::send_buffer_size(16 * 1024));
      peers.push_back(listener.accept());
      const int little = 16 * 1024;
      ::setsockopt(peers.back().descriptor(), SOL_SOCKET, SO_RCVBUF, &little, sizeof little);
      ours.push_back(websocket::adopt(std::move(tcp), role::server, options));
    }
  }
  /// The loop stands still.
  static void stand_still(core::duration time) {
    const auto until = std::chrono::steady_clock::now() + time;
    while (std::chrono::steady_clock::now() < until) {
    }
  }
  [[nodiscard]] std::size_t ended() const {
    return static_cast<std::size_t>(
        std::ranges::count_if(ours, [](const auto& each) { return each.record().has_value(); }));
  }

  tcp_world world;
  std::vector<raw_socket> peers;
  std::vector<websocket> ours;
};

TEST_F(LateLoop, P3_a_Pong_that_has_arrived_counts) {
  websocket_options options;
  options.ping_interval = 200ms;
  options.pong_timeout = 200ms;
  meet_many(options);
  for (std::size_t i = 0; i < many; ++i) {
    ASSERT_TRUE(
        world.run_until([&] { return (void)peers[i].read_now(), peers[i].got.size() == 10; }));
  }
  for (raw_socket& peer : peers) {
    peer.send(masked_frame(pong_frame, std::string_view(peer.got).substr(2)));
  }
  stand_still(300ms);
  for (int i = 0; i < 20; ++i) world.context().poll();
  EXPECT_EQ(ended(), 0U) << "accused, although their Pongs were there";
}

TEST_F(LateLoop, P3_room_that_a_reading_peer_has_made_counts) {
  websocket_options options;
  options.ping_interval = 0ms;
  options.write_timeout = 300ms;
  meet_many(options);
  const std::string much(1 << 20, 'x');
  std::size_t sent = 0;
  for (websocket& each : ours) {
    each.async_send(
        asio::buffer(much), message_type::binary, end_of_message::yes, [&](error_code) { ++sent; });
  }
  for (int i = 0; i < 20; ++i) world.context().poll();  // until every kernel has its fill
  EXPECT_EQ(sent, 0U);
  for (raw_socket& peer : peers) {
    (void)peer.read_now();
    peer.got.clear();
  }
  stand_still(350ms);
  for (int i = 0; i < 20; ++i) world.context().poll();
  EXPECT_EQ(ended(), 0U) << "accused, although they had read";
}

}  // namespace
}  // namespace adieu::test
