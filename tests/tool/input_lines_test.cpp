// Bytes cut into lines: wherever the pieces are cut, the lines are the same.
#include "tool/input_lines.hpp"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "adieu/core/types.hpp"
#include "adieu/core/utf8.hpp"

using adieu::tool::input_lines;
using adieu::tool::line_problem;

namespace {

struct seen_line {
  std::size_t number = 0;
  std::string text;
  line_problem problem = line_problem::none;
  friend bool operator==(const seen_line&, const seen_line&) = default;
};

void take(input_lines& from, std::vector<seen_line>& into) {
  while (const auto line = from.next()) {
    into.push_back({line->number, std::string(line->text), line->problem});
  }
}

std::vector<seen_line> lines_of(const std::vector<std::string>& pieces,
                                input_lines::content what = input_lines::content::text,
                                std::size_t longest = 1000) {
  input_lines lines(what, longest);
  std::vector<seen_line> out;
  for (const std::string& piece : pieces) {
    lines.feed(piece);
    take(lines, out);
  }
  lines.end();
  take(lines, out);
  return out;
}

}  // namespace

TEST(input_lines, the_newline_is_not_part_of_the_line) {
  EXPECT_EQ(lines_of({"one\ntwo\r\n\nfour"}),
            (std::vector<seen_line>{{1, "one"}, {2, "two\r"}, {3, ""}, {4, "four"}}));
}

TEST(input_lines, nothing_is_no_line) { EXPECT_TRUE(lines_of({""}).empty()); }

TEST(input_lines, a_line_that_is_not_utf8_is_handed_out_with_its_bytes) {
  EXPECT_EQ(lines_of({"a\xff", "b\nok\n"}),
            (std::vector<seen_line>{{1,
                                     "a\xff"
                                     "b",
                                     line_problem::not_utf8},
                                    {2, "ok"}}));
  EXPECT_EQ(lines_of({"cut \xe2\x82\n"}).front().problem, line_problem::not_utf8);
}

TEST(input_lines, any_content_need_not_be_utf8) {
  EXPECT_EQ(lines_of({"a\xff\n"}, input_lines::content::any).front().problem, line_problem::none);
}

TEST(input_lines, a_line_that_is_too_long_is_told_once) {
  const std::string many(25, 'x');
  const std::vector<seen_line> expected{{1, "", line_problem::too_long}, {2, "ok"}};
  EXPECT_EQ(lines_of({many + "\nok"}, input_lines::content::text, 10), expected);
  EXPECT_EQ(lines_of({many, many, many + "\nok\n"}, input_lines::content::text, 10), expected);
  EXPECT_EQ(lines_of({many, many}, input_lines::content::text, 10),
            (std::vector<seen_line>{{1, "", line_problem::too_long}}));
}

RC_GTEST_PROP(input_lines,
              do_not_depend_on_how_the_input_is_cut,
              (const std::vector<std::string>& words)) {
  std::string whole;
  std::vector<std::string> pieces;
  for (const std::string& word : words) {
    const std::string piece = word.empty() || word[0] % 3 != 0 ? word : word + "\n";
    whole += piece;
    pieces.push_back(piece);
  }
  RC_ASSERT((lines_of(pieces, input_lines::content::text, 8) ==
             lines_of({whole}, input_lines::content::text, 8)));
}
