// Everything that a clock decides (N14, D10, P3, P5), in virtual time; and the same on TCP with
// short options where it matters.
#include "tests/net/raw_fixture.hpp"

namespace adieu::test {
namespace {

class Deadlines : public testing::Test {
 protected:
  memory_world world;
};

TEST_F(Deadlines, N14_D10_idle_connections_ping_each_other_and_live) {
  ends pair = world.open();
  world.pass(10min);
  EXPECT_EQ(pair.client.state(), state::open);
  EXPECT_EQ(pair.server.state(), state::open);
  answer pinged;
  pair.client.async_ping(to(pinged));
  ASSERT_TRUE(world.run_until([&] { return pinged.come(); }));
  EXPECT_TRUE(pinged.good());
  pair.client.abort();
  world.settle();
  EXPECT_TRUE(pair.client.record()->round_trip.has_value());
}

TEST_F(Deadlines, P5_the_total_deadline_is_ten_seconds_and_exact) {
  websocket_options deaf;
  deaf.close_timeout = 10min;
  ends pair = world.open({}, deaf);
  answer closed;
  pair.client.async_close(close_status::normal_closure, "", to(closed));
  world.pass(9900ms);
  EXPECT_FALSE(closed.come());
  for (int i = 0; i < 3; ++i) pair.server.send("trickle");
  world.pass(99ms);
  EXPECT_FALSE(closed.come());
  world.pass(2ms);
  EXPECT_TRUE(closed.is(errc::close_timeout));
  EXPECT_EQ(pair.client.record()->timeout_phase, close_phase::awaiting_peer_close);
  EXPECT_EQ(pair.client.record()->ended, 10s);
}

TEST_F(Deadlines, P5_after_close_output_only_silence_counts) {
  websocket_options deaf;
  deaf.close_timeout = 10min;
  ends pair = world.open({}, deaf);
  answer half;
  pair.client.async_close_output(close_status::normal_closure, "", to(half));
  for (int i = 0; i < 10; ++i) {
    world.pass(9s);
    ASSERT_EQ(pair.client.state(), state::close_sent) << i;
    pair.server.send("a long drain");
  }
  reading got;
  for (int i = 0; i < 10; ++i) {
    got = {};
    receive(pair.client, got);
    world.settle();
    ASSERT_TRUE(got.is_text("a long drain"));
  }
  world.pass(9s);
  EXPECT_EQ(pair.client.state(), state::close_sent);
  world.pass(2s);
  EXPECT_EQ(pair.client.state(), state::aborted);
  EXPECT_EQ(pair.client.record()->cause, cause::close_timeout);
}

TEST_F(Deadlines, P3_an_app_that_does_not_read_is_no_reason_to_accuse_the_peer) {
  websocket_options small;
  small.receive_window = 1024;
  ends pair = world.open(small);  // the server's Pings are not read, either: our Pongs keep it calm
  for (int i = 0; i < 20; ++i) pair.server.send(std::string(100, 'x'));
  world.pass(5min);
  EXPECT_EQ(pair.client.state(), state::open);
  std::size_t total = 0;
  while (const auto got = [&]() -> std::optional<receive_result> {
    char space[4096];
    world.settle();
    return pair.client.try_receive(asio::buffer(space));
  }()) {
    total += got->count;
  }
  EXPECT_EQ(total, 2000U);
  world.pass(2min);
  EXPECT_EQ(pair.client.state(), state::open);
  EXPECT_EQ(pair.server.state(), state::open);
}

TEST_F(Deadlines, P3_a_peer_that_reads_nothing_is_given_up_after_the_write_limit) {
  websocket_options small;
  small.receive_window = 1024;
  small.ping_interval = 0ms;
  websocket_options writer;
  writer.ping_interval = 0ms;
  ends pair = world.open(writer, small);
  const std::string big(300'000, 'w');
  answer sent;
  pair.client.async_send(big, to(sent));
  world.pass(59s);
  EXPECT_FALSE(sent.come());
  world.pass(2s);
  EXPECT_TRUE(sent.is(errc::peer_not_reading)) << sent.ec.message();
  ASSERT_TRUE(pair.client.record().has_value());
  EXPECT_EQ(pair.client.record()->cause, cause::peer_not_reading);
  EXPECT_EQ(pair.client.record()->tcp, tcp_end::reset_sent);
  EXPECT_EQ(pair.client.record()->lost.unsent_messages, 1U);
}

TEST_F(Deadlines, P3_a_probe_finds_a_peer_that_went_away_behind_unread_data) {
  websocket_options small;
  small.receive_window = 1024;
  ends pair = world.open(small);
  pair.server.send(std::string(60'000, 'x'));
  world.settle();
  pair.server = websocket();
  world.settle();
  EXPECT_EQ(pair.client.state(), state::open);
  world.pass(6s);
  EXPECT_EQ(pair.client.state(), state::aborted);
  message all;
  answer got, end;
  pair.client.async_receive_message(all, to(got));
  world.settle();
  EXPECT_TRUE(got.good());
  EXPECT_EQ(all.payload.size(), 60'000U);
  pair.client.async_receive_message(all, to(end));
  world.settle();
  EXPECT_TRUE(end.is(errc::connection_closed_prematurely));
}

TEST_F(Deadlines, N10_the_lingering_of_a_second_is_bounded_by_the_total_deadline) {
  websocket_options options;
  options.close_timeout = 400ms;
  options.linger = 1s;
  ends pair = world.open({}, options);
  answer closed, answered;
  pair.server.async_close(close_status::normal_closure, "", to(closed));
  world.settle();
  pair.client.async_close_output(close_status::normal_closure, "", to(answered));
  ASSERT_TRUE(world.run_until([&] { return closed.come(); }));
  EXPECT_TRUE(closed.good());
}

class SilentPeer : public with_raw_peer {};

TEST_F(SilentPeer, N14_D10_a_peer_that_does_not_answer_a_ping_is_given_up) {
  websocket_options options = quick();
  options.ping_interval = 50ms;
  options.pong_timeout = 100ms;
  meet(role::server, options);
  reading got;
  receive(socket, got);
  ASSERT_TRUE(world.run_until([&] { return got.come(); }));
  EXPECT_TRUE(got.is(errc::keepalive_timeout)) << got.ec.message();
  EXPECT_EQ(record()->cause, cause::keepalive_timeout);
  EXPECT_EQ(record()->tcp, tcp_end::reset_sent);
  EXPECT_EQ(socket.state(), state::aborted);
  (void)peer.read_to_end();
  ASSERT_GE(peer.got.size(), 2U);
  EXPECT_EQ(static_cast<unsigned char>(peer.got[0]), ping_frame);
}

TEST_F(SilentPeer, P3_any_byte_proves_life) {
  websocket_options options = quick();
  options.ping_interval = 50ms;
  options.pong_timeout = 100ms;
  meet(role::server, options);
  const auto until = std::chrono::steady_clock::now() + 400ms;
  ASSERT_TRUE(world.run_until([&] {
    world.pass(20ms);
    peer.send(masked_frame(pong_frame, "unsolicited"));
    return std::chrono::steady_clock::now() > until;
  }));
  EXPECT_EQ(socket.state(), state::open);
}

TEST_F(SilentPeer, P3_a_blocked_write_ends_with_its_limit) {
  websocket_options options = quick();
  options.write_timeout = 100ms;
  meet(role::server, options);
  const std::string big(20'000'000, 'w');
  answer sent;
  socket.async_send(big, to(sent));
  ASSERT_TRUE(world.run_until([&] { return sent.come(); }));
  EXPECT_TRUE(sent.is(errc::peer_not_reading));
  EXPECT_EQ(record()->cause, cause::peer_not_reading);
  EXPECT_TRUE(record()->lost.unacknowledged_bytes.has_value());
  EXPECT_EQ(record()->lost.unsent_messages, 1U);
}

// Part 4: what was written is either in the peer's kernel or counted.
TEST_F(SilentPeer, unacknowledged_bytes_are_exact_after_the_peers_reset) {
  meet(role::server, quick());
  const std::string big(20'000'000, 'w');
  answer sent;
  socket.async_send(big, to(sent));
  int held = 0, before = -1;
  ASSERT_TRUE(world.run_until([&] {  // until the peer's kernel takes no more
    world.pass(50ms);
    before = std::exchange(held, 0);
    return ::ioctl(peer.descriptor(), FIONREAD, &held) == 0 && held > 0 && held == before;
  }));
  peer.reset();
  ASSERT_TRUE(world.run_until([&] { return record().has_value(); }));
  EXPECT_EQ(record()->cause, cause::peer_reset);
  constexpr std::uint64_t header = 10;
  EXPECT_EQ(static_cast<std::uint64_t>(held) + record()->lost.unacknowledged_bytes.value_or(0) +
                record()->lost.unsent_bytes,
            header + big.size());
}

// P3, D1: the window is full, the kernel's queue fills, and behind it the peer goes.
TEST_F(SilentPeer, P3_reading_pauses_at_the_window_and_the_probe_sees_fin_and_reset) {
  for (const bool with_reset : {false, true}) {
    websocket_options options = quick();
    options.probe_interval = 50ms;
    meet(role::server, options);
    const std::string frame = masked_frame(0x82, std::string(30'000, 'x'));
    for (int i = 0; i < 200; ++i) {
      peer.send(std::string_view(frame).substr(0, 0));
      if (peer.send_some(frame) != frame.size()) break;
      world.pass(1ms);
    }
    int unread = 0;
    EXPECT_EQ(::ioctl(peer.descriptor(), TIOCOUTQ, &unread), 0);
    EXPECT_GT(unread, 0) << "the kernel's queue did not fill: reading goes on";
    EXPECT_EQ(socket.state(), state::open);
    if (with_reset) {
      peer.reset();
    } else {
      // The FIN must get past what is still on its way: that is possible only when we read. A
      // reset is seen at once.
      peer.fin();
      continue;
    }
    ASSERT_TRUE(world.run_until([&] { return socket.state() == state::aborted; }));
    ASSERT_TRUE(world.run_until([&] { return record().has_value(); }));
    EXPECT_EQ(record()->cause, cause::peer_reset);
    EXPECT_EQ(record()->tcp, tcp_end::reset_received);
    EXPECT_TRUE(record()->receive_paused);
  }
}

TEST_F(SilentPeer, P3_a_fin_behind_unread_data_is_found) {
  websocket_options options = quick();
  options.probe_interval = 50ms;
  options.receive_window = 1024;
  meet(role::server, options);
  for (int i = 0; i < 10; ++i) peer.send(masked_frame(0x82, std::string(1000, 'x')));
  world.settle();
  EXPECT_EQ(socket.state(), state::open);
  peer.fin();
  ASSERT_TRUE(world.run_until([&] { return socket.state() == state::aborted; }));
  ASSERT_TRUE(world.run_until([&] { return record().has_value(); }));
  EXPECT_EQ(record()->cause, cause::peer_vanished);
  EXPECT_EQ(record()->lost.unread_bytes, 10'000U);
  EXPECT_EQ(record()->lost.unread_messages, 10U);
  EXPECT_TRUE(record()->receive_paused);
}

}  // namespace
}  // namespace adieu::test
