// Masks and keys (RFC 6455 §10.3, §4.1): what can be shown of their source. That OpenSSL's
// generator is unpredictable can't; that ours gives every byte once, to one frame, thread and
// process, can.
#include "net/random.hpp"

#include <sys/wait.h>

#include <bit>
#include <cmath>
#include <set>
#include <thread>

#include "tests/net/raw_fixture.hpp"

namespace adieu::test {
namespace {

using block = std::array<std::byte, 16>;

block draw() {
  block out{};
  net::fill_random(out);
  return out;
}

TEST(Random, no_block_comes_twice_over_many_pools_sizes_and_threads) {
  std::vector<block> all;
  std::mutex mutex;
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      std::vector<block> own;
      for (int i = 0; i < 5000; ++i) {  // 4096 bytes a pool
        own.push_back(draw());
        std::vector<std::byte> other(static_cast<std::size_t>(i % 7) * 300 + 1);
        net::fill_random(other);
      }
      const std::lock_guard lock(mutex);
      all.insert(all.end(), own.begin(), own.end());
    });
  }
  for (std::thread& each : threads) each.join();
  const std::set<block> different(all.begin(), all.end());
  EXPECT_EQ(different.size(), all.size());
}

// A child of fork() has its parent's memory, the bytes in stock included.
TEST(Random, a_forked_child_does_not_repeat_its_parents_bytes) {
  (void)draw();  // there is a stock
  int ends[2];
  ASSERT_EQ(::pipe(ends), 0);
  const pid_t child = ::fork();
  if (child == 0) {
    const block drawn = draw();
    const bool wrote = ::write(ends[1], drawn.data(), drawn.size()) == 16;
    ::_exit(wrote ? 0 : 1);
  }
  ASSERT_GT(child, 0);
  block of_child{};
  ASSERT_EQ(::read(ends[0], of_child.data(), of_child.size()), 16);
  int status = 0;
  ::waitpid(child, &status, 0);
  EXPECT_EQ(status, 0);
  EXPECT_NE(of_child, draw());
  ::close(ends[0]), ::close(ends[1]);
}

class Masks : public with_raw_peer {};

// 2,000 keys on the wire. Each bound is missed by chance less than once in a million runs.
TEST_F(Masks, section_10_3_each_frame_has_a_key_of_its_own) {
  constexpr std::size_t frames = 2000;
  meet(role::client);
  for (std::size_t i = 0; i < frames; ++i) {
    socket.send("same");
    if (i % 500 == 0) world.settle();
  }
  ASSERT_TRUE(peer_gets(frames * 10));
  std::set<std::uint32_t> keys, steps;
  std::uint32_t before = 0;
  int ones = 0;
  for (std::size_t i = 0; i < frames; ++i) {
    std::uint32_t key = 0;
    for (std::size_t b = 0; b < 4; ++b) {
      key = key << 8U | static_cast<unsigned char>(peer.got[i * 10 + 2 + b]);
    }
    keys.insert(key);
    steps.insert(key - before);  // neither a counter nor a key that is added to
    before = key;
    ones += std::popcount(key);
  }
  EXPECT_GE(keys.size(), frames - 2);
  EXPECT_GE(steps.size(), frames - 2);
  const double deviations = std::abs(ones - 16.0 * frames) / std::sqrt(8.0 * frames);
  EXPECT_LT(deviations, 5.0) << ones;
}

}  // namespace
}  // namespace adieu::test
