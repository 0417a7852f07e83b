// Scripts made by hand: for every row of docs/rows.md and docs/deviations.md that can be seen this
// way.
#pragma once

#include <span>

#include "tests/oracle/model.hpp"

namespace oracle {

struct directed_script {
  const char* name;
  row shows;  ///< of docs/deviations.md, which has to be among the differences; 0: any, or none
  const char* text;
};

[[nodiscard]] std::span<const directed_script> directed_scripts();

}  // namespace oracle
