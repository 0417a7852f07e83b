// The whole suite: which cases there are, and a run of them against one endpoint, many at once.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "endings.hpp"
#include "notation.hpp"
#include "target.hpp"
#include "verdict.hpp"

namespace adieu::conformance {

struct plan {
  plan() = default;

  std::vector<std::string> only;  // cases or groups: "3.2", "12", "C1"; empty: all
  double patience = 1;            // conditions::patience
  std::size_t budget = 1 << 20;   // conditions::budget
  int at_once = 48;               // cases that mostly wait
  int heavy_at_once = 2;          // cases that mostly compute
};

struct result {
  std::string id, group, what;
  outcome is;
};

/// One run: the endpoint's name, and its results in the order of the table.
struct run_report {
  std::string name;
  std::vector<result> results;
  double seconds = 0;
  std::size_t budget = 0;  // as in the plan
};

run_report run(const table& cases, target& at, const plan& how);

/// "12.1": whether `id` is that case, or belongs to that group.
bool belongs(const std::string& id, const std::string& to);

}  // namespace adieu::conformance
