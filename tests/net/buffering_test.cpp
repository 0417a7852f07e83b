// send() and try_send() when the peer reads slowly: `max_buffered_amount`, for both ends and from
// other threads (docs/decisions/0006-send-without-waiting.md).
#include <thread>

#include "tests/net/worlds.hpp"

namespace adieu::test {
namespace {

template <typename World>
class Buffering : public in_both_worlds<World> {
 protected:
  /// A client that buffers little, and a server that reads nothing for now.
  void meet(std::size_t most = 100'000) {
    websocket_options sending = this->quick(), slow = this->quick();
    sending.max_buffered_amount = most;
    sending.close_timeout = slow.close_timeout = 3s;
    slow.receive_window = 1024;
    pair = this->open(sending, slow);
  }
  /// Sends until there is too much; how many messages were taken.
  int fill(const std::string& message) {
    int taken = 0;
    while (taken < 100'000 && pair.client.try_send(message) == errc::success) {
      ++taken;
      if (taken % 50 == 0) this->world.settle();
    }
    return taken;
  }
  /// The server reads everything, until the Close.
  std::vector<std::string> read_all() {
    std::vector<std::string> out;
    pair.server.on_message([&](const message_view& seen) { out.emplace_back(seen.text()); });
    EXPECT_TRUE(
        this->world.run_until([&] { return pair.server.record() && pair.client.record(); }));
    return out;
  }
  ends pair;
};
TYPED_TEST_SUITE(Buffering, both_worlds, world_names);

TYPED_TEST(Buffering, try_send_fails_fast_loses_nothing_and_goes_on_when_there_is_room) {
  this->meet();
  const std::string message(10'000, 'm');
  const int taken = this->fill(message);
  ASSERT_LT(taken, 100'000);
  EXPECT_EQ(this->pair.client.try_send(message), errc::too_much_buffered);
  EXPECT_EQ(this->pair.client.state(), state::open);
  answer waited;
  this->pair.client.async_send(message, to(waited));  // the way to wait for room
  std::vector<std::string> got;
  this->pair.server.on_message([&](const message_view& seen) { got.emplace_back(seen.text()); });
  ADIEU_UNTIL(waited.come());
  EXPECT_TRUE(waited.good());
  EXPECT_EQ(this->pair.client.try_send("there is room again"), errc::success);
  answer closed;
  this->pair.client.async_close(close_status::normal_closure, "", to(closed));
  ADIEU_UNTIL(closed.come());
  ASSERT_EQ(got.size(), static_cast<std::size_t>(taken) + 2);
  EXPECT_EQ(got.back(), "there is room again");
  EXPECT_TRUE(this->pair.client.record()->clean);
  EXPECT_EQ(this->pair.client.record()->lost.unsent_messages, 0U);
}

TYPED_TEST(Buffering, send_past_the_limit_closes_with_1008_behind_what_it_took) {
  this->meet();
  const std::string message(10'000, 'm');
  const int taken = this->fill(message);
  this->pair.client.send(message);  // one too many
  this->pair.client.send("x");      // would fit, but a gap is before it
  EXPECT_EQ(this->pair.client.try_send("y"), errc::invalid_state);
  const auto got = this->read_all();
  EXPECT_EQ(got.size(), static_cast<std::size_t>(taken));
  for (const std::string& each : got) ASSERT_EQ(each, message);
  const disconnect_record record = *this->pair.client.record();
  EXPECT_EQ(record.cause, cause::too_much_buffered);
  EXPECT_FALSE(record.clean);
  ASSERT_TRUE(record.sent);
  EXPECT_EQ(record.sent->code, 1008);
  EXPECT_EQ(record.lost.unsent_messages, 2U);
  EXPECT_EQ(record.lost.unsent_bytes, 10'001U);
  EXPECT_EQ(this->pair.server.close_status(), close_status::policy_violation);
}

TYPED_TEST(Buffering, send_past_the_limit_ends_also_when_the_peer_never_reads) {
  websocket_options sending = this->quick(), deaf = this->quick();
  sending.max_buffered_amount = 100'000;
  deaf.receive_window = 1024;
  this->pair = this->open(sending, deaf);
  for (int i = 0; i < 2000; ++i) this->pair.client.send(std::string(10'000, 'm'));
  answer told;
  this->pair.client.async_send("never", to(told));
  ADIEU_UNTIL(this->pair.client.record());
  const disconnect_record record = *this->pair.client.record();
  EXPECT_EQ(record.cause, cause::too_much_buffered) << to_line(record);
  EXPECT_EQ(record.tcp, tcp_end::reset_sent);
  EXPECT_GT(record.lost.unsent_messages, 0U);
  ADIEU_UNTIL(told.come());
}

TYPED_TEST(Buffering, a_message_is_always_taken_when_no_other_waits) {
  this->meet(1000);
  const std::string large(3'000'000, 'l');
  int taken = 0;
  for (; taken < 20 && this->pair.client.try_send(large) == errc::success; ++taken) {
    this->world.settle();
  }
  EXPECT_GE(taken, 2);
  EXPECT_LT(taken, 20) << "the kernel has room for some";
}

// The bookkeeping of an empty message costs memory, too.
TYPED_TEST(Buffering, empty_messages_count) {
  this->meet();
  int taken = 0;
  while (taken < 100'000 && this->pair.client.try_send("") == errc::success) ++taken;
  EXPECT_LT(taken, 100'000);
}

TYPED_TEST(Buffering, zero_is_any_amount) {
  this->meet(0);
  const std::string message(100'000, 'm');
  for (int i = 0; i < 400; ++i) ASSERT_EQ(this->pair.client.try_send(message), errc::success);
}

TYPED_TEST(Buffering, try_send_says_that_a_close_was_called_and_that_nothing_is_connected) {
  this->meet();
  answer closed;
  this->pair.client.async_close(close_status::normal_closure, "", to(closed));
  EXPECT_EQ(this->pair.client.try_send("late"), errc::invalid_state);
  EXPECT_EQ(this->pair.client.try_send(message_view{message_type::close, {}}),
            errc::invalid_message_type);
  EXPECT_EQ(websocket().try_send("nobody"), errc::invalid_state);
}

// As `adieu serve` does it: the answer that is too much is awaited, and nothing is read meanwhile.
TYPED_TEST(Buffering, a_message_handler_may_take_itself_back_and_come_again) {
  this->meet();
  std::vector<std::string> seen;
  const auto handler = [&](const message_view& view) {
    seen.emplace_back(view.text());
    this->pair.client.on_message(nullptr);
  };
  this->pair.client.on_message(handler);
  for (const char* text : {"one", "two", "three"}) this->pair.server.send(text);
  ADIEU_UNTIL(seen.size() == 1);
  this->world.settle();
  EXPECT_EQ(seen.size(), 1U);
  this->pair.client.on_message(handler);
  ADIEU_UNTIL(seen.size() == 2);
  reading got;
  receive(this->pair.client, got);
  ADIEU_UNTIL(got.come());
  EXPECT_TRUE(got.is_text("three"));
  EXPECT_EQ(seen, (std::vector<std::string>{"one", "two"}));
}

class BufferingThreads : public Buffering<tcp_world> {};

TEST_F(BufferingThreads, from_other_threads_the_limit_holds_and_every_message_is_accounted_for) {
  meet(200'000);
  std::atomic<int> taken{0}, refused{0}, running{4};
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < 2000; ++i) {
        const errc said = pair.client.try_send(std::string(5000, 'm'));
        ++(said == errc::success ? taken : refused);
        EXPECT_TRUE(said == errc::success || said == errc::too_much_buffered);
      }
      --running;
    });
  }
  EXPECT_TRUE(world.run_until([&] { return running == 0; }));
  for (std::thread& each : threads) each.join();
  EXPECT_GT(refused, 0);
  answer closed;
  pair.client.async_close(close_status::normal_closure, "", to(closed));
  EXPECT_EQ(read_all().size(), static_cast<std::size_t>(taken));
}

TEST_F(BufferingThreads, from_other_threads_send_past_the_limit_leaves_no_gap) {
  meet();
  std::thread([&] {
    for (int i = 0; i < 1000; ++i) {
      pair.client.send(std::to_string(i) + std::string(10'000, 'm'));
      pair.client.send(std::to_string(i));
    }
  }).join();
  const auto got = read_all();
  ASSERT_LT(got.size(), 2000U);
  for (std::size_t i = 0; i < got.size(); ++i) {
    ASSERT_TRUE(got[i].starts_with(std::to_string(i / 2))) << i;
    ASSERT_EQ(got[i].size() > 10'000, i % 2 == 0) << i;
  }
  const disconnect_record record = *pair.client.record();
  EXPECT_EQ(record.cause, cause::too_much_buffered);
  EXPECT_EQ(record.lost.unsent_messages + got.size(), 2000U);
}

}  // namespace
}  // namespace adieu::test
