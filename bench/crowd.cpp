// A crowd of clients: what many connections cost a server, where a stream of messages shows
// nothing.
//   open       opening handshakes, 64 under way at a time, until --ms or --connections have passed
//   cycle      open, one message and its echo, close (we first), until the server's FIN; 64 at a
//              time
//   idle       --connections of them: the server's private memory for each, before and after a
//              message each; then nothing for --ms but Pings and their Pongs
//   close      --connections of them, then SIGUSR1 to the server: until all were closed with 1001,
//              and the server has closed its sockets, too
//   broadcast  --connections of them, one of which sends, the next when all have received it
//
// Prints one line of name=value pairs. The server's CPU time and memory are read from /proc.

#include <array>
#include <csignal>
#include <ctime>
#include <deque>
#include <filesystem>
#include <fstream>
#include <map>
#include <string>
#include <string_view>

#include "crowd/visitor.hpp"
#include "load/latency.hpp"
#include "load/server_cpu.hpp"

namespace bench::crowd {
namespace {

constexpr std::size_t at_a_time = 64;

std::uint64_t now_ns() {
  timespec time{};
  ::clock_gettime(CLOCK_MONOTONIC, &time);
  return static_cast<std::uint64_t>(time.tv_sec) * 1'000'000'000U +
         static_cast<std::uint64_t>(time.tv_nsec);
}

struct options {
  std::string purpose;
  std::uint16_t port = 0;
  std::uint64_t server = 0;
  std::size_t connections = 64;
  std::size_t size = 16;
  std::uint64_t milliseconds = 1000;
  std::uint64_t warm_up_milliseconds = 100;
};

// Bytes that are the process's own and were written to.
double private_bytes(std::uint64_t process) {
  std::ifstream rollup("/proc/" + std::to_string(process) + "/smaps_rollup");
  double kib = -1;
  for (std::string line; std::getline(rollup, line);) {
    if (line.starts_with("Private_Dirty:") || line.starts_with("Swap:")) {
      kib = std::max(kib, 0.0) + std::stod(line.substr(line.find(':') + 1));
    }
  }
  if (kib < 0) fail("no memory to read for process " + std::to_string(process));
  return kib * 1024;
}

std::size_t sockets(std::uint64_t process) {
  std::error_code error;
  std::size_t count = 0;
  std::filesystem::directory_iterator each("/proc/" + std::to_string(process) + "/fd", error);
  for (; !error && each != std::filesystem::directory_iterator(); each.increment(error)) {
    std::error_code closed_meanwhile;
    const auto what = std::filesystem::read_symlink(each->path(), closed_meanwhile).string();
    count += what.starts_with("socket:") ? 1 : 0;
  }
  if (error) fail("no sockets to count of process " + std::to_string(process));
  return count;
}

class crowd {
 public:
  explicit crowd(const options& chosen)
      : chosen_(chosen),
        message_(chosen.size, 'a'),
        set_(checked(::epoll_create1(EPOLL_CLOEXEC), "epoll_create1")) {}
  crowd(const crowd&) = delete;
  crowd& operator=(const crowd&) = delete;
  ~crowd() { ::close(set_); }

  void measure_open() {
    open_until([&] { return opened_ >= 4 * at_a_time; });
    const auto from = opened_;
    window_begins();
    open_until([&] { return opened_ >= chosen_.connections || now_ns() >= window_end_; });
    window_ends("handshake", static_cast<double>(opened_ - from));
  }

  void measure_cycle() {
    cycles_ = true;
    for (std::size_t i = 0; i < at_a_time; ++i) invite();
    const auto warm = now_ns() + chosen_.warm_up_milliseconds * 1'000'000;
    while (now_ns() < warm) step();
    const auto from = gone_;
    window_begins();
    while (now_ns() < window_end_) step();
    window_ends("cycle", static_cast<double>(gone_ - from));
    if (gone_ != clean_) fail("a cycle that did not end cleanly");
  }

  void measure_idle() {
    open_until([&] { return opened_ >= at_a_time; });
    for (auto& one : visitors_) one.send(load::opcode_binary, message_);
    step_until([&] { return messages_ >= opened_; });
    const auto guests = static_cast<double>(chosen_.connections - opened_);
    const double before = private_bytes(chosen_.server);
    open_until([&] { return opened_ >= chosen_.connections; });
    std::printf("bytes_per_connection=%.0f ", (private_bytes(chosen_.server) - before) / guests);
    messages_ = 0;
    for (auto& one : visitors_) one.send(load::opcode_binary, message_);
    step_until([&] { return messages_ >= opened_; });
    std::printf("bytes_after_message=%.0f ", (private_bytes(chosen_.server) - before) / guests);
    pings_ = 0;
    window_begins();
    while (now_ns() < window_end_) step();
    const auto seconds = static_cast<double>(now_ns() - window_start_) / 1e9;
    std::printf("pings=%zu ", pings_);
    window_ends("connection_second", static_cast<double>(opened_) * seconds);
  }

  // A server that sends its FIN along with the Close has most of its work before it when the client
  // is done; so the window lasts until it has let go of all.
  void measure_close() {
    const std::size_t before = sockets(chosen_.server);
    open_until([&] { return opened_ >= chosen_.connections; });
    window_begins();
    ::kill(static_cast<pid_t>(chosen_.server), SIGUSR1);
    step_until([&] { return gone_ == opened_ && sockets(chosen_.server) <= before; });
    std::printf("clean=%zu ", clean_);
    if (clean_ != opened_ || codes_[1001] != opened_) {
      fail(std::to_string(opened_ - codes_[1001]) + " without a Close 1001, " +
           std::to_string(opened_ - clean_) + " that did not end cleanly");
    }
    window_ends("close", static_cast<double>(opened_));
  }

  void measure_broadcast() {
    open_until([&] { return opened_ >= chosen_.connections; });
    const auto warm = now_ns() + chosen_.warm_up_milliseconds * 1'000'000;
    while (now_ns() < warm) broadcast_once();
    latencies_.clear();
    window_begins();
    std::size_t deliveries = 0;
    while (now_ns() < window_end_) {
      broadcast_once();
      deliveries += opened_;
    }
    const auto microseconds = [this](double q) {
      return static_cast<double>(latencies_.quantile(q)) / 1e3;
    };
    std::printf("p50_us=%.1f p99_us=%.1f p999_us=%.1f ",
                microseconds(0.5),
                microseconds(0.99),
                microseconds(0.999));
    window_ends("delivery", static_cast<double>(deliveries));
  }

 private:
  void invite() {
    visitors_.emplace_back().come(chosen_.port, invited_++, set_);
    ++under_way_;
  }

  template <typename Done>
  void open_until(Done done) {
    step_until([&] {
      while (under_way_ < at_a_time && invited_ < chosen_.connections && !done()) invite();
      return done();
    });
  }

  template <typename Done>
  void step_until(Done done) {
    auto last_event = now_ns();
    while (!done()) {
      if (step()) {
        last_event = now_ns();
      } else if (now_ns() - last_event > 15'000'000'000U) {
        fail("nothing happened for 15 s: " + std::to_string(opened_) + " opened, " +
             std::to_string(gone_) + " gone, and the server has " +
             std::to_string(sockets(chosen_.server)) + " sockets");
      }
    }
  }

  void broadcast_once() {
    messages_ = 0;
    const auto sent = now_ns();
    visitors_.front().send(load::opcode_binary, message_);
    step_until([&] { return messages_ >= opened_; });
    latencies_.add(now_ns() - sent);
  }

  bool step() {
    const int count = ::epoll_wait(set_, events_.data(), static_cast<int>(events_.size()), 10);
    for (int i = 0; i < count; ++i) {
      const auto& event = events_[static_cast<std::size_t>(i)];
      on_ready(*static_cast<visitor*>(event.data.ptr), event.events);
    }
    return count > 0;
  }

  void on_ready(visitor& one, std::uint32_t events) {
    if (!one.is_here()) return;
    if (one.where() == stage::connecting) {
      if ((events & (EPOLLERR | EPOLLHUP)) != 0) fail("a connect was refused");
      if ((events & EPOLLOUT) == 0) return;
      one.ask();
    }
    const auto what = one.read();
    if (one.where() == stage::upgrading && one.take_response()) {
      --under_way_;
      ++opened_;
      if (cycles_) one.send(load::opcode_binary, message_);
    }
    one.take_frames([&](const frame& got) { on_frame(one, got); });
    if (what != visitor::input::more) on_gone(one, what);
  }

  void on_frame(visitor& one, const frame& got) {
    if (got.opcode == 0x9) ++pings_;
    if (got.opcode >= load::first_control_opcode) return;
    if (got.payload != message_) fail("a message with other content than was sent");
    ++messages_;
    if (cycles_) one.say_goodbye();
  }

  void on_gone(visitor& one, visitor::input how) {
    if (one.where() != stage::close_received) fail("the server left without a Close");
    ++gone_;
    ++codes_[one.close_code()];
    if (how == visitor::input::end) ++clean_;
    one.leave();
    if (cycles_) {
      while (!visitors_.empty() && !visitors_.front().is_here()) visitors_.pop_front();
      invite();
    }
  }

  void window_begins() {
    window_start_ = now_ns();
    window_end_ = window_start_ + chosen_.milliseconds * 1'000'000;
    window_cpu_ = load::cpu_nanoseconds(chosen_.server);
  }

  void window_ends(const char* unit, double count) {
    const auto seconds = static_cast<double>(now_ns() - window_start_) / 1e9;
    const auto cpu = static_cast<double>(load::cpu_nanoseconds(chosen_.server) - window_cpu_);
    if (count == 0) fail("nothing was finished within the window");
    std::printf("connections=%zu count=%.0f seconds=%.3f rate=%.0f cpu_us_per_%s=%.5f\n",
                opened_,
                count,
                seconds,
                count / seconds,
                unit,
                cpu / 1e3 / count);
  }

  options chosen_;
  std::string message_;
  int set_;
  std::array<epoll_event, 256> events_{};
  std::deque<visitor> visitors_;
  bool cycles_ = false;
  std::size_t invited_ = 0;
  std::size_t under_way_ = 0;
  std::size_t opened_ = 0;
  std::size_t gone_ = 0;
  std::size_t clean_ = 0;
  std::size_t messages_ = 0;
  std::size_t pings_ = 0;
  std::map<int, std::size_t> codes_;
  std::uint64_t window_start_ = 0;
  std::uint64_t window_end_ = 0;
  std::uint64_t window_cpu_ = 0;
  load::latency_histogram latencies_;
};

options read_options(int argc, char** argv) {
  options chosen;
  const std::string usage =
      "bench_crowd open|cycle|idle|close|broadcast --port PORT --pid SERVER\n"
      "            [--connections N] [--size BYTES] [--ms DURATION] [--warmup-ms DURATION]\n";
  if (argc < 2 || argc % 2 != 0) fail(usage);
  chosen.purpose = argv[1];
  for (int i = 2; i < argc; i += 2) {
    const std::string_view name = argv[i];
    const auto value = number(argv[i + 1], argv[i]);
    if (name == "--port") {
      chosen.port = port_argument(argc, argv, i + 1);
    } else if (name == "--pid") {
      chosen.server = value;
    } else if (name == "--connections") {
      chosen.connections = value;
    } else if (name == "--size") {
      chosen.size = value;
    } else if (name == "--ms") {
      chosen.milliseconds = value;
    } else if (name == "--warmup-ms") {
      chosen.warm_up_milliseconds = value;
    } else {
      fail("unknown option " + std::string(name) + "\n" + usage);
    }
  }
  if (chosen.port == 0 || chosen.server == 0) fail(usage);
  return chosen;
}

void measure(const options& chosen) {
  crowd all(chosen);
  if (chosen.purpose == "open") return all.measure_open();
  if (chosen.purpose == "cycle") return all.measure_cycle();
  if (chosen.purpose == "idle") return all.measure_idle();
  if (chosen.purpose == "close") return all.measure_close();
  if (chosen.purpose == "broadcast") return all.measure_broadcast();
  fail("there is no crowd for " + chosen.purpose);
}

}  // namespace
}  // namespace bench::crowd

int main(int argc, char** argv) { bench::crowd::measure(bench::crowd::read_options(argc, argv)); }
