// abort() wakes everyone (P6): whatever is pending on a connection into a black hole completes
// within 50 ms, over TCP and TLS, in both roles; so does a connect that is cancelled, at each of
// its steps (P7). The packets are lost in a network of the test's own.
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <gtest/gtest.h>

#include <algorithm>
#include <condition_variable>
#include <map>
#include <mutex>

#include "adieu/adieu.hpp"
#include "tests/faults/running_loop.hpp"
#include "tests/faults/scale.hpp"
#include "tests/faults/tcp_pair.hpp"
#include "tests/net/certificates.hpp"

namespace adieu::test {
namespace {

namespace asio = boost::asio;
using namespace std::chrono_literals;
using clock = std::chrono::steady_clock;
using host = network::host;
using condition = boost::system::error_condition;
using milliseconds = std::chrono::duration<double, std::milli>;

constexpr milliseconds limit = 50ms;
const condition aborted = make_error_condition(errc::aborted);

/// Calls that wait, and when and how each was answered.
class waiting_calls {
 public:
  auto wait_for(std::string what, condition expected) {
    const std::lock_guard lock(mutex_);
    ++pending_;
    return [this, what = std::move(what), expected](error_code ec, const auto&...) {
      const auto at = clock::now();
      const std::lock_guard inside(mutex_);
      answers_.push_back({what, expected, ec, at});
      --pending_;
      all_came_.notify_all();
    };
  }
  [[nodiscard]] std::size_t pending() {
    const std::lock_guard lock(mutex_);
    return pending_;
  }
  /// All of them are to be answered because of what happened at `from`.
  struct moment {
    explicit moment(running_loop& of) : loop(of), withheld(of.withheld()) {}
    running_loop& loop;
    std::chrono::nanoseconds withheld;
    clock::time_point at = clock::now();
  };
  void check(const moment& from) {
    std::unique_lock lock(mutex_);
    EXPECT_TRUE(all_came_.wait_for(lock, 5s, [this] { return pending_ == 0; }))
        << pending_ << " calls never completed";
    const milliseconds withheld = from.loop.withheld() - from.withheld;
    for (const answer& each : answers_) {
      const milliseconds took = each.at - from.at;
      EXPECT_LE(took, limit + withheld) << each.what << " took " << took.count() << " ms";
      withheld_ = std::max(withheld_, took > limit ? withheld : milliseconds(0));
      EXPECT_EQ(each.ec, each.expected) << each.what << ": " << each.ec.message();
      ++counts_[each.what];
      took_.push_back(took);
    }
    answers_.clear();
  }
  void report(std::string_view title) {
    std::string each;
    for (const auto& [what, count] : counts_) each += fmt::format(", {} {}", count, what);
    std::ranges::sort(took_);
    figures("{}: {} calls in a black hole completed: median {:.3f} ms, max {:.3f} ms{}{}",
            title,
            took_.size(),
            took_[took_.size() / 2].count(),
            took_.back().count(),
            withheld_.count() == 0 ? "" : " (the machine withheld its processors)",
            each);
  }

 private:
  struct answer {
    std::string what;
    condition expected;
    error_code ec;
    clock::time_point at;
  };
  std::mutex mutex_;
  std::condition_variable all_came_;
  std::size_t pending_ = 0;
  std::vector<answer> answers_;
  std::map<std::string, std::size_t> counts_;
  std::vector<milliseconds> took_;
  milliseconds withheld_{};  // processor time, from a loop that took too long
};

class Aborting : public testing::TestWithParam<const char*> {
 protected:
  void SetUp() override {
    if (const auto why = network::missing()) GTEST_SKIP() << *why;
    cable.emplace();
    near.emplace(*cable, host::near);
    far.emplace(*cable, host::far);
  }
  [[nodiscard]] static bool is_tls() { return std::string_view(GetParam()) == "wss"; }
  [[nodiscard]] static websocket_options patient() {
    websocket_options out;  // nothing but abort() ends these within the test
    out.close_timeout = out.ping_interval = out.pong_timeout = out.write_timeout = 10min;
    return out;
  }
  [[nodiscard]] connect_options connecting() const {
    connect_options out;
    out.websocket = patient();
    out.tls.ca_file = keys.ca_file();
    return out;
  }
  [[nodiscard]] static std::string url(std::uint16_t port) {
    return std::string(GetParam()) + "://" + network::address(host::far) + ":" +
           std::to_string(port);
  }
  void open_connections(std::size_t count) {
    server_options serving;
    serving.websocket = patient();
    serving.max_connections = serving.max_connections_per_address = 0;
    if (is_tls()) {
      serving.tls.emplace();
      serving.tls->certificate_file = keys.certificate_file();
      serving.tls->key_file = keys.key_file();
    }
    std::promise<void> all;
    const std::uint16_t port = far->call([&] {
      listening.emplace(far->executor(), serving);
      listening->on_open([&, count](websocket& socket, const request&) {
        servers.push_back(std::move(socket));
        if (servers.size() == count) all.set_value();
      });
      return listening->listen(network::address(host::far), 0).port();
    });
    for (std::size_t i = 0; i < count; ++i) {
      std::promise<websocket> opened;
      async_connect(
          near->executor(), url(port), connecting(), [&](error_code ec, websocket socket) {
            EXPECT_FALSE(ec) << ec.message();
            opened.set_value(std::move(socket));
          });
      clients.push_back(opened.get_future().get());
    }
    all.get_future().get();
    far->call([&] { listening.reset(); });
  }
  void lose_all_packets() {
    cable->drop_all(host::near);
    cable->drop_all(host::far);
  }

  certificates keys{"IP:" + network::address(host::far)};
  std::optional<network> cable;
  std::optional<running_loop> near, far;
  std::optional<server> listening;
  std::vector<websocket> clients, servers;
  waiting_calls calls;
};

TEST_P(Aborting, P6_wakes_everyone_within_50_ms) {
  const std::size_t count = scaled<std::size_t>(60, 600);
  open_connections(count);
  if (HasFatalFailure()) return;
  lose_all_packets();
  const std::string much(8 << 20, 'x');  // more than a kernel takes that gets no answer
  const auto data = asio::buffer(much);
  std::vector<std::array<char, 64>> space(2 * count);
  const auto abort_each = [&](std::vector<websocket>& sockets, running_loop& loop) {
    for (std::size_t i = 0; i < count; ++i) {
      websocket& socket = sockets[i];
      const auto binary = message_type::binary;
      const auto yes = end_of_message::yes;
      socket.async_receive(asio::buffer(space[i]), calls.wait_for("receive", aborted));
      socket.async_wait_closed(calls.wait_for("wait_closed", condition()));
      switch (i % 4) {
        case 0:  // open
          socket.async_ping(calls.wait_for("ping", aborted));
          socket.async_send(data, binary, yes, calls.wait_for("send", aborted));
          socket.async_send(data, binary, yes, calls.wait_for("send", aborted));
          break;
        case 1:  // our Close went out, and is not answered
          socket.async_close(close_status::normal_closure, "", calls.wait_for("close", aborted));
          break;
        case 2:  // our Close waits behind data
          socket.async_send(data, binary, yes, calls.wait_for("send", aborted));
          socket.async_close(close_status::normal_closure, "", calls.wait_for("close", aborted));
          break;
        case 3:
          socket.async_send(data, binary, yes, calls.wait_for("send", aborted));
          socket.async_close_output(
              close_status::normal_closure, "", calls.wait_for("close_output", aborted));
          break;
      }
      // When the loop is through with this, all of it is in the kernel or waits for it.
      loop.call([] {});
      loop.call([] {});
      const std::size_t expected = i % 4 == 0 ? 5 : i % 4 == 1 ? 3 : 4;
      ASSERT_EQ(calls.pending(), expected) << "something completed in a black hole";
      const waiting_calls::moment from(loop);
      socket.abort();
      calls.check(from);
      const auto record = socket.record();
      ASSERT_TRUE(record);
      EXPECT_EQ(record->cause, cause::local_abort);
      EXPECT_EQ(record->tcp, tcp_end::reset_sent);
      EXPECT_FALSE(record->clean);
      EXPECT_EQ(socket.state(), state::aborted);
    }
  };
  abort_each(clients, *near);
  abort_each(servers, *far);
  calls.report(fmt::format("abort, {}", is_tls() ? "TLS" : "TCP"));
}

// What abort() is to a websocket, cancelling is to one that is not there yet.
TEST_P(Aborting, P7_a_cancelled_connect_completes_within_50_ms) {
  const listener_at mute =
      cable->at(host::far, [] { return listener_at(network::address(host::far)); });
  const auto cancel_one = [&](const char* step, connect_step expected, auto under_way) {
    asio::cancellation_signal stop;
    websocket failed;
    auto answered = calls.wait_for(
        step,
        condition(boost::system::errc::operation_canceled, boost::system::generic_category()));
    near->call([&] {
      async_connect(near->executor(),
                    url(mute.port()),
                    connecting(),
                    asio::bind_cancellation_slot(
                        stop.slot(), [&failed, answered](error_code ec, websocket socket) {
                          failed = std::move(socket);
                          answered(ec);
                        }));
    });
    under_way();
    const waiting_calls::moment from(*near);
    asio::post(near->context(), [&] { stop.emit(asio::cancellation_type::terminal); });
    calls.check(from);
    const auto record = failed.record();
    ASSERT_TRUE(record && record->connect);
    EXPECT_EQ(record->cause, cause::connect_failed);
    EXPECT_EQ(record->connect->step, expected) << step;
  };
  for (std::size_t i = 0; i < scaled<std::size_t>(20, 200); ++i) {
    lose_all_packets();
    cancel_one("connect to a host", connect_step::connect, [&] { near->call([] {}); });
    cable->pass_all(host::near);
    cable->pass_all(host::far);
    raw_socket accepted;
    cancel_one(is_tls() ? "connect, TLS" : "connect, HTTP",
               is_tls() ? connect_step::tls : connect_step::response,
               [&] {
                 accepted = raw_socket(::accept(mute.descriptor(), nullptr, nullptr));
                 pollfd asked{accepted.descriptor(), POLLIN, 0};
                 ASSERT_EQ(::poll(&asked, 1, 5000), 1) << "no request came";
                 lose_all_packets();
               });
  }
  calls.report(fmt::format("cancelled connect, {}", is_tls() ? "TLS" : "TCP"));
}

INSTANTIATE_TEST_SUITE_P(BlackHole, Aborting, testing::Values("ws", "wss"), [](const auto& test) {
  return std::string(test.param);
});

}  // namespace
}  // namespace adieu::test
