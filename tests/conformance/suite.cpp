// Cases that wait run first and side by side; those that compute follow, few at a time, when no
// light one is left to begin; those that need the endpoint for themselves come last.
#include "suite.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <exception>
#include <thread>

#include "deflate.hpp"

namespace adieu::conformance {
namespace {

enum class weight : std::uint8_t { waits, light, heavy, alone };

struct job {
  weight how_heavy = weight::light;
  result* into = nullptr;
  std::function<outcome()> play;
};

outcome play_row(const row& what, target& at, const conditions& how) {
  opening begin(what.id);
  const auto* rounds = std::get_if<round_trips>(&what.what);
  if (rounds != nullptr && !rounds->offer.empty()) {
    begin.offer = to_offer(rounds->offer);
    begin.answer = [&](const std::string& offer) { return to_answer(rounds->answer, offer); };
  }
  opened got = at.open(begin, how.patience);
  outcome out;
  if (!got.with) {
    out.fail("the connection did not open: " + got.problem);
    return out;
  }
  if (rounds == nullptr) {
    const table_case parsed = parse_row(std::get<std::string>(what.what));
    out = play(parsed, *got.with, how);
  } else {
    out = play(*rounds, *got.with, got.answered, how);
    if (!got.answered.empty()) {
      out.notes.push_back(fmt::format("offered: {}; answered: {}", got.offered, got.answered));
      const std::string wrong = wrong_answer(got.offered, got.answered);
      if (at.suite() == side::client && !wrong.empty()) out.fail("its answer: " + wrong);
    }
  }
  out.log = got.with->log().lines();
  return out;
}

std::string in_words(const row& of) {
  if (const auto* text = std::get_if<std::string>(&of.what)) {
    return text->substr(std::min(text->find('|') + 2, text->size()));
  }
  const auto& rounds = std::get<round_trips>(of.what);
  std::string out = fmt::format("messages of {} from {}", rounds.size, rounds.data);
  if (rounds.fragment != 0) out += fmt::format(", in frames of {}", rounds.fragment);
  if (!rounds.offer.empty()) out += fmt::format(" | {} | {}", rounds.offer, rounds.answer);
  return out;
}

outcome guarded(const std::function<outcome()>& play) {
  const auto began = clock::now();
  outcome out;
  try {
    out = play();
  } catch (const std::exception& error) {
    out.fail(error.what());
  }
  out.took = milliseconds(clock::now() - began) / 1000;
  return out;
}

/// Takes the jobs of these weights one by one, in `count` threads.
class pool {
 public:
  pool(std::vector<job>& jobs, std::vector<weight> mine) {
    for (job& each : jobs) {
      if (std::ranges::find(mine, each.how_heavy) != mine.end()) jobs_.push_back(&each);
    }
    std::ranges::stable_sort(jobs_, {}, [](const job* each) { return each->how_heavy; });
  }
  void start(int count) {
    for (int i = 0; i < count; ++i) {
      threads_.emplace_back([this] {
        for (std::size_t mine; (mine = next_++) < jobs_.size();) {
          jobs_[mine]->into->is = guarded(jobs_[mine]->play);
        }
        begun_ = true;
        begun_.notify_all();
      });
    }
  }
  /// Until no job is left to begin.
  void wait_until_all_began() {
    if (!jobs_.empty()) begun_.wait(false);
  }
  void finish() { threads_.clear(); }

 private:
  std::vector<job*> jobs_;
  std::atomic<std::size_t> next_ = 0;
  std::atomic<bool> begun_ = false;
  std::vector<std::jthread> threads_;
};

}  // namespace

bool belongs(const std::string& id, const std::string& to) {
  return id == to || id.starts_with(to + ".");
}

run_report run(const table& cases, target& at, const plan& how) {
  const auto wanted = [&](const std::string& id) {
    return how.only.empty() || std::ranges::any_of(how.only, [&](const std::string& each) {
             return belongs(id, each);
           });
  };
  conditions conditions;
  conditions.suite = at.suite();
  conditions.patience = how.patience;
  conditions.budget = how.budget;

  run_report out;
  out.name = at.name;
  out.budget = how.budget;
  out.results.reserve(cases.rows.size() + endings().size());
  std::vector<job> jobs;
  for (const row& each : cases.rows) {
    if (!wanted(each.id)) continue;
    out.results.push_back({each.id, each.group, in_words(each), {}});
    jobs.push_back({each.is_heavy() ? weight::heavy : weight::light, &out.results.back(), [&] {
                      return play_row(each, at, conditions);
                    }});
  }
  for (const ending& each : endings()) {
    if (!wanted(each.id)) continue;
    out.results.push_back({each.id, each.id.substr(0, each.id.find('.')), each.title, {}});
    jobs.push_back({each.need == ending::needs::process ? weight::alone : weight::waits,
                    &out.results.back(),
                    [&] { return play(each, at, conditions); }});
  }

  const auto began = clock::now();
  pool light(jobs, {weight::waits, weight::light});
  pool heavy(jobs, {weight::heavy});
  pool alone(jobs, {weight::alone});
  light.start(how.at_once);
  light.wait_until_all_began();
  heavy.start(how.heavy_at_once);
  heavy.finish();
  light.finish();
  alone.start(1);
  alone.finish();
  out.seconds = milliseconds(clock::now() - began) / 1000;
  return out;
}

}  // namespace adieu::conformance
