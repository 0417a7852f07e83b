// What a script has to come to, twice: as .NET does it (the rows N of docs/rows.md), and as Adieu
// does it, which is the same but for the rows of docs/deviations.md.
//
// Each result that one of the two may show and the other not carries the row that says so. A
// difference between the two real runs is explained when both runs are exactly what their models
// say and the model's row stands at the difference; nothing is ever ignored.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "tests/oracle/outcome.hpp"
#include "tests/oracle/script.hpp"

namespace oracle {

/// The rows of docs/deviations.md, by their numbers; 0 is none.
using row = int;
constexpr row last_row = 31;

/// One thing that can be seen, and the row that it is owed to if the other side does not show it.
struct fact {
  std::string text;
  row why = 0;
};

struct facts {
  std::vector<fact> done;
  fact state;
  fact status;
  std::vector<fact> wire;
  fact tcp;
  row since = 0;  ///< of an earlier step, after which the two are in different situations

  [[nodiscard]] outcome as_outcome() const;
};

struct adieu_play {
  std::vector<facts> steps;
  std::set<std::size_t> unanswered;  ///< Pings, by their place among all, that get no Pong (row 27)
};
[[nodiscard]] adieu_play as_adieu(const script& all);
[[nodiscard]] std::vector<facts> as_dotnet(const script& all,
                                           const std::set<std::size_t>& unanswered_by_adieu);

/// The rows of the parts of an outcome that differ.
/// Throws std::logic_error, with the part's name, when a difference has no row.
[[nodiscard]] std::vector<row> rows_between(const facts& dotnet, const facts& adieu);

/// The rows of all differences in a script.
[[nodiscard]] std::set<row> rows_of(const script& all);

}  // namespace oracle
