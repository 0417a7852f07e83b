// Frames for tests, written and read by a second hand: nothing here uses the library's own frame
// code, so that a mistake there can't hide. Both roles; wrong frames can be built too.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "adieu/core/types.hpp"

namespace adieu::test {

inline constexpr unsigned continuation_op = 0, text_op = 1, binary_op = 2, close_op = 8,
                          ping_op = 9, pong_op = 10;

struct frame {
  unsigned op = text_op;
  std::string payload;
  bool fin = true;
  unsigned rsv = 0;

  friend bool operator==(const frame&, const frame&) = default;
};

inline std::string masked_copy(std::string_view payload, std::string_view key) {
  std::string out(payload);
  for (std::size_t i = 0; i < out.size(); ++i) out[i] = static_cast<char>(out[i] ^ key[i % 4]);
  return out;
}

/// The bytes of a frame as `from` has to send it: only a client masks.
inline std::string encode(role from, const frame& f) {
  const std::string_view key = "\x5A\x01\xFE\x37";
  std::string out;
  out += static_cast<char>((f.fin ? 0x80 : 0) | f.rsv << 4 | f.op);
  const unsigned mask = from == role::client ? 0x80 : 0;
  const std::uint64_t size = f.payload.size();
  if (size <= 125) {
    out += static_cast<char>(mask | size);
  } else {
    const int width = size <= 0xFFFF ? 2 : 8;
    out += static_cast<char>(mask | (width == 2 ? 126U : 127U));
    for (int i = width - 1; i >= 0; --i) out += static_cast<char>(size >> (8 * i));
  }
  if (mask == 0) return out + f.payload;
  out += key;
  return out + masked_copy(f.payload, key);
}

inline std::string close_payload_bytes(unsigned code, std::string_view reason = {}) {
  std::string out{static_cast<char>(code >> 8), static_cast<char>(code)};
  return out += reason;
}

/// Reads every whole frame off the front of `from`; what is left stays there. `masked` frames must
/// be masked and others must not: a wrong one shows up as opcode 99.
inline std::vector<frame> take_frames(std::string& from, role sender) {
  std::vector<frame> out;
  const auto at = [&](std::size_t i) { return static_cast<unsigned char>(from[i]); };
  while (from.size() >= 2) {
    frame f;
    f.op = at(0) & 15U;
    f.fin = (at(0) & 0x80) != 0;
    f.rsv = at(0) >> 4 & 7U;
    const bool masked = (at(1) & 0x80) != 0;
    std::uint64_t size = at(1) & 0x7F;
    std::size_t head = 2;
    if (size >= 126) {
      const std::size_t width = size == 126 ? 2 : 8;
      head += width;
      if (from.size() < head) break;
      size = 0;
      for (std::size_t i = 2; i < head; ++i) size = size << 8 | at(i);
    }
    const std::string key = masked ? from.substr(head, 4) : "";
    head += masked ? 4 : 0;
    if (from.size() < head + size) break;
    f.payload = from.substr(head, size);
    if (masked) f.payload = masked_copy(f.payload, key);
    if (masked != (sender == role::client)) f.op = 99;
    from.erase(0, head + size);
    out.push_back(f);
  }
  return out;
}

inline role other(role r) { return r == role::client ? role::server : role::client; }

inline std::string name_of(role r) { return r == role::client ? "client" : "server"; }

}  // namespace adieu::test
