// P8: a copy that is sent from elsewhere in the loop, as to one of many connections: the first of a
// burst is written within the call, the others leave together.
#include <boost/asio/post.hpp>

#include "tests/net/raw_fixture.hpp"

namespace adieu::test {
namespace {

class Burst : public with_raw_peer {
 protected:
  /// As a handler of some other connection.
  template <typename Work>
  void in_the_loop(Work work) {
    bool done = false;
    asio::post(world.executor(), [&] { work(), done = true; });
    EXPECT_TRUE(world.run_until([&] { return done; }));
  }
  std::string frame(std::string_view text) {
    return std::string{static_cast<char>(0x81), static_cast<char>(text.size())} + std::string(text);
  }
  /// Without the loop's help.
  std::string peer_has() {
    (void)peer.read_now();
    return peer.got;
  }
};

TEST_F(Burst, P8_the_first_copy_is_written_in_the_call_and_the_others_together) {
  meet(role::server);
  world.settle();
  for (int round = 0; round < 3; ++round) {
    peer.got.clear();
    in_the_loop([&] {
      socket.send("one");
      EXPECT_EQ(peer_has(), frame("one"));
      socket.send("two");
      socket.send("three");
      EXPECT_EQ(peer_has(), frame("one"));
    });
    EXPECT_TRUE(peer_gets(frame("one").size() + frame("two").size() + frame("three").size()));
    EXPECT_EQ(peer.got, frame("one") + frame("two") + frame("three"));
  }
}

TEST_F(Burst, P8_what_does_not_go_at_once_goes_when_the_peer_reads) {
  meet(role::server);
  world.settle();
  const std::string large(12'000'000, 'l');
  in_the_loop([&] { socket.send(large); });
  EXPECT_LT(peer_has().size(), large.size());
  EXPECT_TRUE(peer_gets(10 + large.size()));
  EXPECT_TRUE(peer.got.ends_with(large));
}

TEST_F(Burst, P6_a_write_that_fails_in_the_call_ends_the_connection_after_it) {
  meet(role::server);
  world.settle();
  bool told = false;
  socket.on_end([&](const disconnect_record&) { told = true; });
  world.settle();
  peer.reset();
  in_the_loop([&] {
    socket.send("too late");
    EXPECT_FALSE(told);
  });
  EXPECT_TRUE(world.run_until([&] { return told; }));
  EXPECT_EQ(record()->cause, cause::peer_reset);
  EXPECT_EQ(record()->lost.unsent_messages, 1U);
}

TEST_F(Burst, P3_a_peer_that_does_not_take_what_was_sent_in_the_call_is_found) {
  websocket_options o = quick();
  o.write_timeout = 100ms;
  meet(role::server, o);
  world.settle();
  in_the_loop([&] { socket.send(std::string(12'000'000, 'l')); });
  EXPECT_TRUE(world.run_until([&] { return record().has_value(); }));
  EXPECT_EQ(record()->cause, cause::peer_not_reading);
}

}  // namespace
}  // namespace adieu::test
