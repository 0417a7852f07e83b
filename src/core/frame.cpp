// Frame headers (RFC 6455 §5.2). The parser judges byte by byte, so that the verdict and its
// offset never depend on where the input was cut.
#include "adieu/core/frame.hpp"

#include <algorithm>

namespace adieu::core {
namespace {

constexpr std::uint8_t fin_bit = 0x80;
constexpr std::uint8_t rsv1_bit = 0x40;
constexpr std::uint8_t other_rsv_bits = 0x30;
constexpr std::uint8_t mask_bit = 0x80;
constexpr std::uint8_t length_in_2_bytes = 126;
constexpr std::uint8_t length_in_8_bytes = 127;

std::uint8_t at(const_bytes data, std::size_t index) noexcept {
  return std::to_integer<std::uint8_t>(data[index]);
}

std::uint64_t read_big_endian(const_bytes data) noexcept {
  std::uint64_t value = 0;
  for (const std::byte byte : data) value = (value << 8) | std::to_integer<std::uint8_t>(byte);
  return value;
}

void write_big_endian(bytes out, std::uint64_t value) noexcept {
  for (std::size_t i = out.size(); i-- > 0; value >>= 8) out[i] = static_cast<std::byte>(value);
}

bool is_reserved(std::uint8_t op) noexcept {
  return (op >= 3 && op <= 7) || op >= 11;  // §5.2
}

/// FIN, RSV1–3 and the opcode. Several faults in the byte: the first in this order counts.
violation judge_first_byte(std::uint8_t byte, frame_rules rules) noexcept {
  const std::uint8_t op = byte & 0x0F;
  if ((byte & other_rsv_bits) != 0) return violation::reserved_bit_set;  // §5.2
  if ((byte & rsv1_bit) != 0) {
    // RFC 7692 §6.1: only on the first frame of a data message.
    const bool first_of_data = op == 1 || op == 2;
    if (!rules.rsv1_allowed || !first_of_data) return violation::reserved_bit_set;
  }
  if (is_reserved(op)) return violation::reserved_opcode;                            // §5.2
  if (op >= 8 && (byte & fin_bit) == 0) return violation::fragmented_control_frame;  // §5.5
  return violation::none;
}

/// The mask bit and the short length.
violation judge_second_byte(std::uint8_t byte, opcode op, role receiver) noexcept {
  const bool masked = (byte & mask_bit) != 0;
  if (receiver == role::server && !masked) return violation::unmasked_client_frame;  // §5.1, D4
  if (receiver == role::client && masked) return violation::masked_server_frame;     // §5.1
  if (is_control(op) && (byte & 0x7F) > max_control_payload) {
    return violation::control_frame_too_long;  // §5.5
  }
  return violation::none;
}

/// The bytes of an extended length, as far as they are here.
violation judge_extended_length(const_bytes available, std::size_t width) noexcept {
  if (width == 8) {
    if (!available.empty() && at(available, 0) >= 0x80) return violation::length_too_large;  // §5.2
    // It fits in two bytes: known once the upper six are.
    if (available.size() >= 6 && read_big_endian(available.first(6)) == 0) {
      return violation::length_not_minimal;  // §5.2, D16
    }
  } else if (available.size() == width && read_big_endian(available) < length_in_2_bytes) {
    return violation::length_not_minimal;  // §5.2, D16
  }
  return violation::none;
}

}  // namespace

std::size_t encode_header(const frame_header& header,
                          std::span<std::byte, max_header_size> out) noexcept {
  const unsigned first = static_cast<unsigned>(header.op) | (header.fin ? fin_bit : 0U) |
                         (header.rsv1 ? rsv1_bit : 0U);
  out[0] = static_cast<std::byte>(first);

  std::size_t size = 2;
  unsigned second = header.masked ? mask_bit : 0U;
  if (header.length < length_in_2_bytes) {
    second |= static_cast<unsigned>(header.length);
  } else if (header.length <= 0xFFFF) {
    second |= length_in_2_bytes;
    write_big_endian(out.subspan(2, 2), header.length);
    size += 2;
  } else {
    second |= length_in_8_bytes;
    write_big_endian(out.subspan(2, 8), header.length);
    size += 8;
  }
  out[1] = static_cast<std::byte>(second);

  if (header.masked) {
    std::ranges::copy(header.key, out.begin() + static_cast<std::ptrdiff_t>(size));
    size += header.key.size();
  }
  return size;
}

parsed_header parse_header(const_bytes data, frame_rules rules) noexcept {
  parsed_header parsed;
  const auto wrong = [&parsed](violation rule, std::size_t offset) {
    parsed.result = parsed_header::outcome::wrong;
    parsed.wrong = rule;
    parsed.wrong_at = offset;
    return parsed;
  };

  if (data.empty()) return parsed;
  const std::uint8_t first = at(data, 0);
  parsed.header.op = static_cast<opcode>(first & 0x0F);
  parsed.header.fin = (first & fin_bit) != 0;
  parsed.header.rsv1 = (first & rsv1_bit) != 0;
  if (const auto rule = judge_first_byte(first, rules); rule != violation::none) {
    return wrong(rule, 0);
  }

  if (data.size() < 2) return parsed;
  const std::uint8_t second = at(data, 1);
  parsed.header.masked = (second & mask_bit) != 0;
  if (const auto rule = judge_second_byte(second, parsed.header.op, rules.receiver);
      rule != violation::none) {
    return wrong(rule, 1);
  }

  const std::uint8_t short_length = second & 0x7F;
  const std::size_t width = short_length == length_in_8_bytes   ? 8
                            : short_length == length_in_2_bytes ? 2
                                                                : 0;
  parsed.header.length = short_length;
  if (width > 0) {
    const const_bytes here = data.subspan(2, std::min(width, data.size() - 2));
    if (const auto rule = judge_extended_length(here, width); rule != violation::none) {
      return wrong(rule, 2);
    }
    if (here.size() < width) return parsed;
    parsed.header.length = read_big_endian(here);
  }

  const std::size_t key_at = 2 + width;
  const std::size_t size = key_at + (parsed.header.masked ? parsed.header.key.size() : 0);
  if (data.size() < size) return parsed;
  if (parsed.header.masked) {
    std::ranges::copy(data.subspan(key_at, parsed.header.key.size()), parsed.header.key.begin());
  }
  parsed.size = size;
  parsed.result = parsed_header::outcome::complete;
  return parsed;
}

}  // namespace adieu::core
