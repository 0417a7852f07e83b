// Compressing and decompressing (RFC 7692 §7.2): the RFC's own examples, every cut, every window.
#include "adieu/core/deflate.hpp"

#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include <string>

namespace adieu::core {
namespace {

using namespace std::string_literals;
using flush = compressor::flush;
using part = decompressor::part;
using outcome = decompressor::outcome;

deflate_settings window(int bits, context_takeover kept = context_takeover::yes) {
  deflate_settings out;
  out.window_bits = bits;
  out.takeover = kept;
  return out;
}

std::string compressed(compressor& with, std::string_view text, flush far = flush::end_of_message) {
  std::vector<std::byte> out;
  with.compress(as_bytes(text), far, out);
  return std::string(as_text(out));
}

/// What `wire` is, taken `in_step` bytes at a time and given out `out_step` at a time; "broken"
/// when it is not DEFLATE.
std::string decompressed(decompressor& with,
                         std::string_view wire,
                         part which = part::last_of_message,
                         std::size_t in_step = 1'000'000,
                         std::size_t out_step = 65536) {
  std::string text;
  std::vector<std::byte> space(out_step);
  do {
    const std::string_view piece = wire.substr(0, in_step);
    wire.remove_prefix(piece.size());
    const_bytes in = as_bytes(piece);
    for (;;) {
      const auto got = with.decompress(in, wire.empty() ? which : part::of_message, space);
      if (got.what == outcome::broken) return "broken";
      text += as_text(const_bytes(space).first(got.size));
      if (got.what == outcome::all_taken) break;
    }
  } while (!wire.empty());
  return text;
}

TEST(Decompressor, Rfc7692_Section7_2_3_TheExamplesOfTheRfc) {
  decompressor fresh(window(15));
  EXPECT_EQ(decompressed(fresh, "\xf2\x48\xcd\xc9\xc9\x07\x00"s), "Hello");
  EXPECT_EQ(decompressed(fresh, "\xf2\x00\x11\x00\x00"s), "Hello") << "§7.2.3.2: from the context";
  decompressor stored(window(15));
  EXPECT_EQ(decompressed(stored, "\x00\x05\x00\xfa\xff\x48\x65\x6c\x6c\x6f\x00"s), "Hello");
  decompressor final(window(15));
  EXPECT_EQ(decompressed(final, "\xf3\x48\xcd\xc9\xc9\x07\x00\x00"s), "Hello") << "§7.2.3.4";
  EXPECT_EQ(decompressed(final, "\xf2\x00\x11\x00\x00"s), "Hello") << "the window is still there";
  decompressor two(window(15));
  EXPECT_EQ(decompressed(two, "\xf2\x48\x05\x00\x00\x00\xff\xff\xca\xc9\xc9\x07\x00"s), "Hello");
  EXPECT_EQ(decompressed(two, "\x00"s), "") << "§7.2.3.6";
}

TEST(Compressor, Rfc7692_Section7_2_3_TheExamplesOfTheRfc) {
  compressor c(window(15));
  EXPECT_EQ(compressed(c, "Hello"), "\xf2\x48\xcd\xc9\xc9\x07\x00"s);
  EXPECT_EQ(compressed(c, "Hello"), "\xf2\x00\x11\x00\x00"s);
  EXPECT_EQ(compressed(c, ""), "\x00"s);
  EXPECT_EQ(compressed(c, ""), "\x00"s) << "each empty message anew";
  compressor alone(window(15, context_takeover::no));
  EXPECT_EQ(compressed(alone, "Hello"), compressed(alone, "Hello"));
}

TEST(Compressor, PiecesCanBeReadAsTheyCome) {
  compressor c(window(15));
  decompressor d(window(15));
  EXPECT_EQ(decompressed(d, compressed(c, "one ", flush::end_of_piece), part::of_message), "one ");
  EXPECT_EQ(compressed(c, "", flush::end_of_piece), "");
  EXPECT_EQ(decompressed(d, compressed(c, "two", flush::end_of_piece), part::of_message), "two");
  EXPECT_EQ(decompressed(d, compressed(c, "")), "");
  EXPECT_EQ(decompressed(d, compressed(c, "three")), "three");
}

TEST(Decompressor, WhatIsCutShortIsBroken) {
  compressor c(window(15, context_takeover::no));
  const std::string wire = compressed(c, "Hello, hello, hello, world!");
  for (std::size_t size = 0; size < wire.size(); ++size) {
    decompressor d(window(15));
    EXPECT_EQ(decompressed(d, wire.substr(0, size)), "broken") << size;
  }
}

TEST(Decompressor, WhatIsNotDeflateIsBroken) {
  for (const std::string& wire : {"\x06"s, "\xff\xff\xff"s, "\x00\x05\x00\x00\x00Hello"s}) {
    decompressor d(window(15));
    EXPECT_EQ(decompressed(d, wire), "broken");
  }
}

// zlib lets such a reference pass while it still lies in the memory that is being filled.
TEST(Decompressor, AReferenceBeyondTheWindowIsBroken) {
  compressor far(window(15));
  std::string text = "the beginning, which comes back";
  for (int i = 0; i < 3000; ++i) text += std::to_string(i);
  const std::string wire = compressed(far, text + "the beginning, which comes back");
  decompressor narrow(window(9));
  EXPECT_EQ(decompressed(narrow, wire, part::last_of_message, 1000, 512), "broken");
}

TEST(Deflate, EveryWindowAndACopyInTheMiddle) {
  for (int bits = 9; bits <= 15; ++bits) {
    for (const auto kept : {context_takeover::yes, context_takeover::no}) {
      compressor c(window(bits, kept));
      decompressor d(window(bits, kept));
      for (int i = 0; i < 20; ++i) {
        const std::string text = "message " + std::to_string(i % 3) + std::string(300, 'x');
        EXPECT_EQ(decompressed(d, compressed(c, text)), text);
      }
      compressor c2 = c;
      decompressor d2 = d;
      EXPECT_EQ(decompressed(d, compressed(c, "on")), "on");
      EXPECT_EQ(decompressed(d2, compressed(c2, "another way")), "another way");
      EXPECT_EQ(decompressed(d, compressed(c, "message 1")), "message 1");
    }
  }
  compressor smallest(window(9));  // zlib inflates a window of 2^8; ours never needs more of a peer
  decompressor small(window(8));
  EXPECT_EQ(decompressed(small, compressed(smallest, "Hello")), "Hello");
}

TEST(Deflate, MemoryIsHeldOnlyInsideMessagesWithoutTakeover) {
  struct one_spare final : deflate_pool {
    std::unique_ptr<zlib_stream> take(zlib_stream::kind what,
                                      const deflate_settings& how) override {
      if (spare && spare->fits(what, how)) return ++lent, std::move(spare);
      return std::make_unique<zlib_stream>(what, how);
    }
    void give_back(std::unique_ptr<zlib_stream> back) override { spare = std::move(back); }
    std::unique_ptr<zlib_stream> spare;
    int lent = 0;
  };
  const auto pool = std::make_shared<one_spare>();
  compressor c(window(15, context_takeover::no), pool);
  decompressor d(window(15, context_takeover::no), pool);
  EXPECT_FALSE(c.holds_memory() || d.holds_memory());
  const std::string begin = compressed(c, "a message in ", flush::end_of_piece);
  EXPECT_TRUE(c.holds_memory());
  const std::string end = compressed(c, "two pieces");
  EXPECT_FALSE(c.holds_memory());
  EXPECT_EQ(decompressed(d, begin, part::of_message), "a message in ");
  EXPECT_TRUE(d.holds_memory());
  EXPECT_EQ(decompressed(d, end), "two pieces");
  EXPECT_FALSE(d.holds_memory());
  const std::string again = compressed(c, "and again"), more = compressed(c, "once more");
  EXPECT_EQ(pool->lent, 1);
  EXPECT_EQ(decompressed(d, again) + decompressed(d, more), "and againonce more");
  EXPECT_EQ(pool->lent, 2);
}

// Fetching its memory ahead changes nothing, whatever zlib_stream knows of it: of a copy, nothing.
TEST(Deflate, AMessageIsCompressedTheSameByACopy) {
  compressor first(window(15));
  for (int i = 0; i < 5; ++i) {
    compressor second = first;
    const std::string text = std::to_string(i) + std::string(5000, 'x') + " and so on";
    EXPECT_EQ(compressed(first, text), compressed(second, text));
  }
}

TEST(Deflate, AReleasedCompressorStartsAnewAndThePeerNeedNotKnow) {
  compressor c(window(15));
  decompressor d(window(15));
  EXPECT_EQ(decompressed(d, compressed(c, "Hello")), "Hello");
  c.release();
  EXPECT_FALSE(c.holds_memory());
  EXPECT_EQ(decompressed(d, compressed(c, "Hello")), "Hello");
}

TEST(Deflate, AMessageOfTwentyMegabytesInSmallSteps) {
  compressor c(window(15));
  decompressor d(window(15));
  std::string text;
  while (text.size() < 20'000'000) text += "line " + std::to_string(text.size()) + "\n";
  std::string wire;
  for (std::size_t at = 0; at < text.size(); at += 65536) {
    const bool last = at + 65536 >= text.size();
    wire += compressed(
        c, std::string_view(text).substr(at, 65536), last ? flush::end_of_message : flush::none);
  }
  EXPECT_LT(wire.size(), text.size() / 3);
  EXPECT_EQ(decompressed(d, wire, part::last_of_message, 1000, 4096), text);
}

RC_GTEST_PROP(Deflate, AnyTextInAnyPiecesThroughAnyBuffers, ()) {
  const int bits = *rc::gen::inRange(9, 16);
  const auto kept = *rc::gen::element(context_takeover::yes, context_takeover::no);
  compressor c(window(bits, kept));
  decompressor d(window(bits, kept));
  const auto in_step = static_cast<std::size_t>(*rc::gen::inRange(1, 40));
  const auto out_step = static_cast<std::size_t>(*rc::gen::inRange(1, 40));
  for (int messages = *rc::gen::inRange(1, 5); messages > 0; --messages) {
    std::string text, wire;
    for (int pieces = *rc::gen::inRange(0, 4); pieces > 0; --pieces) {
      const auto piece = *rc::gen::container<std::string>(rc::gen::inRange('a', 'd'));
      text += piece;
      wire += compressed(c, piece, *rc::gen::element(flush::none, flush::end_of_piece));
    }
    wire += compressed(c, "");
    RC_ASSERT(decompressed(d, wire, part::last_of_message, in_step, out_step) == text);
  }
}

RC_GTEST_PROP(Deflate, AnyBytesAreReadOrBroken, ()) {
  const auto wire = *rc::gen::arbitrary<std::string>();
  decompressor whole(window(15)), cut(window(15));
  RC_ASSERT(decompressed(whole, wire) == decompressed(cut, wire, part::last_of_message, 1, 1));
}

TEST(Compressing, one_that_is_assigned_goes_on_like_the_other) {
  compressor one(deflate_settings{}), two(deflate_settings{});
  std::vector<std::byte> first, again, same;
  one.compress(as_bytes("words, words"), compressor::flush::end_of_message, first);
  two = one;
  one.compress(as_bytes("words, words"), compressor::flush::end_of_message, again);
  two.compress(as_bytes("words, words"), compressor::flush::end_of_message, same);
  EXPECT_EQ(again, same);
  EXPECT_LT(again.size(), first.size());
}

}  // namespace
}  // namespace adieu::core
