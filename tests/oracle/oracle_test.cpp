#include <gtest/gtest.h>
#include <fmt/format.h>
#include <cstdlib>
#include "tests/oracle/referee.hpp"
TEST(Oracle, Script) {
  oracle::referee net;
  fmt::print("{}\n", net.runtime());
  oracle::player theirs(net.make_side()), ours(oracle::make_adieu_side());
  std::string text; 
  char line[4096];
  while (fgets(line, sizeof line, stdin)) {
    std::string l(line); if(!l.empty()&&l.back()=='\n') l.pop_back(); if(l.empty())continue;
    const auto s = oracle::parse(l);
    fmt::print("\n== {}\n", to_line(s));
    const auto a = theirs.play(s), b = ours.play(s);
    for (std::size_t i=0;i<s.steps.size();++i) {
      fmt::print("{:2} {}\n", i, to_line(s.steps[i]));
      if (a.steps[i]==b.steps[i]) fmt::print("     both  {}\n", to_line(a.steps[i]));
      else fmt::print("     .NET  {}\n     adieu {}\n", to_line(a.steps[i]), to_line(b.steps[i]));
    }
    fflush(stdout);
  }
}
