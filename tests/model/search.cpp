// Depth first, with a table of what was seen, and work that is given away to idle threads.
#include "tests/model/search.hpp"

#include <algorithm>
#include <atomic>
#include <bit>
#include <chrono>
#include <condition_variable>
#include <cstdlib>
#include <deque>
#include <memory>
#include <mutex>
#include <thread>

namespace adieu::model {
namespace {

// What was seen: open addressing, a word an entry, no removal.
class seen_states {
 public:
  explicit seen_states(std::uint64_t most)
      : mask_(std::bit_ceil(most + most / 3 + 1024) - 1),
        slots_(static_cast<std::atomic<std::uint64_t>*>(
            std::calloc(mask_ + 1, sizeof(std::atomic<std::uint64_t>)))) {
    if (slots_ == nullptr) throw std::bad_alloc();
  }
  ~seen_states() { std::free(slots_); }
  seen_states(const seen_states&) = delete;
  seen_states& operator=(const seen_states&) = delete;

  /// True when it is new.
  bool add(const core::fingerprint& print) {
    const std::uint64_t key = print.low == 0 ? 1 : print.low;
    for (std::uint64_t i = print.high;; ++i) {
      std::atomic<std::uint64_t>& slot = slots_[i & mask_];
      std::uint64_t there = slot.load(std::memory_order_relaxed);
      if (there == 0 && slot.compare_exchange_strong(there, key, std::memory_order_relaxed)) {
        return true;
      }
      if (there == key) return false;
    }
  }

 private:
  std::uint64_t mask_;
  std::atomic<std::uint64_t>* slots_;
};

std::atomic<std::uint64_t> pulse{0};

bool goes_on_by_itself(verb what) {
  return (what >= verb::deliver && what <= verb::confirm && what != verb::block) ||
         what == verb::tick;
}

class searcher {
 public:
  searcher(const menu& what, const limits& most)
      : menu_(what), most_(most), seen_(most.states + 64 * 1024) {}

  figures run() {
    const auto from = std::chrono::steady_clock::now();
    until_ = from + std::chrono::duration_cast<std::chrono::steady_clock::duration>(
                        std::chrono::duration<double>(most_.seconds));
    seen_.add(world(menu_).fingerprint());
    work_.push_back({});
    out_.states = 1;
    std::vector<std::thread> others;
    for (unsigned i = 1; i < most_.threads; ++i) others.emplace_back([this, i] { worker(i); });
    worker(0);
    for (std::thread& t : others) t.join();
    out_.complete = !stop_;
    out_.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - from).count();
    return out_;
  }

 private:
  struct level {
    world here;
    std::vector<move> moves;
  };
  struct thread_state {
    std::vector<std::unique_ptr<level>> levels;
    trace path;
    std::uint64_t states = 0, transitions = 0, ends = 0, told = 0;
    std::size_t deepest = 0;
    unsigned number = 0;
  };

  void worker(unsigned number) {
    thread_state me;
    me.number = number;
    while (std::optional<trace> from = next_work()) {
      me.path = *from;
      world here(menu_);
      for (const move& m : me.path) here.apply(m);
      level_at(me, 0).here = here;
      walk(me, 0);
    }
    const std::lock_guard lock(mutex_);
    out_.states += me.states;
    out_.transitions += me.transitions;
    out_.ends += me.ends;
    out_.deepest = std::max(out_.deepest, me.deepest);
  }

  level& level_at(thread_state& me, std::size_t depth) {
    while (me.levels.size() <= depth)
      me.levels.push_back(std::make_unique<level>(level{world(menu_), {}}));
    return *me.levels[depth];
  }

  void walk(thread_state& me, std::size_t depth) {
    level& l = level_at(me, depth);
    level& next = level_at(me, depth + 1);
    l.here.list(l.moves);
    me.deepest = std::max(me.deepest, me.path.size());
    const auto mine = [](const move& m) { return goes_on_by_itself(m.what); };
    if (std::ranges::none_of(l.moves, mine)) {
      l.here.judge_rest();
      if (l.here.broken()) return report(me.path, *l.here.broken());
    }
    const std::size_t count = l.moves.size();
    for (std::size_t i = 0; i < count && !stop_.load(std::memory_order_relaxed); ++i) {
      const move m = l.moves[me.number % 2 == 0 ? i : count - 1 - i];
      next.here = l.here;
      next.here.apply(m);
      pulse.fetch_add(1, std::memory_order_relaxed);
      if ((++me.transitions & 1023) == 0) look_at_limits(me);
      me.path.push_back(m);
      if (next.here.broken()) {
        report(me.path, *next.here.broken());
      } else if (seen_.add(next.here.fingerprint())) {
        ++me.states;
        if (next.here.over()) {
          ++me.ends;
        } else if (hungry_.load(std::memory_order_relaxed) != 0) {
          give(me.path);
        } else {
          walk(me, depth + 1);
        }
      }
      me.path.pop_back();
    }
  }

  void look_at_limits(thread_state& me) {
    const std::uint64_t all = known_.fetch_add(me.states - me.told) + me.states - me.told;
    me.told = me.states;
    if (all > most_.states || std::chrono::steady_clock::now() > until_) halt();
  }

  void report(const trace& path, const violation& broken) {
    {
      const std::lock_guard lock(mutex_);
      if (!out_.wrong || out_.wrong->steps.size() > path.size()) {
        out_.wrong = finding{path, broken};
      }
    }
    halt();
  }

  void halt() {
    stop_ = true;
    const std::lock_guard lock(mutex_);
    wake_.notify_all();
  }

  void give(const trace& path) {
    const std::lock_guard lock(mutex_);
    work_.push_back(path);
    wake_.notify_one();
  }

  // Nothing when all threads have nothing to do.
  std::optional<trace> next_work() {
    std::unique_lock lock(mutex_);
    ++hungry_;
    while (true) {
      if (stop_ || (work_.empty() && hungry_ == most_.threads)) {
        done_ = true;
        wake_.notify_all();
        return std::nullopt;
      }
      if (done_) return std::nullopt;
      if (!work_.empty()) {
        trace out = std::move(work_.front());
        work_.pop_front();
        --hungry_;
        return out;
      }
      wake_.wait(lock);
    }
  }

  const menu& menu_;
  limits most_;
  seen_states seen_;
  std::chrono::steady_clock::time_point until_;
  std::atomic<bool> stop_{false};
  std::atomic<std::uint64_t> known_{0};
  std::atomic<unsigned> hungry_{0};
  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<trace> work_;
  bool done_ = false;
  figures out_;
};

}  // namespace

std::uint64_t search_pulse() noexcept { return pulse.load(std::memory_order_relaxed); }

figures search(const menu& what, const limits& most) { return searcher(what, most).run(); }

replayed replay(const menu& what, const trace& steps, audience* who) {
  replayed out;
  world here(what);
  here.listen(who);
  std::vector<move> moves;
  const auto rest = [&] {
    here.list(moves);
    if (std::ranges::none_of(moves, [](const move& m) { return goes_on_by_itself(m.what); })) {
      here.judge_rest();
    }
  };
  for (const move& m : steps) {
    if (!here.apply(m)) {
      out.possible = false;
      return out;
    }
    ++out.steps;
    if (here.broken()) break;
  }
  if (!here.broken() && !here.over()) rest();
  out.broken = here.broken();
  return out;
}

finding shorten(const menu& what, finding found) {
  bool shorter = true;
  while (shorter) {
    shorter = false;
    for (std::size_t i = found.steps.size(); i-- > 0;) {
      trace without = found.steps;
      without.erase(without.begin() + static_cast<std::ptrdiff_t>(i));
      const replayed again = replay(what, without);
      if (!again.possible || !again.broken || again.broken->name != found.broken.name) continue;
      without.resize(again.steps);
      found = {without, *again.broken};
      shorter = true;
      i = std::min(i, found.steps.size());
    }
  }
  return found;
}

}  // namespace adieu::model
