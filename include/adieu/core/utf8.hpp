// UTF-8 over pieces (RFC 6455 §8.1, RFC 3629): a text may be cut anywhere, also inside a code
// point, and fails at the first byte that no valid text could have there. The bulk goes through
// simdjson; only the edges between pieces, and the search for the bad byte, are by hand.
#pragma once

#include "adieu/core/fingerprint.hpp"

namespace adieu::core {

class utf8_validator {
 public:
  /// Takes the next piece. Returns how many of its bytes are acceptable: all of them, or the
  /// offset of the first bad byte. After a bad byte, only reset() is allowed.
  [[nodiscard]] std::size_t feed(const_bytes piece) noexcept;

  /// True when no code point is cut off at the end of what was fed.
  [[nodiscard]] bool complete() const noexcept { return missing_ == 0; }

  void reset() noexcept { *this = {}; }
  void add_to(fingerprint_maker& out) const noexcept;

  friend bool operator==(const utf8_validator&, const utf8_validator&) = default;

 private:
  [[nodiscard]] bool step(std::uint8_t byte) noexcept;

  std::uint8_t missing_ = 0;    // continuation bytes that are still to come
  std::uint8_t lowest_ = 0x80;  // bounds of the next continuation byte
  std::uint8_t highest_ = 0xBF;
};

/// True when `text` is complete, valid UTF-8.
[[nodiscard]] bool valid_utf8(const_bytes text) noexcept;

}  // namespace adieu::core
