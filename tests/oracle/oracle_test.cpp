// ./dev oracle: Adieu and the real .NET play the same scripts, and every difference is owed to a
// row of docs/deviations.md. Without a .NET SDK these tests are skipped.
//
// ADIEU_ORACLE_SCRIPTS and ADIEU_ORACLE_SEED say how many scripts are made by chance, and from
// what.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cstdlib>

#include "tests/oracle/directed.hpp"
#include "tests/oracle/fixture.hpp"
#include "tests/oracle/generator.hpp"
#include "tests/oracle/judge.hpp"

namespace oracle {
namespace {

std::uint64_t from_environment(const char* name, std::uint64_t otherwise) {
  const char* text = std::getenv(name);
  return text == nullptr ? otherwise : std::strtoull(text, nullptr, 10);
}

TEST_F(Oracle, ScriptsByHand) {
  const auto all = directed_scripts();
  const tally counts = try_many(
      *net_,
      all.size(),
      [&](std::uint64_t number) { return parse(all[number].text); },
      [&](std::uint64_t number, const std::string& complaint) {
        ADD_FAILURE() << all[number].name << "\n" << complaint;
      });
  for (const directed_script& one : all) {
    EXPECT_TRUE(one.shows == 0 || rows_of(parse(one.text)).contains(one.shows)) << one.name;
  }
  fmt::print("by hand: {}\n", to_text(counts));
}

TEST_F(Oracle, ScriptsByChance) {
  if (const char* one = std::getenv("ADIEU_ORACLE_SCRIPT")) {
    fmt::print("{}", judge(*net_).show(parse(one)));
    return;
  }
  const std::uint64_t seed = from_environment("ADIEU_ORACLE_SEED", 1);
  const std::uint64_t count = from_environment("ADIEU_ORACLE_SCRIPTS", 1000);
  const tally counts = try_many(
      *net_,
      count,
      [&](std::uint64_t number) { return random_script(seed, number); },
      [&](std::uint64_t number, const std::string& complaint) {
        ADD_FAILURE() << "script " << number << " of seed " << seed << "\n" << complaint;
      });
  fmt::print("seed {}: {}\n", seed, to_text(counts));
}

}  // namespace
}  // namespace oracle
