// The explorer's short form: every menu of menus.cpp up to its own bound. And the explorer itself:
// that it can fail, that a trace can be read back, that two threads see what one does.
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <sstream>

#include "tests/model/audit.hpp"
#include "tests/model/search.hpp"
#include "tests/model/story.hpp"

namespace adieu::model {
namespace {

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool sanitized = true;  // ten times slower: every menu, but only its beginning
#else
constexpr bool sanitized = false;
#endif

std::string story_of(const menu& what, const finding& found) {
  const finding shorter = shorten(what, found);
  return "\n" + shorter.broken.what + "\n" + diagram(what, shorter.steps) + "\n" +
         to_text(what, shorter.steps);
}

class Explorer : public testing::TestWithParam<std::string_view> {};

TEST_P(Explorer, finds_nothing_wrong) {
  menu what = *find_menu(GetParam());
  if (sanitized) what.operations = 1;
  const figures f = search(what, {sanitized ? 20'000U : 20'000'000U, 110, 1});
  ASSERT_FALSE(f.wrong) << f.wrong->broken.name << story_of(what, *f.wrong);
  EXPECT_TRUE(f.complete || sanitized) << "it took too long";
  EXPECT_GT(f.ends, 0U);
  std::cout << what.name << ": " << what.operations << " calls: " << f.states << " states, "
            << f.transitions << " transitions, " << f.seconds << " s\n";
}

TEST_P(Explorer, tells_states_apart) {
  menu what = *find_menu(GetParam());
  what.operations = 1;
  const audited out = audit(what, {sanitized ? 2'000U : 40'000U, 60, 1});
  ASSERT_FALSE(out.found) << out.found->differ << "\n"
                          << diagram(what, out.found->one) << "\n"
                          << diagram(what, out.found->other);
  EXPECT_GT(out.meetings, 0U);
}

INSTANTIATE_TEST_SUITE_P(Menu,
                         Explorer,
                         testing::ValuesIn([] {
                           std::vector<std::string_view> names;
                           for (const menu& m : menus()) names.push_back(m.name);
                           return names;
                         }()),
                         [](const auto& tested) { return std::string(tested.param); });

TEST(Search, two_threads_visit_what_one_does) {
  menu what = *find_menu("closing");
  what.operations = 1;
  const figures one = search(what, {1'000'000, 60, 1}), two = search(what, {1'000'000, 60, 2});
  EXPECT_TRUE(one.complete && two.complete);
  EXPECT_EQ(one.states, two.states);
  EXPECT_EQ(one.ends, two.ends);
}

TEST(Search, stops_at_its_limit) {
  const figures f = search(*find_menu("closing"), {1000, 60, 2});
  EXPECT_FALSE(f.complete);
  EXPECT_FALSE(f.wrong);
  EXPECT_LT(f.states, 100'000U);
}

#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
// The short form of `./dev explore --mutants`: every tenth.
TEST(Mutants, are_caught) {
  EXPECT_EQ(std::system(ADIEU_BINARY_DIR "/adieu_explore_mutants --every 10"), 0);
}
#endif

TEST(Trace, reads_as_it_was_written) {
  const menu& what = *find_menu("closing");
  const trace steps{{verb::close, role::client},
                    {verb::deliver, role::server},
                    {verb::receive, role::server},
                    {verb::close_output, role::server},
                    {verb::deliver, role::client},
                    {verb::deliver_end, role::client},
                    {verb::deliver_end, role::server}};
  std::istringstream text("# a comment\n" + to_text(what, steps));
  const script back = parse_script(text);
  EXPECT_EQ(back.wrong, "");
  EXPECT_EQ(back.what, &what);
  EXPECT_EQ(back.steps, steps);
  const replayed out = replay(what, steps);
  EXPECT_TRUE(out.possible);
  EXPECT_FALSE(out.broken) << out.broken->what;
  EXPECT_NE(diagram(what, steps).find("clean: we closed first with 1000"), std::string::npos);
}

TEST(Trace, tells_what_it_can_not_read) {
  for (const char* const text : {"client close", "menu none\n", "menu closing\nclient dance\n"}) {
    std::istringstream in(text);
    EXPECT_NE(parse_script(in).wrong, "") << text;
  }
  EXPECT_FALSE(replay(*find_menu("closing"), {{verb::deliver, role::client}}).possible);
}

// What the explorer once found, and walks to where a mistake would hide: each file plays without a
// violation now.
TEST(Trace, of_every_file_plays_well) {
  int played = 0;
  for (const auto& file :
       std::filesystem::directory_iterator(ADIEU_SOURCE_DIR "/tests/model/traces")) {
    std::ifstream in(file.path());
    const script read = parse_script(in);
    ASSERT_EQ(read.wrong, "") << file.path();
    menu what = *read.what;
    what.operations = what.fault_count = what.blocks = what.cuts = what.waits = 100;
    const replayed out = replay(what, read.steps);
    EXPECT_TRUE(out.possible) << file.path() << ": step " << out.steps;
    EXPECT_FALSE(out.broken) << file.path() << ": " << out.broken->name
                             << story_of(what, {read.steps, *out.broken});
    ++played;
  }
  EXPECT_GT(played, 0);
}

}  // namespace
}  // namespace adieu::model
