// Results in words, and frames taken apart without any code of Adieu's.
#include "tests/oracle/outcome.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace oracle {
namespace {

unsigned octet(std::string_view bytes, std::size_t at) {
  return static_cast<unsigned char>(bytes[at]);
}

std::string_view kind_of(unsigned opcode) {
  switch (opcode) {
    case 0: return "cont";
    case 1: return "text";
    case 2: return "binary";
    case 8: return "close";
    case 9: return "ping";
    case 10: return "pong";
    default: return "reserved";
  }
}

}  // namespace

std::string to_line(const outcome& one) {
  return fmt::format("[{}] {} {} wire [{}]{}{}",
                     fmt::join(one.done, ", "),
                     one.state,
                     one.status,
                     fmt::join(one.wire, ", "),
                     one.tcp.empty() ? "" : " ",
                     one.tcp);
}

std::string shown(std::string_view bytes) {
  if (bytes.size() > 32) {
    std::uint32_t hash = 2166136261U;
    for (const char one : bytes) hash = (hash ^ static_cast<unsigned char>(one)) * 16777619U;
    return fmt::format("[{} bytes, {:08x}]", bytes.size(), hash);
  }
  std::string text = "\"";
  for (const char one : bytes) {
    const bool plain = one > 32 && one < 127 && one != '\\' && one != '"';
    text += plain ? std::string(1, one) : fmt::format("\\x{:02x}", static_cast<unsigned char>(one));
  }
  return text + '"';
}

std::string frame_in_words(unsigned char first, std::string_view payload) {
  std::string out(kind_of(first & 0x0FU));
  if ((first & 0x70U) != 0) out += " rsv";
  if ((first & 0x08U) == 0 || (first & 0x80U) == 0) out += (first & 0x80U) != 0 ? " end" : " more";
  if ((first & 0x0FU) == 8 && payload.size() >= 2) {
    return fmt::format(
        "{} {} {}", out, octet(payload, 0) << 8U | octet(payload, 1), shown(payload.substr(2)));
  }
  return out + " " + shown(payload);
}

std::vector<std::string> frame_log::take(std::string_view more) {
  held_ += more;
  std::vector<std::string> out;
  for (;;) {
    const std::string_view rest = held_;
    if (rest.size() < 2) return out;
    const bool masked = (octet(rest, 1) & 0x80U) != 0;
    std::size_t length = octet(rest, 1) & 0x7FU;
    std::size_t at = 2;
    if (length >= 126) {
      const std::size_t width = length == 126 ? 2 : 8;
      if (rest.size() < at + width) return out;
      length = 0;
      for (std::size_t i = 0; i < width; ++i) length = length << 8U | octet(rest, at + i);
      at += width;
    }
    const std::size_t key_at = at;
    if (masked) at += 4;
    if (rest.size() < at + length) return out;
    std::string payload(rest.substr(at, length));
    if (masked) {
      for (std::size_t i = 0; i < length; ++i) {
        payload[i] = static_cast<char>(payload[i] ^ rest[key_at + i % 4]);
      }
    }
    std::string words = frame_in_words(static_cast<unsigned char>(rest[0]), payload);
    if (masked != (from_ == adieu::role::client)) words = "wrongly masked " + words;
    out.push_back(std::move(words));
    held_.erase(0, at + length);
  }
}

}  // namespace oracle
