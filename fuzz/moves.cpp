// The explorer's world (tests/model) for longer than the explorer can go: the input chooses moves
// from menus whose bounds are wide, and after each of them every invariant of the model must hold.
#include "fuzz/record_checks.hpp"
#include "tests/model/world.hpp"

namespace adieu::fuzz {
namespace {

/// The explorer's menus, for a longer meal.
std::vector<model::menu> large_menus() {
  std::vector<model::menu> out(model::menus().begin(), model::menus().end());
  for (model::menu& each : out) {
    each.operations = 12;
    if (!each.faults.empty()) each.fault_count = 3;
    if (!each.in_flight) each.cuts = 40;  // what a stream has in flight, it took whole
    each.waits = 40;
    each.blocks = 4;
    each.ticks = std::max(each.ticks, 40U);
  }
  return out;
}

}  // namespace

void run(input in) {
  static const std::vector<model::menu> menus = large_menus();
  model::world world(menus[in.choose(menus.size())]);
  std::vector<model::move> possible;
  std::string story;
  while (!in.empty() && !world.over()) {
    world.list(possible);
    if (possible.empty()) {
      world.judge_rest();
      break;
    }
    const model::move next = possible[in.choose(possible.size())];
    story += to_string(next) + '\n';
    EXPECT_TRUE(world.apply(next));
    if (world.broken()) break;
  }
  if (world.broken())
    FAIL() << world.broken()->name << ": " << world.broken()->what << '\n' << story;
  for (const role side : {role::client, role::server}) {
    if (world.core(side).ended()) expect_consistent(world.core(side).record());
  }
}

}  // namespace adieu::fuzz
