// Makes a copy of the core's sources in which every mistake of mutants.txt is there and asleep:
// `mutate MUTANTS SOURCES OUT`. One compilation serves them all; a number chosen at run time wakes
// one. An edit whose text is not there exactly once is an error: the list stays true to the code.
#include <fmt/format.h>

#include <filesystem>
#include <fstream>
#include <iostream>
#include <map>
#include <sstream>

#include "tests/model/program/mutants.hpp"

namespace {

using namespace adieu::model;

std::string read(const std::filesystem::path& from) {
  std::ifstream in(from);
  std::ostringstream out;
  out << in.rdbuf();
  return out.str();
}

[[noreturn]] void stop(const std::string& why) {
  std::cerr << why << '\n';
  std::exit(1);
}

// Statements become an if, expressions a choice; several mutants of one place become a chain.
std::string asleep(const std::string& was, const std::vector<const mutant*>& edits) {
  const bool statement = was.substr(0, was.find("  //")).ends_with(';') || was.ends_with(';');
  std::string out = statement ? "" : "(";
  for (const mutant* m : edits) {
    if (statement) {
      out += fmt::format("if (awake({})) {{ {} }} else ", m->number, m->is);
    } else {
      out += fmt::format("awake({}) ? ({}) : ", m->number, m->is);
    }
  }
  return out + (statement ? "{ " + was + "\n }" : "(" + was + "))");
}

}  // namespace

int main(int count, char** arguments) {
  if (count != 4) stop("mutate MUTANTS SOURCES OUT");
  const std::filesystem::path sources = arguments[2], out = arguments[3];
  const mutant_list list = read_mutants(arguments[1]);
  if (!list.wrong.empty()) stop(list.wrong);
  std::map<std::string, std::map<std::string, std::vector<const mutant*>>> by_place;
  for (const mutant& m : list.mutants) by_place[m.file][m.was].push_back(&m);

  std::filesystem::create_directories(out);
  for (const auto& entry : std::filesystem::directory_iterator(sources)) {
    const std::string name = entry.path().filename().string();
    if (entry.path().extension() == ".hpp") {
      std::ofstream(out / name) << read(entry.path());
      continue;
    }
    std::string text = read(entry.path());
    std::map<std::size_t, std::pair<std::size_t, std::string>> cuts;
    for (const auto& [was, edits] : by_place[name]) {
      const std::size_t at = text.find(was);
      if (at == std::string::npos || text.find(was, at + 1) != std::string::npos) {
        stop(fmt::format("mutant {}: not exactly once in {}: {}", edits[0]->number, name, was));
      }
      if (!cuts.try_emplace(at, was.size(), asleep(was, edits)).second) {
        stop(fmt::format("mutant {} begins where another one does in {}", edits[0]->number, name));
      }
    }
    std::size_t end = text.size();
    for (auto cut = cuts.rbegin(); cut != cuts.rend(); ++cut) {
      if (cut->first + cut->second.first > end) stop("mutants overlap in " + name);
      text.replace(cut->first, cut->second.first, cut->second.second);
      end = cut->first;
    }
    by_place.erase(name);
    if (name == "closing.cpp") {  // the table itself is chosen at run time
      const std::string_view rules =
          "const closing_table& closing_rules() noexcept { return table; }";
      const std::size_t at = text.find(rules);
      if (at == std::string::npos) stop("closing.cpp has no closing_rules() as expected");
      text.replace(at,
                   rules.size(),
                   "const closing_table& true_rules() noexcept { return table; }\n"
                   "const closing_table& closing_rules() noexcept { return rules_awake(); }");
    }
    const std::string head =
        "#include \"adieu/core/closing.hpp\"\n"
        "namespace adieu::core {\n"
        "extern int mutant_awake;\n"
        "inline bool awake(int number) { return mutant_awake == number; }\n"
        "const closing_table& rules_awake() noexcept;\n"
        "const closing_table& true_rules() noexcept;\n"
        "}\n";
    std::ofstream(out / name) << head << text;
  }
  if (!by_place.empty()) stop("no such file: " + by_place.begin()->first);
}
