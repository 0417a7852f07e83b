// The clock of Pings and Pongs by itself (N14, D10, P3).
#include "adieu/core/keepalive.hpp"

#include <gtest/gtest.h>

namespace adieu::core {
namespace {

using namespace std::chrono_literals;
using verdict = keepalive::verdict;

// One with options of its own.
struct asking_options {
  websocket_options options;
};
struct asking : asking_options, keepalive {
  asking(std::chrono::milliseconds interval, std::chrono::milliseconds timeout, instant now)
      : keepalive(options, now) {
    options.ping_interval = interval;
    options.pong_timeout = timeout;
  }
  asking(const asking&) = delete;
};

std::uint64_t ask(keepalive& k, instant now) {
  EXPECT_EQ(k.tick(now), verdict::send_ping);
  const std::uint64_t counter = k.queued(0);
  k.written(counter, now);
  return counter;
}

TEST(Keepalive, D10_ping_then_verdict) {
  asking k(20s, 15s, 100s);
  EXPECT_EQ(k.deadline(), 120s);
  EXPECT_EQ(k.tick(119s), verdict::wait);
  ask(k, 120s);
  EXPECT_EQ(k.deadline(), 135s);
  EXPECT_EQ(k.tick(134s), verdict::wait);
  EXPECT_EQ(k.tick(135s), verdict::silent);
}

TEST(Keepalive, zero_switches_it_off) {
  asking off(0s, 15s, 0s);
  EXPECT_FALSE(off.deadline());
  off.doubt();
  EXPECT_FALSE(off.deadline());
  EXPECT_EQ(off.tick(1000s), verdict::wait);
  asking patient(20s, 0s, 0s);  // asks, and waits for ever
  ask(patient, 20s);
  EXPECT_FALSE(patient.deadline());
}

TEST(Keepalive, P3_any_byte_starts_it_anew) {
  asking k(20s, 20s, 0s);
  ask(k, 20s);
  k.heard(39s);
  EXPECT_EQ(k.deadline(), 59s);
}

TEST(Keepalive, P3_nothing_is_due_before_the_ping_is_written) {
  asking k(20s, 20s, 0s);
  EXPECT_EQ(k.tick(20s), verdict::send_ping);
  const std::uint64_t counter = k.queued(0);
  EXPECT_FALSE(k.deadline());
  k.written(counter, 70s);
  EXPECT_EQ(k.deadline(), 90s);
}

TEST(Keepalive, P3_late_timers_and_sleep_ask_again_first) {
  asking k(20s, 20s, 0s);
  ask(k, 20s);
  EXPECT_EQ(k.tick(43s), verdict::send_ping);  // three seconds late
  k.written(k.queued(0), 43s);
  EXPECT_EQ(k.tick(63s), verdict::silent);
  k.doubt();
  EXPECT_EQ(k.tick(63s), verdict::send_ping);
  k.written(k.queued(0), 63s);
  EXPECT_EQ(k.deadline(), 83s);
}

TEST(Keepalive, P3_paused_while_the_app_does_not_read) {
  asking k(20s, 20s, 0s);
  ask(k, 20s);
  k.pause();
  EXPECT_FALSE(k.deadline());
  k.resume(500s);
  EXPECT_EQ(k.deadline(), 520s);
}

TEST(Keepalive, N14_pongs_name_a_counter) {
  asking k(20s, 20s, 0s);
  EXPECT_EQ(keepalive::payload_of(0x0102030405060708),
            (std::array<std::byte, 8>{std::byte{1},
                                      std::byte{2},
                                      std::byte{3},
                                      std::byte{4},
                                      std::byte{5},
                                      std::byte{6},
                                      std::byte{7},
                                      std::byte{8}}));
  const std::uint64_t a = k.queued(11), b = k.queued(12), c = k.queued(13);
  k.written(a, 1s), k.written(b, 2s), k.written(c, 3s);
  std::vector<keepalive::ping> done;
  EXPECT_EQ(k.answered(keepalive::payload_of(b), 5s, done), 3s);
  ASSERT_EQ(done.size(), 2U);  // RFC 6455 §5.5.3: the earlier one as well
  EXPECT_EQ(done[0].owner, 11U);
  EXPECT_FALSE(k.answered(keepalive::payload_of(b), 6s, done));  // once
  EXPECT_FALSE(k.answered(as_bytes("short"), 6s, done));
  EXPECT_FALSE(k.answered(keepalive::payload_of(99), 6s, done));
  EXPECT_FALSE(k.cancel(12));
  EXPECT_TRUE(k.cancel(13));
  EXPECT_TRUE(k.give_up().empty());
}

}  // namespace
}  // namespace adieu::core
