// Masking (RFC 6455 §5.3) against the formula as the RFC prints it, for every small size, offset
// and alignment.
#include "adieu/core/mask.hpp"

#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

namespace adieu::core {
namespace {

using buffer = std::vector<std::byte>;

constexpr mask_key some_key{std::byte{0x37}, std::byte{0xFA}, std::byte{0x21}, std::byte{0x3D}};

buffer pattern(std::size_t size) {
  buffer data(size);
  unsigned value = 17;
  for (auto& byte : data) {
    value = value * 1103515245U + 12345U;
    byte = static_cast<std::byte>(value >> 16);
  }
  return data;
}

/// "transformed-octet-i = original-octet-i XOR masking-key-octet-j, j = i MOD 4"
buffer naive(const_bytes data, mask_key key, std::uint64_t offset) {
  buffer out;
  for (std::uint64_t i = 0; i < data.size(); ++i) {
    out.push_back(data[i] ^ key[(i + offset) % 4]);
  }
  return out;
}

mask_key key_of(std::uint32_t number) {
  return {static_cast<std::byte>(number >> 24),
          static_cast<std::byte>(number >> 16),
          static_cast<std::byte>(number >> 8),
          static_cast<std::byte>(number)};
}

TEST(Mask, Section5_7_MaskedHello) {
  std::string hello = "Hello";
  apply_mask(std::as_writable_bytes(std::span(hello)), some_key);
  EXPECT_EQ(hello, "\x7f\x9f\x4d\x51\x58");
}

TEST(Mask, EverySizeOffsetAndAlignmentInPlace) {
  const buffer original = pattern(300);
  for (std::size_t size = 0; size <= 200; ++size) {
    for (std::uint64_t offset = 0; offset < 4; ++offset) {
      for (std::size_t start = 0; start < 32; ++start) {
        buffer data = original;
        apply_mask(bytes(data).subspan(start, size), some_key, offset);

        buffer expected = original;  // so that bytes outside are seen to be untouched
        std::ranges::copy(naive(const_bytes(original).subspan(start, size), some_key, offset),
                          expected.begin() + static_cast<std::ptrdiff_t>(start));
        ASSERT_EQ(data, expected) << "size " << size << " offset " << offset << " at " << start;
      }
    }
  }
}

TEST(Mask, EverySizeOffsetAndAlignmentCopied) {
  const buffer original = pattern(300);
  for (std::size_t size = 0; size <= 200; ++size) {
    for (std::uint64_t offset = 0; offset < 4; ++offset) {
      for (std::size_t start = 0; start < 8; ++start) {
        const const_bytes in = const_bytes(original).subspan(start, size);
        buffer out(size + 16, std::byte{0xEE});
        copy_masked(bytes(out).subspan((start * 3) % 8), in, some_key, offset);

        buffer expected(size + 16, std::byte{0xEE});
        std::ranges::copy(naive(in, some_key, offset),
                          expected.begin() + static_cast<std::ptrdiff_t>((start * 3) % 8));
        ASSERT_EQ(out, expected) << "size " << size << " offset " << offset << " at " << start;
      }
    }
  }
}

TEST(Mask, NothingToDo) {
  apply_mask({}, some_key);
  copy_masked({}, {}, some_key);
}

TEST(Mask, AnOffsetBeyond32BitsKeepsItsPlace) {
  for (const std::uint64_t base : {0x1'0000'0000ULL, 0x7FFF'FFFF'FFFF'FFF0ULL}) {
    for (std::uint64_t extra = 0; extra < 4; ++extra) {
      buffer data = pattern(37);
      apply_mask(data, some_key, base + extra);
      EXPECT_EQ(data, naive(pattern(37), some_key, extra));
    }
  }
}

RC_GTEST_PROP(Mask, TwiceIsNothing, (std::vector<std::uint8_t> raw, std::uint32_t number)) {
  const auto original = std::as_bytes(std::span(raw));
  buffer data(original.begin(), original.end());
  apply_mask(data, key_of(number));
  apply_mask(data, key_of(number));
  RC_ASSERT(std::ranges::equal(data, original));
}

RC_GTEST_PROP(Mask, PiecesAreTheWhole, (std::uint32_t number)) {
  const auto size = *rc::gen::inRange<std::size_t>(0, 500);
  const auto cuts =
      *rc::gen::container<std::vector<std::size_t>>(rc::gen::inRange<std::size_t>(0, size + 1));
  buffer whole = pattern(size);
  apply_mask(whole, key_of(number));

  auto sorted = cuts;
  sorted.push_back(0);
  sorted.push_back(size);
  std::ranges::sort(sorted);
  buffer pieces = pattern(size);
  buffer copied(size);
  const buffer original = pieces;
  for (std::size_t i = 1; i < sorted.size(); ++i) {
    const std::size_t from = sorted[i - 1];
    const std::size_t length = sorted[i] - from;
    apply_mask(bytes(pieces).subspan(from, length), key_of(number), from);
    copy_masked(bytes(copied).subspan(from, length),
                const_bytes(original).subspan(from, length),
                key_of(number),
                from);
  }
  RC_ASSERT(pieces == whole);
  RC_ASSERT(copied == whole);
}

}  // namespace
}  // namespace adieu::core
