// A trace as a sequence diagram in plain text, and as lines that can be replayed.
#pragma once

#include <iosfwd>

#include "tests/model/search.hpp"

namespace adieu::model {

/// Two lifelines, client and server, and what happens between them.
[[nodiscard]] std::string diagram(const menu& what, const trace& steps);

/// `menu NAME`, then a line a move; `#` begins a comment.
[[nodiscard]] std::string to_text(const menu& what, const trace& steps);

struct script {
  const menu* what = nullptr;
  trace steps;
  std::string wrong;  // why it can't be read
};
[[nodiscard]] script parse_script(std::istream& in);

}  // namespace adieu::model
