// UTF-8 against a plain reading of RFC 3629 §3, cut anywhere: where a text goes wrong, and whether
// it ends within a code point.
#include "adieu/core/utf8.hpp"

#include "adieu/record.hpp"
#include "fuzz/input.hpp"

namespace adieu::fuzz {
namespace {

struct verdict {
  std::size_t good = 0;  // bytes that some valid text begins with
  bool complete = true;
  friend bool operator==(const verdict&, const verdict&) = default;
};

verdict reference(std::string_view text) {
  struct form {
    unsigned first, last, low, high, length;  // of the first byte, of the second; in all
  };
  static constexpr form forms[] = {{0x00, 0x7F, 0, 0, 1},
                                   {0xC2, 0xDF, 0x80, 0xBF, 2},
                                   {0xE0, 0xE0, 0xA0, 0xBF, 3},
                                   {0xE1, 0xEC, 0x80, 0xBF, 3},
                                   {0xED, 0xED, 0x80, 0x9F, 3},
                                   {0xEE, 0xEF, 0x80, 0xBF, 3},
                                   {0xF0, 0xF0, 0x90, 0xBF, 4},
                                   {0xF1, 0xF3, 0x80, 0xBF, 4},
                                   {0xF4, 0xF4, 0x80, 0x8F, 4}};
  for (std::size_t at = 0; at < text.size();) {
    const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[at + i]); };
    const auto* const found = std::ranges::find_if(
        forms, [&](const form& f) { return byte(0) >= f.first && byte(0) <= f.last; });
    if (found == std::end(forms)) return {at, true};
    for (std::size_t i = 1; i < found->length; ++i) {
      if (at + i == text.size()) return {text.size(), false};
      const unsigned low = i == 1 ? found->low : 0x80;
      const unsigned high = i == 1 ? found->high : 0xBF;
      if (byte(i) < low || byte(i) > high) return {at + i, true};
    }
    at += found->length;
  }
  return {text.size(), true};
}

verdict ours(std::string_view text, cuts where) {
  core::utf8_validator validator;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t size = where.next(text.size() - at);
    const std::vector<std::byte> piece = copy_of(text.substr(at, size));
    const std::size_t good = validator.feed(piece);
    if (good != size) return {at + good, true};
    at += size;
  }
  return {text.size(), validator.complete()};
}

}  // namespace

void run(input in) {
  const std::size_t seed = in.choose(256);
  const std::string_view text = in.rest();
  const verdict right = reference(text);
  for (const cuts& where : {cuts::none(), cuts::everywhere(), cuts::by(seed)}) {
    const verdict told = ours(text, where);
    EXPECT_EQ(told.good, right.good);
    if (right.good == text.size()) EXPECT_EQ(told.complete, right.complete);
  }
  EXPECT_EQ(core::valid_utf8(copy_of(text)), right == (verdict{text.size(), true}));

  const std::string shown = printable(text);
  EXPECT_TRUE(harmless(shown));
  EXPECT_TRUE(core::valid_utf8(core::as_bytes(shown)));
  EXPECT_EQ(printable(shown), shown);
}

}  // namespace adieu::fuzz
