// RFC 6455's frames for the suite's side: written and read by a second hand. Nothing here uses the
// library's frame code, so that a mistake there can't hide; wrong frames can be built too.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace adieu::conformance {

inline constexpr unsigned op_continuation = 0, op_text = 1, op_binary = 2, op_close = 8,
                          op_ping = 9, op_pong = 10;

struct frame {
  frame() = default;
  frame(unsigned what, std::string bytes) : opcode(what), payload(std::move(bytes)) {}

  bool fin = true;
  unsigned rsv = 0;  // three bits: 4 is RSV1
  unsigned opcode = op_text;
  std::string payload;
  bool masked = false;     // when read
  bool minimal = true;     // when read: its length is in the shortest form
  std::size_t octets = 0;  // when read: with its header
};

using mask_key = std::array<unsigned char, 4>;

/// The header for a payload of `size` bytes.
std::string encode_header(const frame& of, std::size_t size, const std::optional<mask_key>& key);
/// `offset`: how many bytes of the same frame were masked before these.
void mask(std::string& bytes, const mask_key& key, std::size_t offset = 0);
std::string encode(const frame& what, const std::optional<mask_key>& key);

/// "text, 13 B "Hello, world!"": a frame in words, its payload shortened.
std::string describe(const frame& what);
/// Bytes in words: a string in quotes, or hex; shortened.
std::string show(std::string_view bytes, std::size_t most = 48);
std::string close_payload(std::optional<std::uint16_t> code, std::string_view reason = {});

class frame_reader {
 public:
  void feed(std::string_view bytes) { held_ += bytes; }
  /// The next whole frame, unmasked.
  std::optional<frame> next();

 private:
  std::string held_;
  std::size_t at_ = 0;
};

}  // namespace adieu::conformance
