// The fault matrix: every carrier and role, every place, every fault; the record of each cell is
// compared with its expectation in every field. Real sockets, real time, real processes; many cells
// at once on one loop.
//
// ADIEU_MATRIX=text tries only the cells whose names contain it, and prints their records.
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <gtest/gtest.h>

#include <algorithm>
#include <csignal>

#include "tests/faults/matrix_trial.hpp"
#include "tests/faults/scale.hpp"

namespace adieu::test {
namespace {

struct report {
  std::map<std::string_view, std::size_t> carriers, roles, places, faults;
  std::map<std::string, std::vector<std::string>> wrong;
  std::size_t tried = 0;

  void count(const cell& c) {
    ++tried;
    ++carriers[to_string(c.over)];
    ++roles[to_string(c.we)];
    ++places[to_string(c.where)];
    ++faults[to_string(c.how)];
  }
  static std::string line(const std::map<std::string_view, std::size_t>& counts) {
    std::string out;
    for (const auto& [name, count] : counts) out += fmt::format("  {} {}", name, count);
    return out;
  }
};

struct queue {
  std::vector<cell> cells;
  std::size_t next = 0;
  bool tells = false;
  report found;
};

asio::awaitable<void> work(matrix_stage& on, queue& from) {
  while (from.next < from.cells.size()) {
    const cell which = from.cells[from.next++];
    auto one = std::make_shared<trial>(on, which);
    std::vector<std::string> wrong;
    try {
      wrong = co_await trial::run(one);
    } catch (const std::exception& error) {
      wrong = {std::string("the harness failed: ") + error.what()};
    }
    from.found.count(which);
    if (from.tells) fmt::print("{}\n    {}\n", to_string(which), one->record_line());
    if (!wrong.empty()) {
      wrong.push_back(one->record_line());
      from.found.wrong[to_string(which)] = std::move(wrong);
    }
  }
  --on.workers;
}

TEST(FaultMatrix, EveryRecordIsTrueInEveryField) {
  ::signal(SIGPIPE, SIG_IGN);
  const auto began = std::chrono::steady_clock::now();
  matrix all = all_cells();
  matrix_stage stage;
  if (!stage.net) {
    const std::size_t gone =
        std::erase_if(all.cells, [](const cell& c) { return c.how == fault::black_hole; });
    all.left_out["black holes: no root, iproute2 or nftables here"] = gone;
  }
  queue todo;
  const char* const only = std::getenv("ADIEU_MATRIX");
  todo.tells = only != nullptr;
  // In an order that mixes long and short cells, the same in every run.
  const std::size_t count = all.cells.size();
  for (std::size_t i = 0; i < count; ++i) {
    const cell& next = all.cells[i * 7919 % count];
    if (only == nullptr || to_string(next).find(only) != std::string::npos) {
      todo.cells.push_back(next);
    }
  }
  // In the long form with fewer and with more at once, each time in another order.
  constexpr std::array<int, 4> at_once{48, 8, 24, 64};
  const std::size_t rounds = scaled<std::size_t>(1, at_once.size());
  for (std::size_t round = 0; round < rounds; ++round) {
    std::ranges::rotate(todo.cells, todo.cells.begin() + static_cast<std::ptrdiff_t>(round));
    todo.next = 0;
    stage.workers = at_once[round];
    asio::co_spawn(stage.loop, matrix_stage::measure_lag(stage), asio::detached);
    for (int i = 0; i < at_once[round]; ++i) {
      asio::co_spawn(stage.loop, work(stage, todo), asio::detached);
    }
    stage.loop.restart();
    stage.loop.run();
  }

  const report& found = todo.found;
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - began;
  figures("fault matrix: {} cells, {} tried in {:.1f} s, {} with a wrong record",
          todo.cells.size(),
          found.tried,
          took.count(),
          found.wrong.size());
  for (const auto& counts : {found.carriers, found.roles, found.places, found.faults}) {
    figures("{}", report::line(counts));
  }
  for (const auto& [rule, combinations] : all.left_out) {
    figures("  left out {:5}: {}", combinations, rule);
  }
  for (const auto& [name, wrong] : found.wrong) {
    std::string text = name;
    for (const std::string& each : wrong) text += "\n    " + each;
    ADD_FAILURE() << text;
  }
}

}  // namespace
}  // namespace adieu::test
