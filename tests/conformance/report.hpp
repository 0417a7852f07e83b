// The results, for a terminal and as a page of HTML.
#pragma once

#include <string>
#include <vector>

#include "suite.hpp"

namespace adieu::conformance {

/// A line a group, and in full whatever is not OK; the last line is the sum.
std::string to_text(const run_report& of, const table& cases);
/// One case in full: verdict, notes, figures, frames.
std::string in_full(const result& of);
/// Every case of every run, with its frames in both directions.
std::string to_html(const std::vector<run_report>& runs, const table& cases);

/// How many of each: "301 OK, 2 NON-STRICT"; the closing's verdict counts when it is the worse.
std::string sum(const std::vector<const result*>& of);

}  // namespace adieu::conformance
