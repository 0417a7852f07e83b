// UTF-8 in pieces, against a reference that knows nothing of byte ranges: it computes which code
// points the bytes so far could still become, and looks whether one of them is legal (RFC 3629).
#include "adieu/core/utf8.hpp"

#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <bit>
#include <string>
#include <vector>

namespace adieu::core {
namespace {

struct verdict {
  std::size_t good = 0;
  bool complete = true;  // only told when every byte is good
  friend bool operator==(const verdict&, const verdict&) = default;
};

/// Could `have` bytes of a sequence of `length` still become a scalar value?
bool may_become_legal(const std::uint8_t* sequence, int have, int length) {
  constexpr std::uint32_t smallest[] = {0, 0, 0x80, 0x800, 0x10000};
  std::uint32_t low = sequence[0] & (length == 1 ? 0x7FU : 0x7FU >> length);
  for (int i = 1; i < have; ++i) {
    if (sequence[i] / 64 != 2) return false;
    low = low * 64 + sequence[i] % 64;
  }
  std::uint32_t high = low;
  for (int i = have; i < length; ++i) {
    low = low * 64;
    high = high * 64 + 63;
  }
  low = std::max(low, smallest[length]);
  high = std::min(high, 0x10FFFFU);
  if (low >= 0xD800 && high <= 0xDFFF) return false;  // surrogates and nothing else
  return low <= high;
}

verdict reference(const std::uint8_t* text, std::size_t size) {
  std::size_t start = 0;
  while (start < size) {
    const int ones = std::countl_one(text[start]);
    if (ones == 1 || ones > 4) return {start, true};
    const int length = std::max(ones, 1);
    for (int have = 1; have <= length; ++have) {
      if (start + static_cast<std::size_t>(have) > size) return {size, false};
      if (!may_become_legal(text + start, have, length)) {
        return {start + static_cast<std::size_t>(have) - 1, true};
      }
    }
    start += static_cast<std::size_t>(length);
  }
  return {size, true};
}

verdict reference(std::string_view text) {
  return reference(reinterpret_cast<const std::uint8_t*>(text.data()), text.size());
}

/// Feeds the text cut at `cuts` (sorted), and adds the pieces up.
verdict validate(std::string_view text, const std::vector<std::size_t>& cuts = {}) {
  utf8_validator validator;
  std::size_t from = 0;
  for (std::size_t i = 0; i <= cuts.size(); ++i) {
    const std::size_t to = i < cuts.size() ? cuts[i] : text.size();
    // A copy of its own size, so that the sanitizer sees a read past the piece.
    const std::vector<char> piece(text.begin() + static_cast<std::ptrdiff_t>(from),
                                  text.begin() + static_cast<std::ptrdiff_t>(to));
    const std::size_t good = validator.feed(std::as_bytes(std::span(piece)));
    if (good < piece.size()) return {from + good, true};
    from = to;
  }
  return {text.size(), validator.complete()};
}

std::string repeated(std::string_view unit, std::size_t at_least) {
  std::string text;
  while (text.size() < at_least) text += unit;
  return text;
}

/// Texts that reach each path: by hand, short ASCII, simdjson, and their borders.
std::vector<std::string> frames_around() {
  return {"",
          "abcdefgh",
          std::string(61, 'x'),
          std::string(90, 'x'),
          repeated("日本語", 72),
          repeated("é", 63) + "😀"};
}

TEST(Utf8, TheReferenceKnowsTheFamousCases) {
  EXPECT_EQ(reference("\xC0\xAF"), (verdict{0, true}));
  EXPECT_EQ(reference("\xE0\x9F\x80"), (verdict{1, true}));
  EXPECT_EQ(reference("\xED\xA0\x80"), (verdict{1, true}));
  EXPECT_EQ(reference("\xF4\x90\x80\x80"), (verdict{1, true}));
  EXPECT_EQ(reference("\xF5"), (verdict{0, true}));
  EXPECT_EQ(reference("\xF4\x8F\xBF"), (verdict{3, false}));
  EXPECT_EQ(reference("\xF4\x8F\xBF\xBF"), (verdict{4, true}));
}

TEST(Utf8, Rfc3629_BadBytesAreFoundAtOnce) {
  struct {
    std::string_view text;
    std::size_t bad;
  } const cases[] = {
      {"\x80", 0},
      {"\xC0", 0},
      {"\xC1", 0},
      {"\xF5", 0},
      {"\xFF", 0},
      {"a\xC3(", 2},
      {"\xE0\x80", 1},
      {"\xED\xA0", 1},
      {"\xF0\x8F", 1},
      {"\xF4\x90", 1},
      {"\xE2\x82(", 2},
      {"\xF0\x9F\x98(", 3},
      {"\xCE\xBA\xE1\xBD\xB9\xCF\x83\xCE\xBC\xCE\xB5\xED\xA0\x80\x65", 12},  // Autobahn 6.3.1
  };
  for (const auto& [text, bad] : cases) EXPECT_EQ(validate(text), (verdict{bad, true}));
}

TEST(Utf8, EverySequenceOfOneTwoAndThreeBytes) {
  std::uint8_t text[3];
  std::uint64_t different = 0;
  for (std::size_t size = 1; size <= 3; ++size) {
    for (std::uint32_t number = 0; number < (1U << (8 * size)); ++number) {
      for (std::size_t i = 0; i < size; ++i) {
        text[i] = static_cast<std::uint8_t>(number >> (8 * i));
      }
      utf8_validator validator;
      const std::size_t good = validator.feed(std::as_bytes(std::span(text, size)));
      const verdict expected = reference(text, size);
      if (good != expected.good || (good == size && validator.complete() != expected.complete)) {
        ++different;
      }
    }
  }
  EXPECT_EQ(different, 0U);
}

TEST(Utf8, SequencesOfFourBytesAtEveryBoundary) {
  constexpr std::uint8_t edges[] = {0x00, 0x41, 0x7F, 0x80, 0x8F, 0x90, 0x9F, 0xA0, 0xBF, 0xC0,
                                    0xC1, 0xC2, 0xDF, 0xE0, 0xE1, 0xEC, 0xED, 0xEE, 0xEF, 0xF0,
                                    0xF1, 0xF3, 0xF4, 0xF5, 0xF7, 0xF8, 0xFB, 0xFC, 0xFE, 0xFF};
  const std::string before = repeated("日本語", 72);
  const std::string after = repeated("é", 40);
  std::uint8_t text[4];
  std::string longer = before + "...." + after;
  std::uint64_t different = 0;
  for (const auto a : edges) {
    for (const auto b : edges) {
      for (const auto c : edges) {
        for (const auto d : edges) {
          text[0] = a, text[1] = b, text[2] = c, text[3] = d;
          utf8_validator alone;
          const std::size_t good = alone.feed(std::as_bytes(std::span(text)));
          const verdict expected = reference(text, 4);
          if (good != expected.good || (good == 4 && alone.complete() != expected.complete)) {
            ++different;
          }
          // The same through simdjson; what follows turns a cut-off code point into a bad byte.
          std::ranges::copy(text, longer.begin() + static_cast<std::ptrdiff_t>(before.size()));
          utf8_validator inside;
          const bool whole = expected.good == 4 && expected.complete;
          const std::size_t all = whole ? longer.size() : before.size() + expected.good;
          if (inside.feed(as_bytes(longer)) != all) ++different;
        }
      }
    }
  }
  EXPECT_EQ(different, 0U);
}

TEST(Utf8, EveryCodePointIsAcceptedAndNoSurrogate) {
  for (std::uint32_t point = 0; point <= 0x110000; ++point) {
    std::string text;
    if (point < 0x80) {
      text = {static_cast<char>(point)};
    } else if (point < 0x800) {
      text = {static_cast<char>(0xC0 | point >> 6), static_cast<char>(0x80 | (point & 63))};
    } else if (point < 0x10000) {
      text = {static_cast<char>(0xE0 | point >> 12),
              static_cast<char>(0x80 | (point >> 6 & 63)),
              static_cast<char>(0x80 | (point & 63))};
    } else {
      text = {static_cast<char>(0xF0 | point >> 18),
              static_cast<char>(0x80 | (point >> 12 & 63)),
              static_cast<char>(0x80 | (point >> 6 & 63)),
              static_cast<char>(0x80 | (point & 63))};
    }
    const bool legal = point <= 0x10FFFF && (point < 0xD800 || point > 0xDFFF);
    ASSERT_EQ(valid_utf8(as_bytes(text)), legal) << std::hex << point;
  }
}

TEST(Utf8, ACutAnywhereChangesNothing) {
  const std::string_view middles[] = {"é",
                                      "語",
                                      "😀",
                                      "a",
                                      "\x80",
                                      "\xC0\x80",
                                      "\xE0\x80\x80",
                                      "\xED\xA0\x80",
                                      "\xF4\x90\x80\x80",
                                      "\xF5\x80\x80\x80",
                                      "\xE8\xAA",
                                      "\xF0\x9F\x98",
                                      "\xC3",
                                      "\xFF",
                                      "\xF0\x9F(",
                                      "\xE8(\x9E"};
  for (const std::string& before : frames_around()) {
    for (const std::string& after : frames_around()) {
      for (const std::string_view middle : middles) {
        const std::string text = before + std::string(middle) + after;
        const verdict expected = reference(text);
        ASSERT_EQ(validate(text), expected);
        for (std::size_t cut = 0; cut <= text.size(); ++cut) {
          ASSERT_EQ(validate(text, {cut}), expected) << "cut at " << cut;
        }
        std::vector<std::size_t> each(text.size());
        for (std::size_t i = 0; i < each.size(); ++i) each[i] = i;
        ASSERT_EQ(validate(text, each), expected) << "byte by byte";
      }
    }
  }
}

TEST(Utf8, TwoCutsChangeNothing) {
  const std::string_view texts[] = {"a😀語é", "語\xF0\x9F\x98語", "\xF4\x8F\xBF\xBF\xF4\x90"};
  for (const std::string_view text : texts) {
    for (std::size_t a = 0; a <= text.size(); ++a) {
      for (std::size_t b = a; b <= text.size(); ++b) {
        ASSERT_EQ(validate(text, {a, b}), reference(text)) << a << " and " << b;
      }
    }
  }
}

TEST(Utf8, ABadByteAnywhereInALongText) {
  for (const std::string_view unit : {"a", "é", "日本語", "😀", "aé語😀"}) {
    const std::string good = repeated(unit, 200);
    for (std::size_t i = 0; i < good.size(); ++i) {
      for (const char bad : {'\xFF', '\x80', '\xC3', 'a'}) {
        std::string text = good;
        text[i] = bad;
        ASSERT_EQ(validate(text), reference(text)) << "at " << i;
      }
    }
  }
}

TEST(Utf8, ATextMayEndInsideACodePointOnlyForNow) {
  utf8_validator validator;
  EXPECT_TRUE(validator.complete());
  EXPECT_EQ(validator.feed(as_bytes("\xF0\x9F")), 2U);
  EXPECT_FALSE(validator.complete());
  EXPECT_EQ(validator.feed({}), 0U);
  EXPECT_FALSE(validator.complete());
  EXPECT_EQ(validator.feed(as_bytes("\x98\x80")), 2U);
  EXPECT_TRUE(validator.complete());
  EXPECT_EQ(validator, utf8_validator{});
  EXPECT_FALSE(valid_utf8(as_bytes("\xF0\x9F")));
  EXPECT_TRUE(valid_utf8({}));
}

TEST(Utf8, ResetForgetsTheCutCodePoint) {
  utf8_validator validator;
  EXPECT_EQ(validator.feed(as_bytes("\xE0")), 1U);
  validator.reset();
  EXPECT_TRUE(validator.complete());
  EXPECT_EQ(validator.feed(as_bytes("abc")), 3U);
}

RC_GTEST_PROP(Utf8, AnyMixtureCutAnywhere, ()) {
  const auto parts =
      *rc::gen::container<std::vector<std::string>>(rc::gen::weightedOneOf<std::string>(
          {{8,
            rc::gen::element<std::string>(
                "a", "é", "語", "😀", "hello, world", "日本語日本語日本語")},
           {1, rc::gen::container<std::string>(rc::gen::arbitrary<char>())}}));
  std::string text;
  for (const auto& part : parts) text += part;
  auto cuts = *rc::gen::container<std::vector<std::size_t>>(
      rc::gen::inRange<std::size_t>(0, text.size() + 1));
  std::ranges::sort(cuts);
  RC_ASSERT(validate(text, cuts) == reference(text));
}

}  // namespace
}  // namespace adieu::core
