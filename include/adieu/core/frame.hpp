// Frame headers (RFC 6455 §5.2), both ways. Pure functions over bytes: no state, no payloads.
// A header is judged as soon as a byte of it is wrong, not when it is complete.
#pragma once

#include "adieu/core/mask.hpp"
#include "adieu/core/violation.hpp"

namespace adieu::core {

enum class opcode : std::uint8_t {
  continuation = 0,
  text = 1,
  binary = 2,
  close = 8,
  ping = 9,
  pong = 10,
};

[[nodiscard]] constexpr bool is_control(opcode op) noexcept { return op >= opcode::close; }

inline constexpr std::size_t max_header_size = 14;
inline constexpr std::size_t max_control_payload = 125;
inline constexpr std::uint64_t max_short_payload = 125;  // its length is in the second byte (§5.2)

struct frame_header {
  opcode op = opcode::continuation;
  bool fin = true;
  bool rsv1 = false;  ///< RFC 7692 §6: the message is compressed
  bool masked = false;
  mask_key key{};
  std::uint64_t length = 0;
};

/// Writes the header, with the shortest form of the length. Returns its size, 2–14 bytes.
std::size_t encode_header(const frame_header& header,
                          std::span<std::byte, max_header_size> out) noexcept;

/// Which frames are legal: a server takes only masked frames, a client only unmasked ones, and
/// RSV1 may be set only where an extension allows it.
struct frame_rules {
  role receiver = role::server;
  bool rsv1_allowed = false;
};

struct parsed_header {
  enum class outcome : std::uint8_t { incomplete, complete, wrong } result = outcome::incomplete;
  frame_header header;
  std::size_t size = 0;  ///< bytes of the header, when complete
  violation wrong = violation::none;
  /// Offset of the byte that broke the rule, the same however the input is cut; for a length that
  /// is not minimal, its first byte after the short one (2), though later bytes prove it.
  std::size_t wrong_at = 0;
};

/// Reads one header from the start of `data`, which may be cut anywhere.
[[nodiscard]] parsed_header parse_header(const_bytes data, frame_rules rules) noexcept;

}  // namespace adieu::core
