// P8: calls from any thread. Also meant for ThreadSanitizer: pairs on real TCP, loops that several
// threads run without a strand, strands, thread pools.
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/strand.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/asio/use_future.hpp>

#include <future>
#include <thread>

#include "tests/net/worlds.hpp"

namespace adieu::test {
namespace {

/// A pair over loopback whose ends live on these executors.
ends tcp_pair(const asio::any_io_executor& client,
              const asio::any_io_executor& server,
              const websocket_options& options = {}) {
  asio::io_context setup;
  asio::ip::tcp::acceptor acceptor(setup, {asio::ip::address_v4::loopback(), 0});
  asio::ip::tcp::socket a(client), b(server);
  a.connect(acceptor.local_endpoint());
  acceptor.accept(b);
  return {websocket::adopt(std::move(a), role::client, options),
          websocket::adopt(std::move(b), role::server, options)};
}

/// A loop that `count` threads run, until it is destroyed.
class running_loop {
 public:
  explicit running_loop(int count) : work_(asio::make_work_guard(context)) {
    for (int i = 0; i < count; ++i) threads_.emplace_back([this] { context.run(); });
  }
  ~running_loop() {
    work_.reset();
    context.stop();
    for (std::thread& each : threads_) each.join();
  }
  asio::io_context context;

 private:
  asio::executor_work_guard<asio::io_context::executor_type> work_;
  std::vector<std::thread> threads_;
};

template <typename T>
T in_time(std::future<T> future) {
  if (future.wait_for(10s) != std::future_status::ready) throw std::runtime_error("too late");
  return future.get();
}

// Four threads send at once; each one's messages arrive in its order. The ends close each other.
void four_threads_send(const asio::any_io_executor& client, const asio::any_io_executor& server) {
  ends pair = tcp_pair(client, server);
  constexpr int each = 200;
  std::vector<std::thread> senders;
  for (int thread = 0; thread < 4; ++thread) {
    senders.emplace_back([&, thread] {
      for (int i = 0; i < each; ++i) {
        const std::string text = std::to_string(thread) + ":" + std::to_string(i);
        if (i % 50 == 49) {
          in_time(pair.client.async_send(text, asio::use_future));
        } else {
          pair.client.send(text);
        }
      }
    });
  }
  int next[4] = {};
  message got;
  for (int i = 0; i < 4 * each; ++i) {
    in_time(pair.server.async_receive_message(got, asio::use_future));
    const int thread = got.payload[0] - '0';
    EXPECT_EQ(std::stoi(got.payload.substr(2)), next[thread]++);
  }
  for (std::thread& sender : senders) sender.join();
  auto closed = pair.client.async_close(close_status::normal_closure, "", asio::use_future);
  EXPECT_EQ(in_time(pair.server.async_receive_message(got, asio::use_future)).type,
            message_type::close);
  in_time(pair.server.async_close_output(close_status::normal_closure, "", asio::use_future));
  in_time(std::move(closed));
  EXPECT_TRUE(in_time(pair.server.async_wait_closed(asio::use_future)).clean);
  EXPECT_TRUE(pair.client.record()->clean);
}

TEST(Threads, P8_sends_from_four_threads_keep_each_threads_order) {
  running_loop loop(1);
  four_threads_send(loop.context.get_executor(), loop.context.get_executor());
}
TEST(Threads, P8_a_loop_of_several_threads_without_a_strand_does_no_harm) {
  running_loop loop(3);
  four_threads_send(loop.context.get_executor(), loop.context.get_executor());
}
TEST(Threads, P8_a_strand) {
  running_loop loop(3);
  four_threads_send(asio::make_strand(loop.context), asio::make_strand(loop.context));
}
TEST(Threads, P8_a_thread_pool) {
  asio::thread_pool pool(3);
  four_threads_send(pool.get_executor(), asio::make_strand(pool));
  pool.stop();
  pool.join();
}

TEST(Threads, P8_a_call_that_happens_before_another_stays_before_it) {
  running_loop loop(2);
  ends pair = tcp_pair(loop.context.get_executor(), loop.context.get_executor());
  std::atomic<int> turn{0};
  constexpr int rounds = 400;
  const auto run = [&](int mine) {
    for (int i = mine; i < rounds; i += 2) {
      while (turn.load() != i) std::this_thread::yield();
      pair.client.send(std::to_string(i));
      turn.store(i + 1);
    }
  };
  std::thread a(run, 0), b(run, 1);
  message got;
  for (int i = 0; i < rounds; ++i) {
    in_time(pair.server.async_receive_message(got, asio::use_future));
    EXPECT_EQ(got.payload, std::to_string(i));
  }
  a.join();
  b.join();
}

TEST(Threads, P6_abort_and_questions_from_other_threads) {
  running_loop loop(2);
  for (int round = 0; round < 30; ++round) {
    ends pair = tcp_pair(loop.context.get_executor(), loop.context.get_executor());
    std::atomic<bool> stop{false};
    std::thread asker([&] {
      while (!stop) {
        (void)pair.client.state();
        (void)pair.client.record();
        (void)pair.client.close_status();
        (void)pair.client.close_description();
      }
    });
    message got;
    auto received = pair.server.async_receive_message(got, asio::use_future);
    auto ended = pair.client.async_wait_closed(asio::use_future);
    std::thread cutter([&] { pair.client.abort(); });
    EXPECT_EQ(in_time(std::move(ended)).cause, cause::local_abort);
    EXPECT_THROW((void)in_time(std::move(received)), system_error);
    stop = true;
    asker.join();
    cutter.join();
    EXPECT_EQ(pair.client.state(), state::aborted);
    EXPECT_TRUE(pair.client.record().has_value());
  }
}

TEST(Threads, P6_destroying_from_another_thread) {
  running_loop loop(2);
  for (int round = 0; round < 30; ++round) {
    ends pair = tcp_pair(loop.context.get_executor(), loop.context.get_executor());
    message got;
    auto received = pair.client.async_receive_message(got, asio::use_future);
    const connection_handle handle = pair.client.handle();
    auto ended = pair.client.async_wait_closed(asio::use_future);
    std::thread([gone = std::move(pair.client)] {}).join();
    EXPECT_THROW((void)in_time(std::move(received)), system_error);
    EXPECT_EQ(in_time(std::move(ended)).cause, cause::disposed);
    EXPECT_EQ(handle.state(), state::closed);
  }
}

TEST(Threads, P8_handlers_run_on_their_own_executor) {
  running_loop elsewhere(1), home(1);  // whose thread lets go of `elsewhere` last
  ends pair = tcp_pair(home.context.get_executor(), home.context.get_executor());
  std::promise<bool> there;
  message got;
  pair.client.async_receive_message(
      got, asio::bind_executor(elsewhere.context, [&](error_code, receive_result) {
        there.set_value(elsewhere.context.get_executor().running_in_this_thread());
      }));
  pair.server.send("x");
  EXPECT_TRUE(in_time(there.get_future()));
}

// A handler that takes long must not make the loop's other threads spin.
TEST(Threads, P8_a_slow_handler_does_not_spin_the_other_threads) {
  running_loop loop(3);
  ends pair = tcp_pair(loop.context.get_executor(), loop.context.get_executor());
  std::promise<void> release, inside;
  message got;
  auto released = release.get_future();
  pair.client.async_receive_message(got, [&](error_code, receive_result) {
    inside.set_value();
    released.wait();
  });
  pair.server.send("x");
  in_time(inside.get_future());
  for (int i = 0; i < 100; ++i) pair.client.send("from outside");  // each wants a turn
  timespec before{}, after{};
  ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &before);
  std::promise<void> waited;
  asio::steady_timer timer(loop.context, 200ms);
  timer.async_wait([&](error_code) { waited.set_value(); });
  in_time(waited.get_future());
  ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &after);
  const auto used = std::chrono::seconds(after.tv_sec - before.tv_sec) +
                    std::chrono::nanoseconds(after.tv_nsec - before.tv_nsec);
  EXPECT_LT(used, 100ms);
  release.set_value();
  for (int i = 0; i < 100; ++i) {
    in_time(pair.server.async_receive_message(got, asio::use_future));
  }
}

}  // namespace
}  // namespace adieu::test
