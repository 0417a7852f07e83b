// Explores: `explore [--full] [--menu NAME] [--bound N] [--seconds N] [--threads N] [--replay
// FILE] [--audit]`. Every menu at its own bound of calls; with --full, at bounds that rise until an
// hour is over, each search up to 50 million states. Prints the figures, or the shortest trace to a
// violation, and then exits with 1. With --audit, looks for twins (audit.hpp) instead.
#include <fmt/format.h>

#include <cstring>
#include <fstream>

#include "tests/model/audit.hpp"
#include "tests/model/story.hpp"

namespace adieu::model {
namespace {

struct request {
  std::string_view menu;
  unsigned bound = 0;  // 0: the menu's own
  bool rising = false;
  bool audit = false;
  std::string replay;
  limits most{50'000'000, 3600, 2};
};

void tell(const menu& what, const finding& found) {
  const finding shorter = shorten(what, found);
  fmt::print("\n{}: {}\n\n{}\n{}",
             shorter.broken.name,
             shorter.broken.what,
             diagram(what, shorter.steps),
             to_text(what, shorter.steps));
  for (const invariant& each : invariants()) {
    if (each.name == shorter.broken.name) fmt::print("# {}: {}\n", each.name, each.says);
  }
}

void print(const menu& what, const figures& f) {
  fmt::print("{:11} {:>5} {:>6} {:>4} {:>6} {:>11} {:>12} {:>6} {:>7.1f} {:>9.0f}{}\n",
             what.name,
             what.operations,
             what.fault_count,
             what.cuts,
             what.blocks,
             f.states,
             f.transitions,
             f.deepest,
             f.seconds,
             static_cast<double>(f.states) / std::max(f.seconds, 1e-9),
             f.complete ? ""
             : f.wrong  ? "  broken"
                        : "  cut short");
  std::fflush(stdout);
}

constexpr unsigned plenty = 100;  // a trace says itself how much there is of everything

int play(const std::string& file) {
  std::ifstream in(file);
  const script read = parse_script(in);
  if (!read.wrong.empty()) return fmt::print(stderr, "{}: {}\n", file, read.wrong), 2;
  menu what = *read.what;
  what.operations = what.fault_count = what.cuts = what.blocks = what.waits = plenty;
  fmt::print("{}", diagram(what, read.steps));
  const replayed out = replay(what, read.steps);
  if (!out.possible) fmt::print("a move is not possible after {} of them\n", out.steps);
  if (out.broken) fmt::print("broken: {}: {}\n", out.broken->name, out.broken->what);
  return out.broken || !out.possible ? 1 : 0;
}

struct sums {
  std::uint64_t states = 0, transitions = 0;
  double seconds = 0;
};

// False when something is wrong; `complete` when nothing was left out.
bool explore(menu what, const request& wanted, sums& all, bool& complete) {
  limits most = wanted.most;
  most.seconds -= all.seconds;
  const figures f = search(what, most);
  all.states += f.states, all.transitions += f.transitions, all.seconds += f.seconds;
  complete = f.complete;
  print(what, f);
  if (f.wrong) tell(what, *f.wrong);
  return !f.wrong;
}

std::vector<menu> chosen(const request& wanted) {
  std::vector<menu> out;
  for (const menu& each : menus()) {
    if (!wanted.menu.empty() && each.name != wanted.menu) continue;
    out.push_back(each);
    if (wanted.bound != 0) out.back().operations = wanted.bound;
  }
  return out;
}

int audit_all(const request& wanted) {
  std::uint64_t states = 0, meetings = 0;
  for (const menu& what : chosen(wanted)) {
    const audited out = audit(what, wanted.most);
    states += out.states, meetings += out.meetings;
    fmt::print("{:11} {:>5} {:>11} states {:>11} meetings{}\n",
               what.name,
               what.operations,
               out.states,
               out.meetings,
               out.complete || out.found ? "" : "  cut short");
    std::fflush(stdout);
    if (!out.found) continue;
    fmt::print("twins: {}\n\n{}\n{}\n",
               out.found->differ,
               diagram(what, out.found->one),
               diagram(what, out.found->other));
    return 1;
  }
  fmt::print("{} states, met again {} times: worlds with one fingerprint go the same ways\n",
             states,
             meetings);
  return 0;
}

int explore(const request& wanted) {
  fmt::print("{:11} {:>5} {:>6} {:>4} {:>6} {:>11} {:>12} {:>6} {:>7} {:>9}\n",
             "menu",
             "calls",
             "faults",
             "cuts",
             "blocks",
             "states",
             "transitions",
             "depth",
             "seconds",
             "states/s");
  sums all;
  std::vector<menu> left = chosen(wanted);
  while (!left.empty()) {
    std::vector<menu> further;
    for (menu what : left) {
      if (all.seconds >= wanted.most.seconds) continue;
      bool complete = false;
      if (!explore(what, wanted, all, complete)) return 1;
      ++what.operations;
      if (wanted.rising && complete) further.push_back(what);
    }
    left = std::move(further);
  }
  fmt::print("{} states, {} transitions, {:.1f} s, {:.0f} states/s: no invariant breaks\n",
             all.states,
             all.transitions,
             all.seconds,
             static_cast<double>(all.states) / all.seconds);
  return 0;
}

}  // namespace
}  // namespace adieu::model

int main(int count, char** arguments) {
  using namespace adieu::model;
  request wanted;
  for (int i = 1; i < count; ++i) {
    const std::string_view name = arguments[i];
    const char* const value = i + 1 < count ? arguments[i + 1] : "";
    if (name == "--full") {
      wanted.rising = true;
    } else if (name == "--audit") {
      wanted.audit = true;
    } else if (name == "--menu") {
      wanted.menu = value, ++i;
    } else if (name == "--bound") {
      wanted.bound = static_cast<unsigned>(std::atoi(value)), ++i;
    } else if (name == "--threads") {
      wanted.most.threads = static_cast<unsigned>(std::atoi(value)), ++i;
    } else if (name == "--seconds") {
      wanted.most.seconds = std::atof(value), ++i;
    } else if (name == "--replay") {
      wanted.replay = value, ++i;
    } else {
      fmt::print(stderr, "unknown: {}\n", name);
      return 2;
    }
  }
  if (!wanted.replay.empty()) return play(wanted.replay);
  return wanted.audit ? audit_all(wanted) : explore(wanted);
}
