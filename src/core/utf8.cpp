// UTF-8 over pieces: simdjson for the bulk, a small state machine for the edges. The machine alone
// defines what is valid (RFC 3629 §4); simdjson only says that a stretch needs no looking at.
#include "adieu/core/utf8.hpp"

#include <simdjson.h>

#include <algorithm>
#include <cstring>

namespace adieu::core {
namespace {

/// Up to here a stretch of ASCII is scanned in place; a call to simdjson would cost more.
constexpr std::size_t short_ascii = 64;
/// From here on simdjson is faster than stepping.
constexpr std::size_t worth_simd = 24;

std::uint8_t at(const_bytes data, std::size_t index) noexcept {
  return std::to_integer<std::uint8_t>(data[index]);
}

/// The first offset in [from, to) that is not known to be ASCII, looking at whole words only.
std::size_t skip_ascii_words(const_bytes data, std::size_t from, std::size_t to) noexcept {
  std::uint64_t word = 0;
  while (to - from >= sizeof word) {
    std::memcpy(&word, data.data() + from, sizeof word);
    if ((word & 0x8080808080808080U) != 0) break;
    from += sizeof word;
  }
  return from;
}

/// Where the code point begins that the end of `data` cuts off, or the end. Only lead bytes are
/// looked at: whether the rest is valid is for others to say.
std::size_t start_of_cut_tail(const_bytes data, std::size_t from) noexcept {
  const std::size_t most = std::min<std::size_t>(3, data.size() - from);
  for (std::size_t back = 1; back <= most; ++back) {
    const std::uint8_t byte = at(data, data.size() - back);
    if (byte < 0x80) break;
    if (byte < 0xC0) continue;
    const std::size_t length = byte < 0xE0 ? 2 : byte < 0xF0 ? 3 : 4;
    return length > back ? data.size() - back : data.size();
  }
  return data.size();
}

}  // namespace

bool utf8_validator::step(std::uint8_t byte) noexcept {
  if (missing_ > 0) {
    if (byte < lowest_ || byte > highest_) return false;
    --missing_;
    lowest_ = 0x80;
    highest_ = 0xBF;
    return true;
  }
  // RFC 3629 §4: the bounds of the second byte keep out overlong forms (E0, F0), surrogates (ED)
  // and what lies above U+10FFFF (F4); C0, C1 and F5–FF begin nothing.
  if (byte < 0x80) return true;
  if (byte < 0xC2 || byte > 0xF4) return false;
  missing_ = byte < 0xE0 ? 1 : byte < 0xF0 ? 2 : 3;
  if (byte == 0xE0) lowest_ = 0xA0;
  if (byte == 0xED) highest_ = 0x9F;
  if (byte == 0xF0) lowest_ = 0x90;
  if (byte == 0xF4) highest_ = 0x8F;
  return true;
}

std::size_t utf8_validator::feed(const_bytes piece) noexcept {
  const std::size_t size = piece.size();
  std::size_t done = 0;
  while (missing_ > 0 && done < size) {
    if (!step(at(piece, done))) return done;
    ++done;
  }

  done = skip_ascii_words(piece, done, std::min(size, done + short_ascii));
  if (size - done >= worth_simd) {
    const std::size_t whole = start_of_cut_tail(piece, done);
    const auto* text = reinterpret_cast<const char*>(piece.data());
    if (simdjson::validate_utf8(text + done, whole - done)) done = whole;
  }

  while (done < size) {
    if (missing_ == 0) {
      done = skip_ascii_words(piece, done, size);
      if (done == size) break;
    }
    if (!step(at(piece, done))) return done;
    ++done;
  }
  return size;
}

bool valid_utf8(const_bytes text) noexcept {
  utf8_validator validator;
  return validator.feed(text) == text.size() && validator.complete();
}

}  // namespace adieu::core
