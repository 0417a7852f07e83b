// P8: in steady state a message costs no allocation on the executor. Every operator new of the test
// program is counted.
#include <malloc.h>

#include <cstdlib>
#include <new>
#include <thread>

#include "adieu/core/inbox.hpp"
#include "tests/net/heap.hpp"
#include "tests/net/worlds.hpp"

namespace adieu::test {
std::atomic<long> allocations{0};
std::atomic<long> heap_in_use{0};
}  // namespace adieu::test

#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
namespace {
constexpr long header = 8;  // of malloc's, before each piece

void release(void* memory) noexcept {
  if (memory == nullptr) return;
  const auto size = static_cast<long>(::malloc_usable_size(memory)) + header;
  adieu::test::heap_in_use.fetch_sub(size, std::memory_order_relaxed);
  std::free(memory);
}
}  // namespace

[[gnu::noinline]] void* operator new(std::size_t size) {
  void* const memory = std::malloc(size != 0 ? size : 1);
  if (memory == nullptr) throw std::bad_alloc();
  adieu::test::allocations.fetch_add(1, std::memory_order_relaxed);
  adieu::test::heap_in_use.fetch_add(static_cast<long>(::malloc_usable_size(memory)) + header,
                                     std::memory_order_relaxed);
  return memory;
}
[[gnu::noinline]] void operator delete(void* memory) noexcept { release(memory); }
[[gnu::noinline]] void operator delete(void* memory, std::size_t) noexcept { release(memory); }
#endif

namespace adieu::test {
namespace {

class Allocations : public testing::Test {
 protected:
  void SetUp() override {
    if (!counts_heap) GTEST_SKIP() << "sanitizers replace operator new";
    pair = world.open();
  }
  tcp_world world;
  ends pair;
};

// An echo: async_receive_message and async_send, each started from the other's handler.
struct echo {
  explicit echo(websocket& on) : socket(on) {}
  void receive() {
    socket.async_receive_message(got, [this](error_code ec, const receive_result& result) {
      if (ec || result.type == message_type::close) return;
      send();
    });
  }
  void send() {
    socket.async_send(got, [this](error_code ec) {
      ++rounds;
      if (!ec) receive();
    });
  }
  websocket& socket;
  message got;
  long rounds = 0;
};

TEST_F(Allocations, P8_none_per_message_for_receives_and_sends) {
  echo a(pair.client), b(pair.server);
  a.got.payload.assign(100, 'x');
  b.receive();
  a.send();
  ASSERT_TRUE(world.run_until([&] { return a.rounds > 500; }));
  const long before = allocations;
  const long rounds = a.rounds;
  ASSERT_TRUE(world.run_until([&] { return a.rounds > rounds + 5000; }));
  const long spent = allocations - before;
  // run_until itself allocates nothing; what is left is timers and the like.
  EXPECT_LT(spent, 50) << spent << " allocations for 10000 messages";
}

TEST_F(Allocations, P8_none_per_message_for_on_message_and_copied_sends) {
  long rounds = 0;
  pair.client.on_message([&](const message_view& view) {
    ++rounds;
    pair.client.send(view);
  });
  pair.server.on_message([&](const message_view& view) { pair.server.send(view); });
  pair.client.send(std::string(100, 'x'));
  ASSERT_TRUE(world.run_until([&] { return rounds > 500; }));
  const long before = allocations;
  const long then = rounds;
  ASSERT_TRUE(world.run_until([&] { return rounds > then + 5000; }));
  EXPECT_LT(allocations - before, 50) << allocations - before;
}

TEST_F(Allocations, P8_at_most_one_per_message_from_another_thread) {
  long received = 0;
  pair.server.on_message([&](const message_view&) { ++received; });
  ASSERT_TRUE(world.run_until([] { return true; }));
  constexpr long messages = 2000;
  const std::string payload(100, 'x');
  std::atomic<long> completed{0};
  std::atomic<long> spent{0};
  std::thread sender([&] {
    const long before = allocations;
    long mine = 0;
    for (long i = 0; i < messages; ++i) {
      pair.client.async_send(payload, [&](error_code) { ++completed; });
      ++mine;
      while (completed.load() < mine) std::this_thread::yield();
    }
    spent = allocations - before;
  });
  EXPECT_TRUE(world.run_until([&] { return received == messages && completed == messages; }));
  sender.join();
  EXPECT_LE(spent.load(), messages + 100) << spent.load();
}

// Nor does a message keep memory when it is gone, though the inbox is never empty.
TEST_F(Allocations, P3_a_stream_of_empty_messages_of_which_one_waits_does_not_grow_the_inbox) {
  core::inbox box;
  std::string into;
  message_type type{};
  const auto pass_on = [&](int count) {
    for (int i = 0; i < count; ++i) {
      box.add_whole({}, message_type::text);
      ASSERT_TRUE(box.take_whole(1, into, type));
    }
  };
  box.add_whole({}, message_type::text);
  pass_on(1'000);
  const long before = heap_in_use;
  pass_on(100'000);
  EXPECT_LE(heap_in_use - before, 0);
}

}  // namespace
}  // namespace adieu::test
