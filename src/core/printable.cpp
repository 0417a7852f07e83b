// Text of a peer for terminals and logs, one code point at a time: what a terminal would obey, and
// what makes a line say something else than it seems to, is escaped.
#include "core/printable.hpp"

#include <fmt/format.h>

#include <iterator>

#include "adieu/core/utf8.hpp"
#include "adieu/record.hpp"

namespace adieu {
namespace {

enum class kind : std::uint8_t { harmless, misleading, not_utf8 };

struct piece {
  std::string_view bytes;  // of one code point, or a single byte that begins none
  kind what;
};

std::uint32_t code_point(std::string_view bytes) noexcept {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(bytes[i]); };
  if (bytes.size() == 1) return byte(0);
  if (bytes.size() == 2) return (byte(0) & 0x1FU) << 6 | (byte(1) & 0x3FU);
  if (bytes.size() == 3) {
    return (byte(0) & 0x0FU) << 12 | (byte(1) & 0x3FU) << 6 | (byte(2) & 0x3FU);
  }
  return 0x10000;  // and above: nothing there misleads
}

// Control characters, and what breaks lines or turns the order of what is shown (Unicode TR 36).
bool misleads(std::uint32_t point) noexcept {
  const auto between = [point](std::uint32_t first, std::uint32_t last) {
    return point >= first && point <= last;
  };
  return between(0, 0x1F) || between(0x7F, 0x9F) || point == 0x061C || between(0x200E, 0x200F) ||
         between(0x2028, 0x202E) || between(0x2066, 0x2069);
}

piece first_piece(std::string_view text) {
  core::utf8_validator utf8;
  for (std::size_t size = 1; size <= text.size(); ++size) {
    if (utf8.feed(core::as_bytes(text.substr(size - 1, 1))) != 1) break;
    if (!utf8.complete()) continue;
    const std::string_view whole = text.substr(0, size);
    return {whole, misleads(code_point(whole)) ? kind::misleading : kind::harmless};
  }
  return {text.substr(0, 1), kind::not_utf8};
}

template <typename Add>
void for_each_piece(std::string_view text, Add add) {
  while (!text.empty()) {
    const piece next = first_piece(text);
    add(next);
    text.remove_prefix(next.bytes.size());
  }
}

bool needs_a_backslash(const piece& what) noexcept {
  return what.bytes == "\"" || what.bytes == "\\";
}

void add_printable(std::string& out, const piece& next) {
  if (next.what == kind::harmless) {
    out += next.bytes;
    return;
  }
  for (const char c : next.bytes) {
    fmt::format_to(std::back_inserter(out), "\\x{:02X}", static_cast<unsigned char>(c));
  }
}

}  // namespace

std::string printable(std::string_view bytes) {
  std::string out;
  for_each_piece(bytes, [&out](const piece& next) { add_printable(out, next); });
  return out;
}

std::string core::quoted(std::string_view bytes) {
  std::string out = "\"";
  for_each_piece(bytes, [&out](const piece& next) {
    if (needs_a_backslash(next)) out += '\\';
    add_printable(out, next);
  });
  return out + '"';
}

std::string json_string(std::string_view bytes) {
  std::string out = "\"";
  for_each_piece(bytes, [&out](const piece& next) {
    if (needs_a_backslash(next)) out += '\\';
    if (next.what == kind::misleading) {
      fmt::format_to(std::back_inserter(out), "\\u{:04x}", code_point(next.bytes));
    } else {
      if (next.what == kind::not_utf8) out += '\\';
      add_printable(out, next);
    }
  });
  return out + '"';
}

}  // namespace adieu
