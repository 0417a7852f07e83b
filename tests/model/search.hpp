// Visits every world that a menu allows, each once: depth first, by copies, in as many threads as
// there are. A world that was seen is known by 64 bits of its fingerprint in a table without locks;
// two of fifty million differ in all but those with a probability of about one in ten thousand.
#pragma once

#include <cstdint>
#include <optional>

#include "tests/model/world.hpp"

namespace adieu::model {

struct limits {
  std::uint64_t states = 1'000'000;
  double seconds = 60;
  unsigned threads = 2;
};

struct finding {
  trace steps;
  violation broken;
};

struct figures {
  std::uint64_t states = 0;
  std::uint64_t transitions = 0;
  std::uint64_t ends = 0;  // states in which both sides are over
  std::size_t deepest = 0;
  double seconds = 0;
  bool complete = false;  // nothing was left out
  std::optional<finding> wrong;
};

/// Grows while any search gets on: for who has to tell a long one from one that hangs.
[[nodiscard]] std::uint64_t search_pulse() noexcept;

[[nodiscard]] figures search(const menu& what, const limits& most);

/// Plays a trace. Nothing when every move was possible and no invariant broke.
struct replayed {
  bool possible = true;
  std::optional<violation> broken;
  std::size_t steps = 0;  // until then
};
[[nodiscard]] replayed replay(const menu& what, const trace& steps, audience* who = nullptr);

/// Drops steps as long as the same invariant breaks.
[[nodiscard]] finding shorten(const menu& what, finding found);

}  // namespace adieu::model
