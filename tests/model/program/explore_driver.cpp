// Random schedules against the driver: `explore_driver [--seed N] [--runs N]`. With a seed: that
// one schedule, and its story if something is wrong.
#include <fmt/format.h>

#include <chrono>
#include <cstdlib>
#include <string_view>

#include "tests/model/driver/schedule.hpp"

int main(int count, char** arguments) {
  using namespace adieu::model;
  std::uint64_t first = 1, runs = 20'000;
  for (int i = 1; i + 1 < count; i += 2) {
    const std::string_view name = arguments[i];
    const std::uint64_t value = std::strtoull(arguments[i + 1], nullptr, 10);
    if (name == "--seed") first = value, runs = 1;
    if (name == "--runs") runs = value;
  }
  const auto from = std::chrono::steady_clock::now();
  schedule_figures all;
  for (std::uint64_t seed = first; seed < first + runs; ++seed) {
    const schedule_figures f = run_schedule(seed);
    all.steps += f.steps, all.calls += f.calls, all.clean += f.clean;
    if (f.wrong.empty()) continue;
    fmt::print("seed {}: {}\nagain: ./dev explore --seed {}\n", seed, f.wrong, seed);
    return 1;
  }
  const double seconds =
      std::chrono::duration<double>(std::chrono::steady_clock::now() - from).count();
  fmt::print(
      "driver: {} schedules from seed {}, {} steps, {} calls, {} of {} ends clean, {:.1f} s: "
      "nothing is wrong\n",
      runs,
      first,
      all.steps,
      all.calls,
      all.clean,
      2 * runs,
      seconds);
}
