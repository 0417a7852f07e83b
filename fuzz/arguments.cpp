// What the tool reads from its command line and its standard input: a Close (CODE[:REASON]), a
// header ('Name: value'), and lines, which come out the same however the input is cut.
#include "tool/arguments.hpp"

#include "adieu/core/close_payload.hpp"
#include "adieu/core/handshake.hpp"
#include "adieu/core/utf8.hpp"
#include "fuzz/input.hpp"
#include "tool/input_lines.hpp"

namespace adieu::fuzz {
namespace {

void close(std::string_view text) {
  tool::close_argument read;
  try {
    read = tool::parse_close(text);
  } catch (const std::invalid_argument& refused) {
    EXPECT_TRUE(harmless(refused.what()));
    return;
  }
  EXPECT_TRUE(core::bad_close_argument(read.code, read.reason).empty());
  const std::string written = std::to_string(static_cast<unsigned>(read.code)) + ':' + read.reason;
  const tool::close_argument again = tool::parse_close(written);
  EXPECT_EQ(again.code, read.code);
  EXPECT_EQ(again.reason, read.reason);
}

void header(std::string_view text) {
  std::pair<std::string, std::string> read;
  try {
    read = tool::parse_header(text);
  } catch (const std::invalid_argument& refused) {
    EXPECT_TRUE(harmless(refused.what()));
    return;
  }
  EXPECT_TRUE(core::is_token(read.first));
  EXPECT_TRUE(core::is_field_value(read.second));
  EXPECT_EQ(tool::parse_header(read.first + ": " + read.second), read);
}

constexpr std::size_t longest = 20;

std::string lines(std::string_view text, tool::input_lines::content what, cuts where) {
  tool::input_lines reader(what, longest);
  std::string out;
  const auto take = [&] {
    while (const auto line = reader.next()) {
      out += std::to_string(line->number) + ' ' +
             std::to_string(static_cast<unsigned>(line->problem)) + ' ' + std::string(line->text) +
             '\n';
      EXPECT_LE(line->text.size(), longest);
      if (line->problem == tool::line_problem::none && what == tool::input_lines::content::text) {
        EXPECT_TRUE(core::valid_utf8(core::as_bytes(line->text)));
      }
    }
  };
  while (!text.empty()) {
    const std::size_t size = where.next(text.size());
    reader.feed(text.substr(0, size));
    text.remove_prefix(size);
    take();
  }
  reader.end();
  take();
  return out;
}

}  // namespace

void run(input in) {
  const std::size_t seed = in.choose(256);
  const std::string_view text = in.rest();
  close(text);
  header(text);
  const auto what =
      seed % 2 == 0 ? tool::input_lines::content::text : tool::input_lines::content::any;
  const std::string whole = lines(text, what, cuts::none());
  EXPECT_EQ(lines(text, what, cuts::everywhere()), whole);
  EXPECT_EQ(lines(text, what, cuts::by(seed)), whole);
}

}  // namespace adieu::fuzz
