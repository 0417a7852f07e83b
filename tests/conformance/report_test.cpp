// Whatever a peer says is printable in the terminal and in the page.
#include "report.hpp"

#include <gtest/gtest.h>

#include <sstream>

#include <adieu/record.hpp>

namespace adieu::conformance {
namespace {

// A control character, a C1 control, marks that turn the direction or break the line, no UTF-8.
const std::string hostile =
    "\x1B[2J\x07 \u009B31m \u202E\u2066\u2069 \u2028\u2029 \xFF\xC3 \x7F <b>&";

void expect_printable(const std::string& text) {
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) EXPECT_EQ(line, printable(line));
  EXPECT_NE(text.find("\\x1B[2J\\x07 \\xC2\\x9B31m \\xE2\\x80\\xAE"), std::string::npos) << text;
}

run_report one_case(outcome is) {
  run_report out;
  out.name = "a peer " + hostile;
  out.results.push_back({"C1.1", "C1", "told to " + hostile, std::move(is)});
  return out;
}

TEST(Report, what_a_peer_says_is_printable_everywhere) {
  outcome is;
  is.notes.push_back("it says: " + hostile);
  is.log.push_back({1, '<', "text " + hostile});
  for (const behaviour each : {behaviour::ok, behaviour::failed}) {
    is.behaved = each;
    const run_report run = one_case(is);
    expect_printable(in_full(run.results.front()));
    expect_printable(to_text(run, {}));
    expect_printable(to_html({run}, {}));
    EXPECT_EQ(to_html({run}, {}).find("<b>&"), std::string::npos);
  }
}

TEST(Report, our_own_words_stay_as_they_are) {
  outcome is;
  is.log.push_back({1, '<', "text, 9 B \"für – ü 日本\""});
  EXPECT_NE(in_full(one_case(is).results.front()).find("← text, 9 B \"für – ü 日本\""),
            std::string::npos);
}

}  // namespace
}  // namespace adieu::conformance
