// What a token and a field value may hold (RFC 9110 §5.5, §5.6.2).
#include <gtest/gtest.h>

#include <string>

#include "adieu/core/handshake.hpp"

namespace adieu::core {
namespace {

using namespace std::string_literals;

TEST(HandshakeWords, TokensOfRfc9110) {
  const std::string punctuation = "!#$%&'*+-.^_`|~";
  for (int i = 0; i < 256; ++i) {
    const char c = static_cast<char>(i);
    const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    const bool expected = letter || (i != 0 && punctuation.find(c) != std::string::npos);
    EXPECT_EQ(is_token(std::string(1, c)), expected) << i;
    EXPECT_EQ(is_token("x"s + c + "y"), expected) << i;
  }
  EXPECT_FALSE(is_token(""));
}

TEST(HandshakeWords, FieldValuesHaveNoControlCharacters) {
  for (int i = 0; i < 256; ++i) {
    const bool control = (i < 32 && i != 9) || i == 127;
    EXPECT_EQ(is_field_value("a"s + static_cast<char>(i) + "b"), !control) << i;
  }
  EXPECT_TRUE(is_field_value(""));
}

}  // namespace
}  // namespace adieu::core
