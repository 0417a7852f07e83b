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

/// The sum: "Adieu as a server: 303 cases in 2.0 s: 301 OK, 2 NON-STRICT".
std::string in_a_line(const run_report& of);

}  // namespace adieu::conformance
