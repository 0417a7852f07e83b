// docs/closing.md holds the state diagram and the table as the code prints them. With
// ADIEU_UPDATE_DOCS=1 (`./dev docs`) they are written there instead of compared. The code in
// docs/guide.md is code of examples/guide.cpp, which is built and run.
#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <sstream>
#include <string>

#include "adieu/core/closing.hpp"

namespace {

std::string read_file(const std::string& path) {
  std::ifstream file(path);
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

// What stands between the marker's line and the next "<!-- end -->".
void check_part(std::string& page, const std::string& marker, const std::string& expected) {
  const std::string opening = "<!-- " + marker + ": printed by ./dev docs -->\n";
  const std::size_t begin = page.find(opening);
  ASSERT_NE(begin, std::string::npos) << marker;
  const std::size_t from = begin + opening.size();
  const std::size_t to = page.find("<!-- end -->", from);
  ASSERT_NE(to, std::string::npos) << marker;
  if (std::getenv("ADIEU_UPDATE_DOCS") != nullptr) {
    page.replace(from, to - from, expected);
  } else {
    EXPECT_EQ(page.substr(from, to - from), expected) << "run ./dev docs";
  }
}

TEST(Docs, closing_page_shows_the_table_of_the_code) {
  const std::string path = ADIEU_SOURCE_DIR "/docs/closing.md";
  std::string page = read_file(path);
  check_part(page, "diagram", "```mermaid\n" + adieu::core::closing_diagram() + "```\n");
  check_part(page, "table", adieu::core::closing_markdown());
  if (std::getenv("ADIEU_UPDATE_DOCS") != nullptr) std::ofstream(path) << page;
}

TEST(Docs, the_code_of_the_guide_is_that_of_the_example) {
  const std::string page = read_file(ADIEU_SOURCE_DIR "/docs/guide.md");
  const std::string program = read_file(ADIEU_SOURCE_DIR "/examples/guide.cpp");
  const std::string begin = "```cpp\n";
  std::size_t blocks = 0;
  for (std::size_t at = page.find(begin); at != std::string::npos; at = page.find(begin, at)) {
    at += begin.size();
    const std::string code = page.substr(at, page.find("```", at) - at);
    EXPECT_NE(program.find(code), std::string::npos) << code;
    ++blocks;
  }
  EXPECT_GT(blocks, 5U);
}

}  // namespace
