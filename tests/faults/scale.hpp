// How much a test of faults does, and how it says what came of it. The short form runs with all
// tests; ADIEU_FAULTS_IN_FULL=1 (`./dev faults`) asks for the long one.
#pragma once

#include <fmt/format.h>

#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <utility>

namespace adieu::test {

[[nodiscard]] inline bool in_full() { return std::getenv("ADIEU_FAULTS_IN_FULL") != nullptr; }

template <typename Amount>
[[nodiscard]] Amount scaled(Amount in_short, Amount in_long) {
  return in_full() ? in_long : in_short;
}

/// The line of figures that each test prints.
template <typename... Values>
void figures(fmt::format_string<Values...> text, Values&&... values) {
  fmt::print("── {}\n", fmt::format(text, std::forward<Values>(values)...));
  std::fflush(stdout);
}

}  // namespace adieu::test
