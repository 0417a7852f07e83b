// Wakes one mistake after the other in a copy of the core and lets the explorer look for it:
// `explore_mutants [--seconds N] [--every N] [NUMBER | "PHASE EVENT KIND"]`. A mistake that no
// search finds is a failure, unless mutants.txt says why nobody could see it. Each has a process of
// its own, so that one that hangs or breaks an assertion is caught, too.
#include <fmt/format.h>

#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstring>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <map>

#include "tests/model/program/mutants.hpp"
#include "tests/model/story.hpp"

namespace adieu::core {

int mutant_awake = 0;
const closing_table& true_rules() noexcept;

closing_table& changed_rules() {
  static closing_table table = true_rules();
  return table;
}
const closing_table& rules_awake() noexcept { return changed_rules(); }

}  // namespace adieu::core

namespace adieu::model {
namespace {

using core::action;
using core::event;
using core::phase;

struct subject {
  std::string name;
  std::string what;
  int number = 0;  // 0: of the table
  phase in{};
  event when{};
  core::transition instead{};
  std::string equivalent;
};

struct verdict {
  bool caught = false;
  std::string how;
  double seconds = 0;
};

action another(action a) {
  switch (a) {
    case action::cut: return action::reset;
    case action::reset:
    case action::note_fin:
    case action::tear_down:
    case action::fin_and_drain: return action::cut;
    case action::none:
    case action::refuse: return action::queue_close;
    case action::queue_failure: return action::fin_and_drain;
    default: return action::none;
  }
}

// Each row dropped, sent to another phase, and given another action.
std::vector<subject> of_the_table() {
  std::vector<subject> out;
  for (std::size_t p = 0; p < core::phase_count; ++p) {
    for (std::size_t e = 0; e < core::event_count; ++e) {
      const core::transition row = core::true_rules()[p][e];
      const auto in = static_cast<phase>(p);
      const auto when = static_cast<event>(e);
      if (row.act == action::impossible) continue;
      const auto add = [&](std::string_view kind, core::transition instead) {
        if (instead == row) return;
        subject& s = out.emplace_back();
        s.name = fmt::format("{} {} {}", to_string(in), to_string(when), kind);
        s.what = fmt::format("{}/{} instead of {}/{}",
                             to_string(instead.next),
                             to_string(instead.act),
                             to_string(row.next),
                             to_string(row.act));
        s.in = in, s.when = when, s.instead = instead;
        if (row.act == action::refuse && instead.act == action::refuse) {
          s.equivalent = "a call that is refused never enters the table";
        }
        if (row.act == action::note_fin && instead == core::transition{in, action::none}) {
          s.equivalent = "the note itself is input_ended()'s; the row only says that nothing else";
        }
        const bool last_words = (in == phase::reply_queued && when != event::call_close) ||
                                in == phase::failing || in == phase::closed ||
                                in == phase::draining || core::is_over(in);
        if (row.act == action::none && instead.act == action::queue_close && last_words) {
          s.equivalent = "a second Close would wait behind the last thing that is ever written";
        }
        const bool input =
            when == event::input_fin || when == event::input_lost || when == event::output_lost;
        if (core::is_over(in) && input) {
          s.equivalent = "once it is over, nothing that TCP says enters the table";
        }
      };
      add("dropped", {in, action::none});
      const auto next =
          static_cast<phase>((static_cast<std::size_t>(row.next) + 1) % core::phase_count);
      add("redirected", {next, row.act});
      add("altered", {row.next, another(row.act)});
    }
  }
  return out;
}

constexpr int hangs = 42;

// Twice a second of processor time: if no step was done since the last time, the core loops.
void feel_the_pulse(int) {
  static std::uint64_t last = ~std::uint64_t{0};
  const std::uint64_t now = search_pulse();
  if (now == last) _exit(hangs);
  last = now;
}

void watch_the_pulse() {
  std::signal(SIGPROF, feel_the_pulse);
  itimerval often{};
  often.it_interval.tv_usec = often.it_value.tv_usec = 500'000;
  ::setitimer(ITIMER_PROF, &often, nullptr);
}

// The walks that found something before: mistakes that took a long search then need none now.
std::string replay_the_known() {
  for (const auto& file : std::filesystem::directory_iterator(ADIEU_TRACES)) {
    std::ifstream in(file.path());
    const script read = parse_script(in);
    menu what = *read.what;
    what.operations = what.fault_count = what.blocks = what.cuts = what.waits = 100;
    const replayed out = replay(what, read.steps);
    if (out.broken) {
      return fmt::format("{} ({})", out.broken->name, file.path().filename().string());
    }
  }
  return {};
}

// In the child: what is known, then the smallest bound first, the quickest menus first.
[[noreturn]] void look(const subject& s, int out, double seconds) {
  core::mutant_awake = s.number;
  if (s.number == 0) {
    core::changed_rules()[static_cast<std::size_t>(s.in)][static_cast<std::size_t>(s.when)] =
        s.instead;
  }
  watch_the_pulse();
  std::string told = replay_the_known();
  double left = seconds;  // of processor time, so that a busy machine changes nothing
  for (unsigned bound = 1; bound <= 4 && told.empty() && left > 0; ++bound) {
    for (menu what : menus()) {
      if (left <= 0) break;
      what.operations = bound;
      what.fault_count = std::min(what.fault_count, bound);
      constexpr std::uint64_t most[] = {400'000, 700'000, 1'500'000, 1'500'000};
      const std::clock_t from = std::clock();
      const figures f = search(what, {most[bound - 1], 1e6, 1});
      left -= static_cast<double>(std::clock() - from) / CLOCKS_PER_SEC;
      if (!f.wrong) continue;
      const finding shorter = shorten(what, *f.wrong);
      told = fmt::format("{} ({}, {} steps)", shorter.broken.name, what.name, shorter.steps.size());
      break;
    }
  }
  [[maybe_unused]] const auto written = ::write(out, told.data(), told.size());
  _exit(0);
}

struct child {
  const subject* of;
  int out;
};

verdict result_of(const child& c, int status) {
  verdict v;
  char text[512];
  for (ssize_t size = 0; (size = ::read(c.out, text, sizeof text)) > 0;) {
    v.how.append(text, static_cast<std::size_t>(size));
  }
  ::close(c.out);
  if (WIFSIGNALED(status)) v.how = "an assertion of the core, or a crash";
  if (WIFEXITED(status) && WEXITSTATUS(status) == hangs) v.how = "it hangs";
  v.caught = !v.how.empty();
  return v;
}

int run(const std::vector<subject>& all, double seconds) {
  std::map<pid_t, child> running;
  std::size_t caught = 0, equivalent = 0;
  std::vector<std::string> survivors, revived;
  std::map<std::string, std::size_t> by;
  const auto collect = [&] {
    int status = 0;
    const pid_t done = ::wait(&status);
    const child c = running.at(done);
    running.erase(done);
    const verdict v = result_of(c, status);
    const subject& s = *c.of;
    if (v.caught && !s.equivalent.empty()) revived.push_back(s.name);
    if (v.caught) {
      ++caught;
      ++by[v.how.substr(0, v.how.find(" ("))];
    } else if (!s.equivalent.empty()) {
      ++equivalent;
    } else {
      survivors.push_back(s.name);
    }
    fmt::print("{:44} {}\n",
               s.name.substr(0, 44),
               v.caught               ? v.how
               : s.equivalent.empty() ? "SURVIVES: " + s.what
                                      : "equivalent: " + s.equivalent);
    std::fflush(stdout);
  };
  for (const subject& s : all) {
    if (running.size() == 2) collect();
    int ends[2];
    if (::pipe(ends) != 0) return 2;
    const pid_t made = ::fork();
    if (made == 0) {
      ::close(2);  // assertions need not be read
      look(s, ends[1], s.equivalent.empty() ? seconds : 2);
    }
    ::close(ends[1]);
    running[made] = {&s, ends[0]};
  }
  while (!running.empty()) collect();
  fmt::print("\n");
  for (const auto& [name, count] : by) fmt::print("{:5} by {}\n", count, name);
  fmt::print("{} mutants: {} caught, {} equivalent, {} survive\n",
             all.size(),
             caught,
             equivalent,
             survivors.size());
  for (const std::string& name : revived)
    fmt::print("said to be equivalent, and caught: {}\n", name);
  return survivors.empty() && revived.empty() ? 0 : 1;
}

}  // namespace
}  // namespace adieu::model

int main(int count, char** arguments) {
  using namespace adieu::model;
  const mutant_list list = read_mutants(ADIEU_MUTANTS);
  std::vector<subject> all = of_the_table();
  subject& control = all.emplace_back();
  control.number = -1;
  control.name = "control";
  control.equivalent = "nothing is wrong: what the copy does by itself is right";
  for (subject& s : all) {
    for (const equivalent_row& row : list.rows) {
      if (row.name == s.name) s.equivalent = row.why;
    }
  }
  for (const mutant& m : list.mutants) {
    subject& s = all.emplace_back();
    s.number = m.number;
    s.name = fmt::format("{} {}", m.number, m.what);
    s.what = m.is;
    s.equivalent = m.equivalent;
  }
  double seconds = 60;
  std::size_t every = 1;
  std::vector<subject> some;
  for (int i = 1; i < count; ++i) {
    if (std::strcmp(arguments[i], "--seconds") == 0 && i + 1 < count) {
      seconds = std::atof(arguments[++i]);
      continue;
    }
    if (std::strcmp(arguments[i], "--every") == 0 && i + 1 < count) {
      every = std::max(1UL, std::strtoul(arguments[++i], nullptr, 10));
      continue;
    }
    for (const subject& s : all) {
      if (s.name.find(arguments[i]) != std::string::npos) some.push_back(s);
    }
  }
  if (some.empty()) {
    for (std::size_t i = 0; i < all.size(); i += every) some.push_back(all[i]);
  }
  return run(some, seconds);
}
