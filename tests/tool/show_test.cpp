// How received messages look: raw in a pipe, harmless on a terminal, unambiguous as JSON.
#include "tool/show.hpp"

#include <boost/json/parse.hpp>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "adieu/record.hpp"

using adieu::message;
using adieu::message_type;
using namespace adieu::tool;

namespace {
const message evil(message_type::text, "\x1b[2Jred\r\n\xc2\x9b\u202e");
const message bytes(message_type::binary, std::string("\x00\xff\x1b", 3));
}  // namespace

TEST(show, text_goes_to_a_pipe_as_it_is) { EXPECT_EQ(show(evil, {}), evil.payload + "\n"); }

TEST(show, text_on_a_terminal_is_printable) {
  EXPECT_EQ(show(evil, {output_format::text, binary_format::hex, destination::terminal}),
            "\\x1B[2Jred\\x0D\\x0A\\xC2\\x9B\\xE2\\x80\\xAE\n");
}

TEST(show, binary_is_a_line_of_digits) { EXPECT_EQ(show(bytes, {}), "00ff1b\n"); }

TEST(show, raw_binary_is_its_bytes_only) {
  EXPECT_EQ(show(bytes, {output_format::text, binary_format::raw, destination::pipe}),
            bytes.payload);
}

TEST(show, raw_binary_on_a_terminal_is_printable) {
  EXPECT_EQ(show(bytes, {output_format::text, binary_format::raw, destination::terminal}),
            "\\x00\\xFF\\x1B\n");
}

TEST(show, json_says_the_type) {
  EXPECT_EQ(show(message(message_type::text, "h\"i\n"), {output_format::json, {}, {}}),
            "{\"type\":\"text\",\"data\":\"h\\\"i\\u000a\"}\n");
  EXPECT_EQ(show(bytes, {output_format::json, {}, {}}),
            "{\"type\":\"binary\",\"data\":\"AP8b\"}\n");
  EXPECT_EQ(show(message(message_type::binary, ""), {output_format::json, {}, {}}),
            "{\"type\":\"binary\",\"data\":\"\"}\n");
}

TEST(show, json_has_no_byte_that_a_terminal_obeys) {
  const std::string line = show(evil, {output_format::json, {}, destination::terminal});
  EXPECT_EQ(line, "{\"type\":\"text\",\"data\":\"\\u001b[2Jred\\u000d\\u000a\\u009b\\u202e\"}\n");
}

RC_GTEST_PROP(show, json_text_is_read_back_as_it_was, (const std::vector<std::uint8_t>& points)) {
  std::string text;  // U+0000 to U+00FF: all that is escaped is among them
  for (const std::uint8_t point : points) {
    if (point >= 0x80) text += static_cast<char>(0xC0 | point >> 6);
    text += static_cast<char>(point < 0x80 ? point : 0x80 | (point & 0x3F));
  }
  RC_ASSERT(boost::json::parse(adieu::json_string(text)).as_string() == text);
}
