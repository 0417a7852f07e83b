// The list of deliberate mistakes, mutants.txt:
//   mutant N what is wrong
//   file NAME.cpp
//   was TEXT        (a statement that ends in ; or an expression; \n for a line's end)
//   is TEXT
//   equivalent WHY  (only for those that change nothing that anybody could see)
//   row PHASE EVENT KIND: WHY   a mutant of the table that is equivalent
#pragma once

#include <fstream>
#include <string>
#include <vector>

namespace adieu::model {

struct mutant {
  int number = 0;
  std::string what, file, was, is, equivalent;
};
struct equivalent_row {
  std::string name;  // "over_closed input_fin dropped"
  std::string why;
};
struct mutant_list {
  std::vector<mutant> mutants;
  std::vector<equivalent_row> rows;
  std::string wrong;
};

inline mutant_list read_mutants(const std::string& path) {
  mutant_list out;
  std::ifstream in(path);
  if (!in) out.wrong = path + " can't be read";
  const auto lines = [](std::string text) {
    for (std::size_t at = 0; (at = text.find("\\n", at)) != std::string::npos;) {
      text.replace(at, 2, "\n");
    }
    return text;
  };
  for (std::string line; std::getline(in, line);) {
    if (line.empty() || line.front() == '#') continue;
    const std::size_t space = line.find(' ');
    const std::string key = line.substr(0, space);
    const std::string rest = space == std::string::npos ? "" : line.substr(space + 1);
    if (key == "mutant") {
      mutant& m = out.mutants.emplace_back();
      m.number = std::atoi(rest.c_str());
      m.what = rest.substr(rest.find(' ') + 1);
    } else if (key == "row") {
      const std::size_t colon = rest.find(": ");
      out.rows.push_back({rest.substr(0, colon), rest.substr(colon + 2)});
    } else if (out.mutants.empty()) {
      out.wrong = "what is this? " + line;
    } else if (key == "file") {
      out.mutants.back().file = rest;
    } else if (key == "was") {
      out.mutants.back().was = lines(rest);
    } else if (key == "is") {
      out.mutants.back().is = lines(rest);
    } else if (key == "equivalent") {
      out.mutants.back().equivalent = rest;
    } else {
      out.wrong = "what is this? " + line;
    }
  }
  return out;
}

}  // namespace adieu::model
