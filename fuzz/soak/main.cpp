// `adieu serve` under the fuzzers' worst inputs over real TCP: rounds of visitors (visitor.hpp),
// and after each round, when the last connection is gone, a look at the server.
//
// It passes when after every round each connection that was made has ended with a record and all
// descriptors are given back; memory is flat (the median of the last third of the rounds lies at
// most 2 MiB or 5 % above that of the third before it); the server then still echoes, and shuts
// down.
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <stdexcept>
#include <thread>

#include "fuzz/soak/server_process.hpp"
#include "fuzz/soak/visitor.hpp"

namespace adieu::soak {
namespace {

using clock = std::chrono::steady_clock;
using std::chrono::seconds;

constexpr std::size_t visitors_at_once = 150;
constexpr std::size_t rounds = 9;

struct plan {
  std::string program;
  seconds length{15};
  std::uint64_t seed = 1;
  std::vector<std::string> corpora;
};

class run {
 public:
  explicit run(const plan& of) : plan_(of), say_(of.corpora), server_(of.program) {
    if (say_.frames.empty() || say_.requests.empty()) throw std::runtime_error("no corpus");
  }

  bool play() {
    visitors(clock::now() + plan_.length / 6);  // what the server needs once, it has then
    if (!comes_to_rest()) return false;
    const std::size_t descriptors = server_.look().descriptors;
    std::vector<std::size_t> memory;
    for (std::size_t round = 1; round <= rounds; ++round) {
      visitors(clock::now() + plan_.length / rounds);
      if (!comes_to_rest()) return false;
      const auto now = server_.look();
      if (now.descriptors != descriptors) {
        fmt::print("FAILED: {} descriptors are open, not {}\n", now.descriptors, descriptors);
        return false;
      }
      memory.push_back(now.kib);
      fmt::print(
          "round {:2}: {:8} connections, {:8} of them shook hands, {:7} KiB sent, {:7} "
          "received; at rest {:6} KiB\n",
          round,
          sums_.connected,
          sums_.shook_hands,
          sums_.bytes_sent / 1024,
          sums_.bytes_received / 1024,
          memory.back());
      std::fflush(stdout);
    }
    const bool flat = is_flat(memory);
    return ends_well() && flat;
  }

 private:
  void visitors(clock::time_point until) {
    loop_.restart();
    for (std::size_t i = 0; i < visitors_at_once; ++i) {
      boost::asio::co_spawn(loop_, come_again(until), [](std::exception_ptr error) {
        if (error) std::rethrow_exception(error);
      });
    }
    loop_.run();
  }

  boost::asio::awaitable<void> come_again(clock::time_point until) {
    while (clock::now() < until) co_await visit(server_.port(), say_, next_seed_++, sums_);
  }

  /// Nobody visits any more: a record for each connection has to come, and soon.
  bool comes_to_rest() {
    const auto latest = clock::now() + seconds(20);
    while (server_.ended_connections() != sums_.connected) {
      if (clock::now() > latest) {
        fmt::print("FAILED: of {} connections {} have ended with a record\n",
                   sums_.connected,
                   server_.ended_connections());
        return false;
      }
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
    return true;
  }

  static std::size_t median(std::vector<std::size_t> of) {
    std::ranges::sort(of);
    return of[of.size() / 2];
  }

  static bool is_flat(const std::vector<std::size_t>& memory) {
    constexpr auto third = static_cast<std::ptrdiff_t>(rounds / 3);
    const std::size_t before = median({memory.begin() + third, memory.begin() + 2 * third});
    const std::size_t after = median({memory.begin() + 2 * third, memory.end()});
    const bool flat = after <= before + std::max<std::size_t>(2048, before / 20);
    fmt::print("{}memory at rest: {} KiB in the middle third, {} KiB in the last\n",
               flat ? "" : "FAILED: ",
               before,
               after);
    return flat;
  }

  bool ends_well() {
    loop_.restart();
    bool echoed = false;
    boost::asio::co_spawn(loop_,
                          echo_works(server_.port(), sums_),
                          [&](std::exception_ptr, bool ok) { echoed = ok; });
    loop_.run();
    const int status = server_.shut_down();
    const std::size_t told = server_.ended_connections();
    const bool right = echoed && status == 0 && told == sums_.connected;
    fmt::print("{}{}; {} connections were made, {} ended with a record; exit status {}\n  {}\n",
               right ? "" : "FAILED: ",
               echoed ? "it still echoes" : "it does not echo",
               sums_.connected,
               told,
               status,
               server_.last_line());
    return right;
  }

  const plan& plan_;
  phrases say_;
  server_process server_;
  boost::asio::io_context loop_{1};
  tally sums_;
  std::uint64_t next_seed_ = plan_.seed;
};

}  // namespace
}  // namespace adieu::soak

int main(int argc, char** argv) {
  if (argc < 4) {
    fmt::print(stderr, "adieu_soak SECONDS PROGRAM CORPUS…\n");
    return 2;
  }
  adieu::soak::plan plan;
  plan.length = std::chrono::seconds(std::atoi(argv[1]));
  plan.program = argv[2];
  plan.corpora.assign(argv + 3, argv + argc);
  try {
    return adieu::soak::run(plan).play() ? 0 : 1;
  } catch (const std::exception& error) {
    fmt::print(stderr, "adieu_soak: {}\n", error.what());
    return 1;
  }
}
