// A half-open connection is found, and nobody else is accused (D10, P3): an idle connection whose
// packets vanish is found after interval + timeout, with no receive pending; an app that does not
// read is not taken for a dead peer. Real time, real packets. (stopped_test.cpp: what a process
// that stands still makes of it.)
#include <gtest/gtest.h>

#include <algorithm>
#include <condition_variable>
#include <mutex>

#include "adieu/adieu.hpp"
#include "tests/faults/frame_watch.hpp"
#include "tests/faults/running_loop.hpp"
#include "tests/faults/scale.hpp"
#include "tests/faults/tcp_pair.hpp"
#include "tests/net/certificates.hpp"

namespace adieu::test {
namespace {

namespace asio = boost::asio;
using namespace std::chrono_literals;
using clock = std::chrono::steady_clock;
using seconds = std::chrono::duration<double>;
using host = network::host;

websocket_options watchful() {
  websocket_options out;  // by default it takes 20 s + 20 s
  if (!in_full()) out.ping_interval = out.pong_timeout = 1s;
  return out;
}

seconds promised(const websocket_options& of) { return of.ping_interval + of.pong_timeout; }

/// Records as they come, from any loop.
class records {
 public:
  void watch(websocket& socket) {
    socket.on_end([this](const disconnect_record& record) {
      const std::lock_guard lock(mutex_);
      came_.push_back(record);
      changed_.notify_all();
    });
  }
  [[nodiscard]] bool wait_for(std::size_t count, seconds longest) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, longest, [&] { return came_.size() >= count; });
  }
  [[nodiscard]] std::vector<disconnect_record> all() {
    const std::lock_guard lock(mutex_);
    return came_;
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<disconnect_record> came_;
};

TEST(HalfOpen, D10_a_black_hole_is_found_without_a_receive) {
  if (const auto why = network::missing()) GTEST_SKIP() << *why;
  const network cable;
  const certificates keys("IP:" + network::address(host::far));
  const websocket_options options = watchful();
  records ended;
  running_loop near(cable, host::near), far(cable, host::far);
  std::vector<websocket> clients, servers;
  constexpr std::size_t each = 40;
  for (const bool tls : {false, true}) {
    server_options serving;
    serving.websocket = options;
    if (tls) {
      serving.tls.emplace();
      serving.tls->certificate_file = keys.certificate_file();
      serving.tls->key_file = keys.key_file();
    }
    server listening(far.executor(), serving);
    std::promise<void> all;
    std::size_t left = each;
    listening.on_open([&](websocket& socket, const request&) {
      ended.watch(socket);
      servers.push_back(std::move(socket));
      if (--left == 0) all.set_value();
    });
    const auto port =
        far.call([&] { return listening.listen(network::address(host::far), 0).port(); });
    connect_options connecting;
    connecting.websocket = options;
    connecting.tls.ca_file = keys.ca_file();
    for (std::size_t i = 0; i < each; ++i) {
      std::promise<websocket> opened;
      async_connect(
          near.executor(),
          fmt::format("{}://{}:{}", tls ? "wss" : "ws", network::address(host::far), port),
          connecting,
          [&](error_code ec, websocket socket) {
            EXPECT_FALSE(ec) << ec.message();
            opened.set_value(std::move(socket));
          });
      clients.push_back(opened.get_future().get());
      ended.watch(clients.back());
    }
    all.get_future().get();
  }
  cable.drop_all(host::near);
  cable.drop_all(host::far);
  const auto lost = clock::now();
  const std::size_t count = clients.size() + servers.size();
  ASSERT_TRUE(ended.wait_for(count, promised(options) * 1.5));
  const seconds until_last = clock::now() - lost;
  std::vector<double> took;
  for (const disconnect_record& record : ended.all()) {
    took.push_back(seconds(record.ended - record.last_byte_received.value_or(0s)).count());
    EXPECT_EQ(record.cause, cause::keepalive_timeout) << to_line(record);
    EXPECT_EQ(record.tcp, tcp_end::reset_sent);
    EXPECT_FALSE(record.clean || record.sent || record.received);
  }
  std::ranges::sort(took);
  const double right = promised(options).count();
  EXPECT_GE(took.front(), 0.9 * right);
  EXPECT_LE(took.back(), 1.1 * right);
  EXPECT_LE(until_last.count(), 1.1 * right) << "by a clock that is not the record's";
  figures(
      "half-open: {} of {} found after the last byte by {:.3f} to {:.3f} s, median {:.3f} "
      "(interval + timeout: {:.1f} s)",
      took.size(),
      count,
      took.front(),
      took.back(),
      took[took.size() / 2],
      right);
}

// Its Pongs lie behind data that the app does not take. The peer, too, knows that we live: by a
// Pong with every look at the connection's pulse.
class SlowReader : public testing::TestWithParam<role> {
 protected:
  [[nodiscard]] std::string frame(unsigned char first, std::string_view payload) const {
    return GetParam() == role::client ? bare_frame(first, payload) : masked_frame(first, payload);
  }
};

TEST_P(SlowReader, P3_is_not_accused_and_then_watched_again) {
  websocket_options options = watchful();
  options.ping_interval = options.pong_timeout = scaled<std::chrono::milliseconds>(600ms, 5s);
  options.probe_interval = 150ms;
  running_loop loop;
  pair_maker::ends ends = pair_maker().make({});
  websocket ours = loop.call([&] {
    return websocket::adopt(
        asio::ip::tcp::socket(loop.context(), asio::ip::tcp::v4(), ends.ours.release()),
        GetParam(),
        options);
  });
  records ended;
  ended.watch(ours);
  // The peer writes until nothing goes any more, and goes on trying for twice as long as it takes
  // to find a dead peer; that long is told by our Pongs.
  raw_socket& theirs = ends.theirs;
  const std::string written = frame(0x82, std::string(60'000, 'x'));
  std::string rest;
  std::size_t messages = 0;
  frame_watch watch;
  const auto from = clock::now();
  const auto pongs = static_cast<std::uint64_t>(2 * promised(options) / options.probe_interval);
  while (watch.pongs() < pongs && clock::now() - from < 3 * promised(options) + 2s) {
    pollfd ask{theirs.descriptor(), POLLIN | POLLOUT, 0};
    ::poll(&ask, 1, 1000);
    if ((ask.revents & POLLOUT) != 0) {
      if (rest.empty()) rest = written, ++messages;
      rest.erase(0, theirs.send_some(rest));
    }
    if ((ask.revents & POLLIN) != 0) {
      ASSERT_EQ(theirs.read_now(), raw_socket::end::none) << "accused";
      watch.take(std::exchange(theirs.got, {}));
    }
  }
  const seconds paused = clock::now() - from;
  ASSERT_EQ(watch.pongs(), pongs) << "in " << paused.count() << " s";
  EXPECT_GT(paused, promised(options) * 1.5);
  ASSERT_EQ(ours.state(), state::open);
  EXPECT_FALSE(ours.record());

  // The app reads it all; then the peer, who answers no Ping, is found like any other.
  theirs.send(rest);
  for (std::size_t i = 0; i < messages; ++i) {
    message_type type{};
    std::promise<void> read;
    message into;
    ours.async_receive_message(into, [&](error_code ec, receive_result got) {
      EXPECT_FALSE(ec) << ec.message();
      type = got.type;
      read.set_value();
    });
    read.get_future().get();
    ASSERT_EQ(type, message_type::binary);
    ASSERT_EQ(into.payload.size(), 60'000U);
  }
  const auto read_all = clock::now();
  ASSERT_TRUE(ended.wait_for(1, promised(options) * 1.5));
  const seconds took = clock::now() - read_all;
  const disconnect_record record = ended.all().front();
  EXPECT_EQ(record.cause, cause::keepalive_timeout) << to_line(record);
  EXPECT_GE(took, promised(options) * 0.9);
  EXPECT_LE(took, promised(options) * 1.1);
  figures(
      "slow reader, {}: {} messages waited {:.2f} s ({:.1f} times interval + timeout) and it "
      "was not accused; read at last, and its mute peer found {:.3f} s later",
      GetParam() == role::client ? "client" : "server",
      messages,
      paused.count(),
      paused / promised(options),
      took.count());
}

INSTANTIATE_TEST_SUITE_P(HalfOpen,
                         SlowReader,
                         testing::Values(role::client, role::server),
                         [](const auto& test) {
                           return test.param == role::client ? "client" : "server";
                         });

}  // namespace
}  // namespace adieu::test
