#include "tests/model/audit.hpp"

#include <fmt/format.h>

#include <chrono>
#include <memory>
#include <unordered_map>

namespace adieu::model {
namespace {

struct way {
  move by;
  bool possible = false, broken = false, over = false;
  core::fingerprint to;
  friend bool operator==(const way&, const way&) = default;
};

std::vector<way> ways_of(const world& here) {
  std::vector<move> moves;
  here.list(moves);
  std::vector<way> out;
  for (const move& m : moves) {
    world next = here;
    way taken{m, next.apply(m), next.broken().has_value(), next.over(), {}};
    if (!taken.broken) taken.to = next.fingerprint();
    out.push_back(taken);
  }
  return out;
}

std::uint64_t digest(const std::vector<way>& ways) {
  core::fingerprint_maker out{instant{}};
  for (const way& w : ways) {
    out.add(w.by.what);
    out.add(w.by.whose);
    out.add(w.by.which);
    out.add((w.possible ? 1 : 0) | (w.broken ? 2 : 0) | (w.over ? 4 : 0));
    out.add(w.to.high);
    out.add(w.to.low);
  }
  return out.made().low;
}

std::string difference(const std::vector<way>& one, const std::vector<way>& other) {
  if (one.size() != other.size()) {
    return fmt::format("{} moves and {} are possible", one.size(), other.size());
  }
  for (std::size_t i = 0; i < one.size(); ++i) {
    if (one[i] == other[i]) continue;
    if (one[i].by != other[i].by) {
      return fmt::format("{} is possible, or {}", to_string(one[i].by), to_string(other[i].by));
    }
    return fmt::format("{} leads elsewhere", to_string(one[i].by));
  }
  return {};
}

class auditor {
 public:
  auditor(const menu& what, const limits& most) : menu_(what), most_(most) {}

  audited run() {
    until_ = std::chrono::steady_clock::now() +
             std::chrono::duration_cast<std::chrono::steady_clock::duration>(
                 std::chrono::duration<double>(most_.seconds));
    visit(world(menu_));
    out_.complete = !cut_ && !out_.found;
    return out_;
  }

 private:
  struct known {
    std::uint64_t ways;
    trace path;
  };

  void visit(const world& here) {
    const std::vector<way> ways = ways_of(here);
    const auto [place, is_new] =
        known_.try_emplace(here.fingerprint().low, known{digest(ways), path_});
    if (!is_new) return meet(place->second, ways);
    ++out_.states;
    if (here.over()) return;
    for (const way& each : ways) {
      if (out_.found || enough()) return;
      if (each.broken) continue;
      auto next = std::make_unique<world>(here);
      next->apply(each.by);
      path_.push_back(each.by);
      visit(*next);
      path_.pop_back();
    }
  }

  void meet(const known& before, const std::vector<way>& ways) {
    ++out_.meetings;
    if (before.ways == digest(ways)) return;
    world there(menu_);
    for (const move& m : before.path) there.apply(m);
    out_.found = twins{before.path, path_, difference(ways_of(there), ways)};
  }

  bool enough() {
    cut_ = cut_ || out_.states > most_.states || std::chrono::steady_clock::now() > until_;
    return cut_;
  }

  const menu& menu_;
  limits most_;
  std::chrono::steady_clock::time_point until_;
  std::unordered_map<std::uint64_t, known> known_;
  trace path_;
  bool cut_ = false;
  audited out_;
};

}  // namespace

audited audit(const menu& what, const limits& most) { return auditor(what, most).run(); }

}  // namespace adieu::model
