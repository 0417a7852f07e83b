#include "frame.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace adieu::conformance {
namespace {

unsigned char byte_at(std::string_view of, std::size_t at) {
  return static_cast<unsigned char>(of[at]);
}

std::uint64_t number(std::string_view bytes) {
  std::uint64_t out = 0;
  for (const char each : bytes) out = out << 8U | static_cast<unsigned char>(each);
  return out;
}

void append_number(std::string& to, std::uint64_t value, unsigned bytes) {
  while (bytes-- > 0) to += static_cast<char>(value >> (8U * bytes) & 0xFFU);
}

std::string name_of(unsigned opcode) {
  switch (opcode) {
    case op_continuation: return "cont";
    case op_text: return "text";
    case op_binary: return "bin";
    case op_close: return "close";
    case op_ping: return "ping";
    case op_pong: return "pong";
    default: return fmt::format("op{}", opcode);
  }
}

}  // namespace

std::string encode_header(const frame& of, std::size_t size, const std::optional<mask_key>& key) {
  const unsigned first = (of.fin ? 0x80U : 0U) | of.rsv << 4U | of.opcode;
  std::string out(1, static_cast<char>(first));
  const unsigned masked = key ? 0x80U : 0U;
  if (size < 126) {
    out += static_cast<char>(masked | size);
  } else if (size < 65536) {
    out += static_cast<char>(masked | 126U);
    append_number(out, size, 2);
  } else {
    out += static_cast<char>(masked | 127U);
    append_number(out, size, 8);
  }
  if (key) out.append(reinterpret_cast<const char*>(key->data()), key->size());
  return out;
}

void mask(std::string& bytes, const mask_key& key, std::size_t offset) {
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    bytes[i] = static_cast<char>(byte_at(bytes, i) ^ key[(offset + i) % 4]);
  }
}

std::string encode(const frame& what, const std::optional<mask_key>& key) {
  std::string out = encode_header(what, what.payload.size(), key);
  if (!key) return out + what.payload;
  std::string masked = what.payload;
  mask(masked, *key);
  return out + masked;
}

std::string show(std::string_view bytes, std::size_t most) {
  const bool printable =
      std::ranges::all_of(bytes, [](char c) { return c >= ' ' && c <= '~' && c != '"'; });
  const bool cut = bytes.size() > most;
  if (printable) return fmt::format("\"{}\"{}", bytes.substr(0, most), cut ? " …" : "");
  std::string out = "0x";
  for (const char each : bytes.substr(0, most / 2)) {
    out += fmt::format("{:02x}", static_cast<unsigned char>(each));
  }
  return bytes.size() > most / 2 ? out + " …" : out;
}

std::string describe(const frame& what) {
  std::string out = name_of(what.opcode);
  if (!what.fin) out += "-";
  if (what.rsv != 0) out += fmt::format(" rsv{}", what.rsv);
  std::string_view rest = what.payload;
  if (what.opcode == op_close && rest.size() >= 2) {
    out += fmt::format(" {}", number(rest.substr(0, 2)));
    rest.remove_prefix(2);
    return rest.empty() ? out : fmt::format("{} {}", out, show(rest));
  }
  if (rest.empty()) return out + " (empty)";
  return fmt::format("{}, {} B {}", out, rest.size(), show(rest));
}

std::string close_payload(std::optional<std::uint16_t> code, std::string_view reason) {
  std::string out;
  if (code) append_number(out, *code, 2);
  return out.append(reason);
}

std::optional<frame> frame_reader::next() {
  const std::string_view in = std::string_view(held_).substr(at_);
  if (in.size() < 2) return std::nullopt;
  const unsigned first = byte_at(in, 0), second = byte_at(in, 1);
  const std::size_t wide = (second & 127U) == 126 ? 2 : (second & 127U) == 127 ? 8 : 0;
  const bool masked = (second & 128U) != 0;
  const std::size_t header = 2 + wide + (masked ? 4 : 0);
  if (in.size() < header) return std::nullopt;
  const std::uint64_t size = wide != 0 ? number(in.substr(2, wide)) : second & 127U;
  if (size > in.size() - header) return std::nullopt;

  frame out;
  out.fin = (first & 128U) != 0;
  out.rsv = first >> 4U & 7U;
  out.opcode = first & 15U;
  out.masked = masked;
  out.minimal = wide == 0 || (wide == 2 ? size > 125 : size > 65535);
  out.octets = header + static_cast<std::size_t>(size);
  out.payload = in.substr(header, static_cast<std::size_t>(size));
  if (masked) {
    mask_key key;
    std::ranges::transform(in.substr(header - 4, 4), key.begin(), [](char c) {
      return static_cast<unsigned char>(c);
    });
    mask(out.payload, key);
  }
  at_ += out.octets;
  if (at_ == held_.size() || at_ > (std::size_t{1} << 20U)) {
    held_.erase(0, at_);
    at_ = 0;
  }
  return out;
}

}  // namespace adieu::conformance
