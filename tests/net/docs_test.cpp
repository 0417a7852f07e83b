// docs/closing.md holds the state diagram and the table as the code prints them. With
// ADIEU_UPDATE_DOCS=1 (`./dev docs`) they are written there instead of compared.
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

}  // namespace
