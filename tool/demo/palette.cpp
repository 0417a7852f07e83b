// Ink and wrapping.
#include "palette.hpp"

namespace adieu::tool::demo {

std::vector<std::string> wrap(std::string_view text, std::size_t width) {
  std::vector<std::string> lines(1);
  const auto add = [&](std::string_view part) {
    std::string& last = lines.back();
    const std::size_t used = columns(last);
    if (used != 0 && used + 1 + columns(part) > width) return false;
    last.append(used != 0 ? " " : "").append(part);
    return true;
  };
  const auto cut = [](std::string_view& rest, std::string_view at, std::size_t keep) {
    const std::size_t where = rest.find(at);
    const bool last = where == std::string_view::npos;
    const std::string_view part = rest.substr(0, last ? where : where + keep);
    rest = last ? std::string_view() : rest.substr(where + at.size());
    return part;
  };
  while (!text.empty()) {
    std::string_view clause = cut(text, "; ", 1);
    if (columns(clause) <= width) {
      if (!add(clause)) lines.emplace_back(clause);
      continue;
    }
    while (!clause.empty()) {
      const std::string_view word = cut(clause, " ", 0);
      if (!add(word)) lines.emplace_back(word);
    }
  }
  return lines;
}

}  // namespace adieu::tool::demo
