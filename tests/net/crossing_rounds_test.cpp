// S7 on real TCP, sampled: in every round both ends receive and close at random moments and from
// different threads, and everything succeeds. ADIEU_ROUNDS changes the number, ADIEU_SEED the dice.
#include <boost/asio/ip/tcp.hpp>

#include <atomic>
#include <condition_variable>
#include <cstdlib>
#include <iostream>
#include <memory>
#include <mutex>
#include <random>
#include <thread>

#include "tests/net/worlds.hpp"

namespace adieu::test {
namespace {

long number_from(const char* variable, long otherwise) {
  const char* const text = std::getenv(variable);
  return text != nullptr ? std::strtol(text, nullptr, 10) : otherwise;
}

unsigned draw(std::mt19937& dice, unsigned below) { return static_cast<unsigned>(dice() % below); }

void spin(unsigned turns) {
  for (unsigned i = 0; i < turns; ++i) std::atomic_signal_fence(std::memory_order_seq_cst);
}

struct end_of_round {
  websocket socket;
  answer closed;
  answer ended;
  std::array<char, 64> space{};
  error_code receive_error;
  std::optional<receive_result> last;
  int receives_failed = 0;
};

class Round {
 public:
  Round(asio::io_context& client_loop, asio::io_context& server_loop, std::mt19937& dice)
      : first_delay_(draw(dice, 3000)),
        second_delay_(draw(dice, 3000)),
        kind_(draw(dice, 16)),
        sends_(draw(dice, 3)) {
    asio::ip::tcp::socket a(client_loop), b(server_loop);
    int pair[2];
    connect(pair, client_loop);
    a.assign(asio::ip::tcp::v4(), pair[0]);
    b.assign(asio::ip::tcp::v4(), pair[1]);
    ends_[0].socket = websocket::adopt(std::move(a), role::client);
    ends_[1].socket = websocket::adopt(std::move(b), role::server);
  }

  auto counted(answer& where) {
    return [this, &where](error_code ec, auto... results) {
      to(where)(ec, std::move(results)...);
      one_less();
    };
  }

  /// What one thread does to one end.
  void play(std::size_t index) {
    end_of_round& mine = ends_[index];
    spin(index == 0 ? first_delay_ : second_delay_);
    const bool receive_first = (kind_ >> index & 1U) != 0;
    const bool output_only = (kind_ >> (2 + index) & 1U) != 0;
    for (unsigned i = 0; i < sends_; ++i) mine.socket.send("data");
    if (receive_first) receive(mine);
    if (!receive_first || (first_delay_ & 1U) != 0) spin(second_delay_);
    if (output_only) {
      mine.socket.async_close_output(close_status::normal_closure, "x", counted(mine.closed));
    } else {
      mine.socket.async_close(close_status::normal_closure, "x", counted(mine.closed));
    }
    if (!receive_first) receive(mine);
    mine.socket.async_wait_closed(counted(mine.ended));
  }

  [[nodiscard]] bool wait() {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, 10s, [&] { return left_ == 0; });
  }

  void check() const {
    for (const end_of_round& each : ends_) {
      EXPECT_TRUE(each.closed.good()) << each.closed.ec.message();
      EXPECT_TRUE(each.ended.record.clean) << to_line(each.ended.record);
      // Started after a close that has succeeded, a receive is one too many (P2); else it gets the
      // Close frame.
      if (each.last) {
        EXPECT_EQ(each.last->close_status, close_status::normal_closure);
      } else {
        EXPECT_TRUE(each.receive_error == errc::invalid_state) << each.receive_error.message();
        EXPECT_FALSE(each.receives_failed == 0);
      }
    }
    EXPECT_FALSE(ends_[0].ended.record.initiator == initiator::remote &&
                 ends_[1].ended.record.initiator == initiator::remote);
    for (std::size_t i = 0; i < 2; ++i) {
      const bool receive_first = (kind_ >> i & 1U) != 0;
      EXPECT_TRUE(!receive_first || ends_[i].last) << "S7: a pending receive failed";
    }
  }
  [[nodiscard]] unsigned kind() const noexcept { return kind_; }

 private:
  static void connect(int (&pair)[2], asio::io_context& loop) {
    static asio::ip::tcp::acceptor acceptor = [] {
      static asio::io_context own;
      return asio::ip::tcp::acceptor(own, {asio::ip::address_v4::loopback(), 0});
    }();
    asio::ip::tcp::socket a(loop);
    a.connect(acceptor.local_endpoint());
    asio::ip::tcp::socket b(loop);
    acceptor.accept(b);
    pair[0] = a.release();
    pair[1] = b.release();
  }

  void receive(end_of_round& mine) {
    mine.socket.async_receive(asio::buffer(mine.space),
                              [this, &mine](error_code ec, receive_result result) {
                                if (!ec && result.type != message_type::close) return receive(mine);
                                mine.receive_error = ec;
                                if (ec) {
                                  ++mine.receives_failed;
                                } else {
                                  mine.last = std::move(result);
                                }
                                one_less();
                              });
  }

  void one_less() {
    const std::lock_guard lock(mutex_);
    if (--left_ == 0) changed_.notify_all();
  }

  unsigned first_delay_, second_delay_, kind_, sends_;
  end_of_round ends_[2];
  std::mutex mutex_;
  std::condition_variable changed_;
  int left_ = 6;
};

// Two loops on two threads, and two more threads that call; they meet at a barrier every round.
TEST(Closing, S7_ten_thousand_rounds) {
  const long rounds = number_from("ADIEU_ROUNDS", 10'000);
  const auto seed =
      static_cast<unsigned>(number_from("ADIEU_SEED", std::random_device{}() & 0xFFFF));
  std::cout << "seed " << seed << ", " << rounds << " rounds\n";
  std::mt19937 dice(seed);

  asio::io_context client_loop, server_loop;
  auto keep_client = asio::make_work_guard(client_loop);
  auto keep_server = asio::make_work_guard(server_loop);
  std::thread client_thread([&] { client_loop.run(); });
  std::thread server_thread([&] { server_loop.run(); });

  // Ten connections for each meeting of the threads: waking them is what takes the time.
  using batch = std::vector<std::unique_ptr<Round>>;
  std::atomic<const batch*> current{nullptr};
  std::atomic<long> number{0}, played{0};
  std::atomic<bool> over{false};
  std::thread other([&] {
    for (long seen = 0; !over;) {
      number.wait(seen);
      seen = number;
      if (over) break;
      for (const auto& round : *current.load()) round->play(1);
      played.fetch_add(1);
      played.notify_one();
    }
  });
  for (long i = 0; i < rounds && !testing::Test::HasFailure();) {
    batch rounds_now;
    for (int k = 0; k < 10 && i < rounds; ++k, ++i) {
      rounds_now.push_back(std::make_unique<Round>(client_loop, server_loop, dice));
    }
    current = &rounds_now;
    const long before = played;
    number.fetch_add(1);
    number.notify_one();
    for (const auto& round : rounds_now) round->play(0);
    played.wait(before);
    for (const auto& round : rounds_now) {
      if (!round->wait()) {
        ADD_FAILURE() << "round " << i << " hangs, kind " << round->kind();
        std::abort();  // the handlers still hold the round
      }
      round->check();
      if (testing::Test::HasFailure()) std::cout << "before round " << i << '\n';
    }
  }
  over = true;
  number.fetch_add(1);
  number.notify_one();
  other.join();
  keep_client.reset();
  keep_server.reset();
  client_thread.join();
  server_thread.join();
}

}  // namespace
}  // namespace adieu::test
