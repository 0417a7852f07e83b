// Colors for a terminal, or none; and how wide a text is there.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace adieu::tool::demo {

enum class ink : std::uint8_t { plain, bold, faint, good, bad, close, control, tcp };

class palette {
 public:
  explicit palette(bool colored) noexcept : colored_(colored) {}

  [[nodiscard]] std::string paint(ink with, std::string_view text) const {
    if (!colored_ || with == ink::plain) return std::string(text);
    return std::string(code(with)).append(text).append("\x1b[0m");
  }

 private:
  static constexpr std::string_view code(ink which) noexcept {
    switch (which) {
      case ink::plain: return "";
      case ink::bold: return "\x1b[1m";
      case ink::faint: return "\x1b[2m";
      case ink::good: return "\x1b[32m";
      case ink::bad: return "\x1b[1;31m";
      case ink::close: return "\x1b[1;33m";
      case ink::control: return "\x1b[35m";
      case ink::tcp: return "\x1b[36m";
    }
    return "";
  }

  bool colored_;
};

/// In columns. Everything that the demo prints is one column a code point.
[[nodiscard]] constexpr std::size_t columns(std::string_view text) noexcept {
  std::size_t count = 0;
  for (const char c : text) count += (static_cast<unsigned char>(c) & 0xC0U) != 0x80U ? 1 : 0;
  return count;
}

/// `unit` as often as asked.
[[nodiscard]] inline std::string repeat(std::string_view unit, std::size_t times) {
  std::string out;
  while (times-- > 0) out += unit;
  return out;
}

/// Cut to `most` columns, with an ellipsis.
[[nodiscard]] inline std::string shorten(std::string_view text, std::size_t most) {
  if (columns(text) <= most) return std::string(text);
  std::string out;
  std::size_t count = 0;
  for (const char c : text) {
    if ((static_cast<unsigned char>(c) & 0xC0U) != 0x80U && ++count == most) break;
    out += c;
  }
  return out + "…";
}

/// Lines of at most `width` columns, broken behind a ";" where possible, otherwise at a space.
[[nodiscard]] std::vector<std::string> wrap(std::string_view text, std::size_t width);

}  // namespace adieu::tool::demo
