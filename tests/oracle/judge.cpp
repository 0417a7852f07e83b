// The comparison, and the shortest script that shows what is wrong.
#include "tests/oracle/judge.hpp"

#include <fmt/format.h>

#include <atomic>
#include <mutex>
#include <thread>

namespace oracle {
namespace {

constexpr int most_repeats = 20;
/// .NET has races of its own (docs/proofs.md): it may try again. Adieu may not.
constexpr int races = 2;
constexpr unsigned thread_count = 6;

/// What step `i` came to, when it is not what it has to be.
std::optional<std::string> wrong_step(const outcome& net,
                                      const outcome& ours,
                                      const facts& net_rule,
                                      const facts& our_rule,
                                      tally& counts) {
  std::string why;
  if (net != net_rule.as_outcome()) {
    why += fmt::format("  .NET is not as expected: {}\n", to_line(net_rule.as_outcome()));
  }
  if (ours != our_rule.as_outcome()) {
    why += fmt::format("  Adieu is not as expected: {}\n", to_line(our_rule.as_outcome()));
  }
  try {
    for (const row one : rows_between(net_rule, our_rule)) {
      ++counts.by_row.at(static_cast<std::size_t>(one));
    }
  } catch (const std::logic_error& error) {
    why += fmt::format("  {}\n", error.what());
  }
  if (why.empty()) return std::nullopt;
  return why;
}

bool is_expected(const run& seen, const std::vector<facts>& rules) {
  for (std::size_t i = 0; i < rules.size(); ++i) {
    if (seen.steps[i] != rules[i].as_outcome()) return false;
  }
  return true;
}

std::string both(const outcome& net, const outcome& ours) {
  if (net == ours) return fmt::format("  both   {}\n", to_line(net));
  return fmt::format("  .NET   {}\n  Adieu  {}\n", to_line(net), to_line(ours));
}

}  // namespace

void tally::add(const tally& other) {
  scripts += other.scripts;
  steps += other.steps;
  late += other.late;
  raced += other.raced;
  for (std::size_t i = 0; i < by_row.size(); ++i) by_row[i] += other.by_row[i];
}

std::string to_text(const tally& all) {
  std::string out =
      fmt::format("{} scripts, {} steps compared; differences by row:", all.scripts, all.steps);
  for (std::size_t i = 1; i < all.by_row.size(); ++i) {
    if (all.by_row[i] != 0) out += fmt::format(" D{} {}", i, all.by_row[i]);
  }
  if (all.raced != 0) out += fmt::format("; {} that .NET had to play anew", all.raced);
  if (all.late != 0) out += fmt::format("; {} runs were held up and repeated", all.late);
  return out;
}

run judge::played(player& by, const script& all, tally& counts) {
  for (int i = 0;; ++i) {
    run out = by.play(all);
    if (out.in_time || i == most_repeats) return out;
    ++counts.late;
  }
}

std::optional<std::string> judge::differs(const script& all, tally& counts) {
  std::string story = "  " + to_line(all) + "\n";
  try {
    const adieu_play our_rules = as_adieu(all);
    const std::vector<facts> net_rules = as_dotnet(all, our_rules.unanswered);
    run net = played(theirs_, all, counts);
    for (int i = 0; i < races && !is_expected(net, net_rules); ++i) {
      net = played(theirs_, all, counts);
      counts.raced += is_expected(net, net_rules) ? 1 : 0;
    }
    const run ours = played(ours_, all, counts);
    for (std::size_t i = 0; i < all.steps.size(); ++i) {
      story +=
          fmt::format("{}: {}\n{}", i, to_line(all.steps[i]), both(net.steps[i], ours.steps[i]));
      const auto why =
          wrong_step(net.steps[i], ours.steps[i], net_rules[i], our_rules.steps[i], counts);
      if (why) return story + *why;
      ++counts.steps;
    }
  } catch (const std::runtime_error& error) {
    return story + "  " + error.what() + "\n";
  }
  ++counts.scripts;
  return std::nullopt;
}

std::optional<std::string> judge::try_one(const script& all, tally& counts) {
  std::optional<std::string> complaint = differs(all, counts);
  if (!complaint) return std::nullopt;
  script least = all;
  for (std::size_t i = least.steps.size(); i-- > 0;) {
    script less = least;
    less.steps.erase(less.steps.begin() + static_cast<std::ptrdiff_t>(i));
    tally ignored;
    if (auto still = differs(less, ignored)) {
      least = std::move(less);
      complaint = std::move(still);
    }
  }
  return complaint;
}

std::string judge::show(const script& all) {
  tally ignored;
  const run net = played(theirs_, all, ignored);
  const run ours = played(ours_, all, ignored);
  std::string out = to_line(all) + "\n";
  for (std::size_t i = 0; i < all.steps.size(); ++i) {
    out += fmt::format("{}: {}\n{}", i, to_line(all.steps[i]), both(net.steps[i], ours.steps[i]));
  }
  return out;
}

tally try_many(const referee& net,
               std::uint64_t count,
               const std::function<script(std::uint64_t)>& make,
               const std::function<void(std::uint64_t, const std::string&)>& complain) {
  std::atomic<std::uint64_t> next = 0;
  std::mutex lock;
  tally all;
  std::vector<std::jthread> threads;
  for (unsigned i = 0; i < thread_count; ++i) {
    threads.emplace_back([&] {
      judge mine(net);
      tally counts;
      for (std::uint64_t number = next++; number < count; number = next++) {
        if (const auto complaint = mine.try_one(make(number), counts)) {
          const std::scoped_lock guard(lock);
          complain(number, *complaint);
        }
      }
      const std::scoped_lock guard(lock);
      all.add(counts);
    });
  }
  threads.clear();
  return all;
}

}  // namespace oracle
