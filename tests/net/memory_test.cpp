// What a peer can make us hold, as the allocator counts it, over real TCP. The sanitizers bring an
// allocator of their own, so that only the plain build measures.
#include <malloc.h>

#include "tests/net/raw_fixture.hpp"

namespace adieu::test {
namespace {

class HeldMemory : public with_raw_peer {
 protected:
  void SetUp() override {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
    GTEST_SKIP() << "sanitizers bring their own allocator";
#endif
  }
  static std::size_t held() {
    const struct mallinfo2 now = ::mallinfo2();
    return now.uordblks + now.hblkhd;
  }
  /// The peer writes this again and again, as long as it goes and at most `size` bytes, and reads
  /// nothing. Returns the most that was held meanwhile beyond what was before.
  std::size_t growth_while_peer_writes(const std::string& frame, std::size_t size) {
    const std::size_t before = held();
    std::size_t most = before, written = 0;
    std::string rest;
    int idle = 0;
    while (written < size && idle < 50) {
      if (rest.empty()) rest = frame;
      const std::size_t went = peer.send_some(rest);
      rest.erase(0, went);
      written += went;
      idle = went == 0 ? idle + 1 : 0;
      world.pass(went == 0 ? 1ms : 0ms);
      world.context().poll();
      most = std::max(most, held());
    }
    wrote = written;
    return most - before;
  }
  std::size_t wrote = 0;
};

TEST_F(HeldMemory, pings_of_a_peer_that_reads_nothing) {
  websocket_options options = quick();
  options.max_control_frames_per_second = 0;
  meet(role::server, options);
  socket.on_message([](const message_view&) {});
  std::string pings;
  for (int i = 0; i < 500; ++i) pings += masked_frame(ping_frame, std::string(125, 'p'));
  const std::size_t grown = growth_while_peer_writes(pings, 60'000'000);
  EXPECT_GE(wrote, 60'000'000U) << "all were read";
  EXPECT_LT(grown, 400'000U);
}

TEST_F(HeldMemory, messages_that_nobody_receives) {
  meet(role::server);
  const std::size_t grown =
      growth_while_peer_writes(masked_frame(0x82, std::string(10'000, 'd')), 60'000'000);
  EXPECT_LT(wrote, 60'000'000U) << "reading stands still";
  EXPECT_LT(grown, 400'000U);
}

}  // namespace
}  // namespace adieu::test
