// A sequence diagram in text: one row an event, the client on the left, the server on the right.
#pragma once

#include <vector>

#include "palette.hpp"
#include "wire_log.hpp"

namespace adieu::tool::demo {

inline constexpr std::size_t page_width = 88;

struct lanes {
  lanes() = default;

  std::string client = "client";
  std::string server = "server";
};

/// Two Closes of which each was sent before the other arrived are drawn crossing.
[[nodiscard]] std::string draw(const std::vector<wire_event>& events,
                               const lanes& names,
                               const palette& colors);

}  // namespace adieu::tool::demo
