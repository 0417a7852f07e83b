// What the load generator sends: payloads, and the masked client frames around them
// (RFC 6455 section 5.2), all built before the measurement starts.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "json.hpp"
#include "options.hpp"

namespace bench::load {

/// One payload of exactly options.size bytes, different for each seed; text is valid UTF-8.
inline std::string make_payload(const options& chosen, std::uint64_t seed) {
  if (chosen.kind == payload_kind::json) {
    return make_json(chosen.size, seed);
  }
  // Latin, Greek, Cyrillic, Devanagari, Han and an emoji: one to four bytes a character.
  static constexpr std::array<std::string_view, 8> characters = {"a",
                                                                 "e",
                                                                 "\xc3\xa9",
                                                                 "\xce\xbb",
                                                                 "\xd0\xb6",
                                                                 "\xe0\xa4\x95",
                                                                 "\xe6\xb0\xb4",
                                                                 "\xf0\x9f\x8c\x8a"};
  std::uint64_t state = seed * 0x9e3779b97f4a7c15U + 0x632be59bd9b4e019U;
  const auto next = [&state] {
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return state >> 16;
  };
  std::string payload;
  payload.reserve(chosen.size);
  while (payload.size() < chosen.size) {
    const auto letter = static_cast<char>('a' + next() % 26);
    switch (chosen.kind) {
      case payload_kind::binary: payload.push_back(static_cast<char>(next() & 0xff)); break;
      case payload_kind::ascii_text: payload.push_back(letter); break;
      case payload_kind::mixed_text: {
        const auto character = characters[next() % characters.size()];
        if (payload.size() + character.size() <= chosen.size) {
          payload.append(character);
        } else {
          payload.push_back(letter);
        }
        break;
      }
      case payload_kind::json: break;
    }
  }
  return payload;
}

inline constexpr std::uint8_t fin_bit = 0x80;
inline constexpr std::uint8_t rsv1_bit = 0x40;  // RFC 7692: the message is compressed
inline constexpr std::uint8_t mask_bit = 0x80;
inline constexpr std::uint8_t opcode_continuation = 0x0;
inline constexpr std::uint8_t opcode_text = 0x1;
inline constexpr std::uint8_t opcode_binary = 0x2;
inline constexpr std::uint8_t opcode_close = 0x8;
inline constexpr std::uint8_t first_control_opcode = 0x8;

inline std::uint8_t opcode_of(payload_kind kind) {
  return kind == payload_kind::binary ? opcode_binary : opcode_text;
}

inline void append_masked_frame(std::string& out,
                                std::uint8_t opcode,
                                std::string_view payload,
                                std::uint32_t key) {
  const auto put = [&out](std::uint64_t byte) { out.push_back(static_cast<char>(byte & 0xff)); };
  put(fin_bit | opcode);
  const std::uint64_t length = payload.size();
  const int length_bytes = length < 126 ? 0 : length < 65536 ? 2 : 8;
  put(mask_bit | (length_bytes == 0 ? length : length_bytes == 2 ? 126U : 127U));
  for (int i = length_bytes - 1; i >= 0; --i) {
    put(length >> (8 * i));
  }
  for (unsigned i = 0; i < 4; ++i) {
    put(key >> (8 * i));
  }
  for (std::size_t i = 0; i < payload.size(); ++i) {
    put(static_cast<std::uint8_t>(payload[i]) ^ (key >> (8 * (i % 4))));
  }
}

inline std::uint32_t key_of(std::uint64_t seed) {
  return static_cast<std::uint32_t>(seed * 2654435761U + 0x5bd1e995U);
}

/// Appends one message as it goes over the wire: a masked frame, or the bytes alone on raw TCP.
inline void append_message(std::string& out,
                           const options& chosen,
                           std::string_view payload,
                           std::uint64_t seed) {
  if (chosen.speaks == protocol::raw_tcp) {
    out.append(payload);
    return;
  }
  append_masked_frame(out, opcode_of(chosen.kind), payload, key_of(seed));
}

}  // namespace bench::load
