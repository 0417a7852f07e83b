// Whether the fingerprint is whole: two worlds with one fingerprint have to go the same ways. A
// field that it forgets hides states from the search, and which ones depends on the order.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "tests/model/search.hpp"

namespace adieu::model {

struct twins {
  trace one, other;  // lead to worlds with the same fingerprint
  std::string differ;
};

struct audited {
  std::uint64_t states = 0;
  std::uint64_t meetings = 0;  // of a world with one that had its fingerprint
  bool complete = false;
  std::optional<twins> found;
};

/// One thread; remembers a trace a state, so that it is for bounds of a million states or so.
[[nodiscard]] audited audit(const menu& what, const limits& most);

}  // namespace adieu::model
