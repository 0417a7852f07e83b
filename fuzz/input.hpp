// The bytes of one fuzzing run, and how a target takes them: choices from the front, the rest as
// data. A target is a file of this folder that defines run(); fuzz/entry.cpp calls it.
//
// Targets say what must hold in GoogleTest's words; what does not hold ends the program, and
// libFuzzer keeps the input.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include "adieu/core/types.hpp"

namespace adieu::fuzz {

class input {
 public:
  explicit input(std::string_view bytes) noexcept : rest_(bytes) {}

  [[nodiscard]] bool empty() const noexcept { return rest_.empty(); }

  /// A number below `sides`, of at most two bytes. 0 when nothing is left.
  std::size_t choose(std::size_t sides) {
    std::size_t value = byte();
    if (sides > 256) value = value << 8 | byte();
    return value % sides;
  }
  template <class Choice, std::size_t size>
  const Choice& one_of(const Choice (&list)[size]) {
    return list[choose(size)];
  }

  /// Up to the next byte of that kind, which is taken too; the rest when there is none.
  std::string_view until(char border) {
    const std::size_t end = std::min(rest_.find(border), rest_.size());
    const std::string_view out = rest_.substr(0, end);
    rest_.remove_prefix(std::min(end + 1, rest_.size()));
    return out;
  }
  std::string_view some(std::size_t size) {
    const std::string_view out = rest_.substr(0, size);
    rest_.remove_prefix(out.size());
    return out;
  }
  [[nodiscard]] std::string_view rest() const noexcept { return rest_; }

 private:
  std::size_t byte() { return rest_.empty() ? 0 : static_cast<unsigned char>(some(1)[0]); }

  std::string_view rest_;
};

/// Where to cut a stream of bytes: whole, byte by byte, or in pieces that a seed decides.
class cuts {
 public:
  static cuts none() noexcept { return cuts(how::none, 0); }
  static cuts everywhere() noexcept { return cuts(how::everywhere, 0); }
  static cuts by(std::size_t seed) noexcept { return cuts(how::somewhere, seed); }

  /// The size of the next piece, between 1 and what is left.
  std::size_t next(std::size_t left) noexcept {
    if (how_ == how::none || left <= 1) return left;
    if (how_ == how::everywhere) return 1;
    state_ = state_ * 6364136223846793005U + 1442695040888963407U;
    return std::min<std::size_t>(left, 1 + (state_ >> 33) % 37);
  }

 private:
  enum class how : std::uint8_t { none, everywhere, somewhere };
  cuts(how h, std::size_t seed) noexcept : how_(h), state_(seed) {}
  how how_;
  std::uint64_t state_;
};

/// Memory of exactly that size, so that AddressSanitizer watches both ends.
inline std::vector<std::byte> copy_of(std::string_view text) {
  const auto view = core::as_bytes(text);
  return {view.begin(), view.end()};
}

/// Nothing in it could do harm to a terminal, a log or an HTTP message.
inline bool harmless(std::string_view text) {
  return std::ranges::all_of(text, [](unsigned char c) { return c >= 0x20 && c != 0x7F; });
}

void run(input in);

}  // namespace adieu::fuzz
