// Nothing leaks: after thousands of connections of all kinds, descriptors, memory and threads are
// where they began; and after a clean end, TIME_WAIT is on the server's side (RFC 6455 §7.1.1).
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <gtest/gtest.h>

#include <malloc.h>
#include <unistd.h>

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <map>

#include "tests/faults/cycles.hpp"
#include "tests/faults/heap.hpp"
#include "tests/faults/network.hpp"
#include "tests/faults/scale.hpp"

namespace adieu::test {
namespace {

using namespace std::chrono_literals;
using clock = std::chrono::steady_clock;

std::size_t entries(const char* folder) {
  const std::filesystem::directory_iterator each(folder);
  return static_cast<std::size_t>(std::distance(begin(each), end(each)));
}

struct holdings {
  std::size_t descriptors = 0, threads = 0, resident = 0;
  std::int64_t blocks = 0, bytes = 0;

  static holdings now() {
    ::malloc_trim(0);
    holdings out;
    out.descriptors = entries("/proc/self/fd");
    out.threads = entries("/proc/self/task");
    out.blocks = heap_blocks();
    out.bytes = heap_bytes();
    std::size_t size = 0, pages = 0;
    std::ifstream("/proc/self/statm") >> size >> pages;
    out.resident = pages * static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
    return out;
  }
};

/// A host of the test's own: all its ports, nobody else's connections. Without root, this one.
class own_host {
 public:
  own_host() {
    if (network::missing()) return;
    network_.emplace();
    visit_.emplace(*network_, network::host::near);
    std::ofstream("/proc/sys/net/ipv4/ip_local_port_range") << "10000 65000";
  }

 private:
  std::optional<network> network_;
  std::optional<network::visit> visit_;
};

class Cycles : public testing::Test {
 protected:
  /// Plays them in turn, many at a time, and waits until all that they opened is closed.
  void play(std::span<const cycle_kind> kinds, std::size_t count) {
    constexpr std::size_t at_once = 64;
    std::size_t next = 0, at_work = at_once;
    const auto work = [&]() -> asio::awaitable<void> {
      while (next < count) {
        const cycle_kind& kind = kinds[next++ % kinds.size()];
        if (!co_await kind.play(world)) ++wrong[kind.name];
      }
    };
    const auto finished = [&](std::exception_ptr failed) {
      --at_work;
      if (failed) std::rethrow_exception(failed);
    };
    for (std::size_t i = 0; i < at_once; ++i) asio::co_spawn(world.loop, work(), finished);
    run_until([&] { return at_work == 0; }, 1h);
    run_until([&] { return entries("/proc/self/fd") == idle; }, 5s);
    while (world.loop.poll() != 0) {  // what has ended is let go of
    }
  }
  void run_until(const std::function<bool()>& so, clock::duration longest) {
    const auto latest = clock::now() + longest;
    while (!so()) {
      ASSERT_LT(clock::now(), latest) << entries("/proc/self/fd") << " descriptors, " << idle;
      world.loop.run_one_for(10ms);
    }
  }

  own_host here;
  cycle_world world;
  const std::size_t idle = entries("/proc/self/fd");
  std::map<std::string, std::size_t> wrong;
};

TEST_F(Cycles, leave_nothing_behind) {
  play(cycle_kinds(), scaled<std::size_t>(2000, 10'000));
  if (HasFatalFailure()) return;
  const holdings before = holdings::now();
  const std::size_t count = scaled<std::size_t>(5000, 200'000);
  const auto from = clock::now();
  play(cycle_kinds(), count);
  const std::chrono::duration<double> took = clock::now() - from;
  const holdings after = holdings::now();
  const auto grown = [](std::size_t a, std::size_t b) {
    return static_cast<std::int64_t>(b) - static_cast<std::int64_t>(a);
  };
  figures(
      "nothing leaks: {} cycles of {} kinds in {:.1f} s: descriptors {:+}, threads {:+}, "
      "heap {:+} blocks ({:+} bytes of {}), resident {:+} KiB",
      count,
      cycle_kinds().size(),
      took.count(),
      grown(before.descriptors, after.descriptors),
      grown(before.threads, after.threads),
      after.blocks - before.blocks,
      after.bytes - before.bytes,
      before.bytes,
      grown(before.resident, after.resident) / 1024);
  for (const auto& [name, times] : wrong)
    ADD_FAILURE() << name << " went wrong " << times << " times";
  EXPECT_EQ(after.descriptors, before.descriptors);
  EXPECT_EQ(after.threads, before.threads);
  EXPECT_LE(after.blocks - before.blocks, 16);
  EXPECT_LE(after.bytes - before.bytes, 8 * 1024);
  EXPECT_LE(grown(before.resident, after.resident), 4 << 20);
  EXPECT_EQ(world.plain->connections() + world.secure->connections() + world.hasty->connections() +
                world.local->connections(),
            0U);
}

/// How many sockets of this thread's host are in TIME_WAIT, by their own port.
std::map<unsigned, std::size_t> time_waits() {
  std::map<unsigned, std::size_t> out;
  std::ifstream table("/proc/thread-self/net/tcp");
  std::string line;
  std::getline(table, line);  // its head
  while (std::getline(table, line)) {
    unsigned local_port = 0, state = 0;
    if (std::sscanf(line.c_str(), " %*d: %*8x:%4x %*8x:%*4x %2x", &local_port, &state) != 2) break;
    if (state == 6) ++out[local_port];
  }
  return out;
}

TEST_F(Cycles, D9_leave_TIME_WAIT_on_the_servers_side) {
  if (const auto why = network::missing()) GTEST_SKIP() << *why;
  std::vector<cycle_kind> clean;
  for (const cycle_kind& kind : cycle_kinds()) {
    const std::string_view name = kind.name;
    const bool is_tcp = !name.starts_with("Unix") && !name.starts_with("raw");
    if (is_tcp && (name.ends_with(" closes") || name.ends_with(" close") ||
                   name.ends_with(" closes its half"))) {
      clean.push_back(kind);
    }
  }
  const std::size_t count = clean.size() * scaled<std::size_t>(100, 500);
  play(clean, count);
  if (HasFatalFailure()) return;
  EXPECT_TRUE(wrong.empty());
  const auto waiting = time_waits();
  std::size_t servers = 0, others = 0;
  for (const auto& [port, number] : waiting) {
    (port == world.plain_port || port == world.secure_port ? servers : others) += number;
  }
  figures(
      "TIME_WAIT after {} clean ends of {} kinds, TCP and TLS: {} on the server's side, {} on "
      "the client's",
      count,
      clean.size(),
      servers,
      others);
  EXPECT_EQ(clean.size(), 6U);
  EXPECT_EQ(others, 0U);
  EXPECT_GE(servers, count * 9 / 10) << "a new connection may end another's TIME_WAIT early";
  EXPECT_LE(servers, count);
}

}  // namespace
}  // namespace adieu::test
