// The suite against Adieu in both roles: every case OK, strictly; only 7.1.6, 7.13.1 and 7.13.2 are
// no more than told, and only what is for the other role is skipped. Shards, so that ctest can run
// them side by side.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "ours.hpp"
#include "report.hpp"

namespace adieu::conformance {
namespace {

const table& cases() {
  static const table all = read_table(ADIEU_SOURCE_DIR "/tests/conformance/cases.txt");
  return all;
}

const std::vector<std::string> light{"1", "2", "3", "4", "5", "6", "7", "10"};
const std::vector<std::string> own{"C1",
                                   "C2",
                                   "C3",
                                   "C4",
                                   "C5",
                                   "C6",
                                   "C7",
                                   "C8",
                                   "C9",
                                   "C10",
                                   "C11",
                                   "C12",
                                   "C13",
                                   "C14",
                                   "C15",
                                   "C16",
                                   "C17",
                                   "C18"};

std::string words_of(const std::vector<std::string>& groups) {
  if (groups == light) return "groups 1 to 7 and 10";
  return groups == own ? "groups C1 to C18" : "group " + groups.front();
}

void expect_all_ok(target& at, const std::vector<std::string>& groups) {
  plan how;
  how.only = groups;
  how.patience = 15;  // a right endpoint waits for none of it; a busy machine may
  const run_report report = run(cases(), at, how);
  ASSERT_FALSE(report.results.empty());
  for (const result& each : report.results) {
    EXPECT_TRUE(is_right_for_ours(each, at.suite())) << in_full(each);
  }
  fmt::print("── {}: {}\n", words_of(groups), in_a_line(report));
}

TEST(Conformance, the_table_has_all_517_cases_and_every_row_can_be_read) {
  std::set<std::string> ids;
  for (const row& each : cases().rows) {
    if (each.id.starts_with("C")) continue;
    EXPECT_TRUE(ids.insert(each.id).second) << each.id << " is there twice";
    if (const auto* text = std::get_if<std::string>(&each.what)) {
      EXPECT_NO_THROW(static_cast<void>(parse_row(*text))) << *text;
    }
  }
  EXPECT_EQ(ids.size(), 517U);
}

struct as_server : testing::TestWithParam<std::vector<std::string>> {};
TEST_P(as_server, every_case_is_ok) {
  endpoint ours;
  expect_all_ok(*our_server(ours), GetParam());
}

struct as_client : testing::TestWithParam<std::vector<std::string>> {};
TEST_P(as_client, every_case_is_ok) {
  endpoint ours;
  expect_all_ok(*our_client(ours), GetParam());
}

const auto shards = testing::Values(light,
                                    own,
                                    std::vector<std::string>{"9"},
                                    std::vector<std::string>{"12"},
                                    std::vector<std::string>{"13"});
std::string name_of(const testing::TestParamInfo<std::vector<std::string>>& shard) {
  std::string out = words_of(shard.param);
  std::ranges::replace(out, ' ', '_');
  return out;
}
INSTANTIATE_TEST_SUITE_P(Conformance, as_server, shards, name_of);
INSTANTIATE_TEST_SUITE_P(Conformance, as_client, shards, name_of);

}  // namespace
}  // namespace adieu::conformance
