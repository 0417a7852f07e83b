// A process that stood still does not accuse its peers (P3). A child runs Adieu's side of many
// connections; it is stopped (SIGSTOP) when each of them waits for a Pong, for longer than the Pong
// may take, and goes on (SIGCONT). The peers, in this process, answer all the while, but for a few,
// which have gone: those are to be found, and no other.
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <gtest/gtest.h>

#include <poll.h>
#include <signal.h>
#include <sys/wait.h>

#include <functional>

#include "adieu/adieu.hpp"
#include "net/edge_set.hpp"
#include "tests/faults/frame_watch.hpp"
#include "tests/faults/scale.hpp"
#include "tests/faults/tcp_pair.hpp"

namespace adieu::test {
namespace {

namespace asio = boost::asio;
using namespace std::chrono_literals;
using clock = std::chrono::steady_clock;
using seconds = std::chrono::duration<double>;

constexpr std::size_t connections = 600;  // more than one look at epoll shows
constexpr std::size_t gone_from = 550;    // these peers answer nothing any more
constexpr auto interval = 400ms;
constexpr auto timeout = 400ms;

role role_of(std::size_t at) { return at % 2 == 0 ? role::client : role::server; }

/// What the child says of a connection that has ended.
struct ending {
  std::uint16_t which;
  bool clean;
  bool accused;
};

/// The child: echoes messages, and answers Closes. Ends when all its connections have.
[[noreturn]] void run_child(std::vector<raw_socket> sockets, int report, bool portable) {
  net::force_portable_readiness(portable);
  asio::io_context loop(1);
  std::vector<websocket> ours;
  websocket_options options;
  options.ping_interval = interval;
  options.pong_timeout = timeout;
  ours.reserve(sockets.size());
  for (std::size_t i = 0; i < sockets.size(); ++i) {
    asio::ip::tcp::socket tcp(loop, asio::ip::tcp::v4(), sockets[i].release());
    websocket& socket = ours.emplace_back(websocket::adopt(std::move(tcp), role_of(i), options));
    socket.on_message([&socket](const message_view& seen) { socket.send(seen); });
    socket.on_end([i, report](const disconnect_record& record) {
      const ending said{
          static_cast<std::uint16_t>(i), record.clean, record.cause == cause::keepalive_timeout};
      if (::write(report, &said, sizeof said) != sizeof said) ::_exit(1);
    });
  }
  loop.run();
  ::_exit(0);
}

class StoppedProcess : public testing::Test {
 protected:
  struct peer {
    raw_socket socket;
    frame_watch watch;
    std::vector<std::string> pings;  // not answered yet
    bool echoed = false;
    bool over = false;
  };

  void start(bool portable) {
    const pair_maker pairs;
    std::vector<raw_socket> ours;
    for (std::size_t i = 0; i < connections; ++i) {
      pair_maker::ends ends = pairs.make({});
      ours.push_back(std::move(ends.ours));
      peers.emplace_back().socket = std::move(ends.theirs);
    }
    int pipe[2];
    ASSERT_EQ(::pipe2(pipe, O_CLOEXEC), 0);
    child = ::fork();
    if (child == 0) {
      peers.clear();
      run_child(std::move(ours), pipe[1], portable);
    }
    ASSERT_GT(child, 0);
    ::close(pipe[1]);
    reports = raw_socket(pipe[0]);
  }
  void TearDown() override {
    if (child <= 0) return;
    ::kill(child, SIGKILL);
    ::waitpid(child, nullptr, 0);
  }

  void send(std::size_t to, unsigned char first, std::string_view payload) {
    peers[to].socket.send(role_of(to) == role::client ? bare_frame(first, payload)
                                                      : masked_frame(first, payload));
  }
  void answer(std::size_t which) {
    if (which >= gone_from) return;
    for (const std::string& ping : std::exchange(peers[which].pings, {})) {
      send(which, pong_frame, ping);
    }
  }
  /// The peers read, and answer Pings if told so, until it is so or that time has come.
  enum class pings { stay_unanswered, are_answered };
  bool live(pings what, clock::time_point until, const std::function<bool()>& so) {
    while (!so()) {
      const auto left = std::chrono::ceil<std::chrono::milliseconds>(until - clock::now());
      if (left.count() <= 0) return false;
      std::vector<pollfd> ask;
      for (const peer& each : peers) {
        ask.push_back({each.over ? -1 : each.socket.descriptor(), POLLIN, 0});
      }
      ask.push_back({reports.descriptor(), POLLIN, 0});
      ::poll(ask.data(), ask.size(), static_cast<int>(left.count()));
      for (std::size_t i = 0; i < peers.size(); ++i) {
        if (ask[i].revents == 0) continue;
        peer& each = peers[i];
        each.over = each.socket.read_now() != raw_socket::end::none;
        each.watch.take(std::exchange(each.socket.got, {}));
        for (std::string& ping : each.watch.take_pings()) each.pings.push_back(std::move(ping));
        if (what == pings::are_answered) answer(i);
      }
      ending said{};
      if (ask.back().revents != 0 && ::read(reports.descriptor(), &said, sizeof said) > 0) {
        endings.push_back(said);
      }
    }
    return true;
  }
  [[nodiscard]] bool every(std::size_t count, const std::function<bool(const peer&)>& so) const {
    return std::all_of(peers.begin(), peers.begin() + static_cast<std::ptrdiff_t>(count), so);
  }

  /// One stop, `longer` than what a Pong may take.
  void prove(std::string_view how, clock::duration longer) {
    // Twice round, so that the child is known to run. Then it waits for Pongs and is stopped.
    const auto asked = [](const peer& each) { return !each.pings.empty(); };
    const auto in_time = [] { return clock::now() + 10s; };
    for (int round = 0; round < 2; ++round) {
      ASSERT_TRUE(
          live(pings::stay_unanswered, in_time(), [&] { return every(connections, asked); }));
      if (round == 1) break;
      for (std::size_t i = 0; i < connections; ++i) {
        for (const std::string& ping : std::exchange(peers[i].pings, {})) send(i, pong_frame, ping);
      }
    }
    ASSERT_EQ(::kill(child, SIGSTOP), 0);
    int status = 0;
    ASSERT_EQ(::waitpid(child, &status, WUNTRACED), child);
    ASSERT_TRUE(WIFSTOPPED(status));
    ASSERT_TRUE(endings.empty()) << "before it was stopped";
    const auto stopped = clock::now();
    for (std::size_t i = 0; i < connections; ++i) answer(i);
    (void)live(pings::are_answered, stopped + timeout + longer, [] { return false; });
    const seconds stood_still = clock::now() - stopped;
    ASSERT_EQ(::kill(child, SIGCONT), 0);
    const auto went_on = clock::now();

    // Those that have gone are found; the others live on for several rounds more, and echo.
    const std::size_t gone = connections - gone_from;
    ASSERT_TRUE(live(pings::are_answered, in_time(), [&] { return endings.size() >= gone; }));
    const auto found = clock::now() - went_on;
    (void)live(pings::are_answered, went_on + 3 * (interval + timeout), [] { return false; });
    std::size_t falsely = 0;
    for (const ending& each : endings) {
      EXPECT_TRUE(each.accused) << each.which;
      falsely += each.which < gone_from;
    }
    EXPECT_EQ(falsely, 0U) << "falsely accused";
    EXPECT_EQ(endings.size(), gone);
    for (std::size_t i = 0; i < gone_from; ++i) send(i, text_frame, "still there?");
    EXPECT_TRUE(live(pings::are_answered, in_time(), [&] {
      return every(gone_from, [](const peer& each) { return each.watch.data() == 12; });
    }));
    figures(
        "stopped, {}: {:.2f} s, {:.2f} s past the Pongs' deadline: of {} living peers {} "
        "falsely accused; of {} that had gone {} found, the last {:.3f} s after it went on",
        how,
        stood_still.count(),
        seconds(longer).count(),
        gone_from,
        falsely,
        gone,
        endings.size() - falsely,
        seconds(found).count());
    const bool asked_again = longer > 2s;
    EXPECT_GE(found, asked_again ? timeout : 0ms) << "without a fresh Ping";
    EXPECT_LE(found, (asked_again ? timeout : 0ms) + 2s) << "by a fresh Ping, or at once";
    for (std::size_t i = 0; i < gone_from; ++i) send(i, close_frame_byte, close_body(1000));
    EXPECT_TRUE(
        live(pings::are_answered, in_time(), [&] { return endings.size() >= connections; }));
    EXPECT_EQ(std::ranges::count_if(endings, &ending::clean), gone_from);
  }

  pid_t child = 0;
  raw_socket reports;
  std::vector<peer> peers;
  std::vector<ending> endings;
};

TEST_F(StoppedProcess, P3_finds_the_Pongs_that_came_meanwhile) {
  start(false);
  prove("a little", 700ms);
}

TEST_F(StoppedProcess, P3_finds_the_Pongs_that_came_meanwhile_without_the_edge_set) {
  start(true);
  prove("a little, portable", 700ms);
}

TEST_F(StoppedProcess, P3_asks_again_before_any_verdict) {
  start(false);
  prove("for long", in_full() ? clock::duration(60s) : clock::duration(2500ms));
}

}  // namespace
}  // namespace adieu::test
