// Arguments that have a form of their own. What is wrong with one is a std::invalid_argument, whose
// text is safe for a terminal.
#pragma once

#include <string>
#include <string_view>
#include <utility>

#include "adieu/close_status.hpp"

namespace adieu::tool {

/// CODE[:REASON]
struct close_argument {
  close_argument() = default;

  close_status code = close_status::normal_closure;
  std::string reason;
};
[[nodiscard]] close_argument parse_close(std::string_view text);

/// 'Name: value'
[[nodiscard]] std::pair<std::string, std::string> parse_header(std::string_view text);

}  // namespace adieu::tool
