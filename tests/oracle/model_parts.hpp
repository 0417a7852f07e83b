// What both models need to read a peer's bytes; nothing here is Adieu's code.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace oracle {

[[nodiscard]] inline unsigned octet(std::string_view bytes, std::size_t at) {
  return static_cast<unsigned char>(bytes[at]);
}

struct frame_head {
  std::size_t size = 0;
  std::size_t length = 0;
  unsigned opcode = 0;
  unsigned reserved = 0;
  bool fin = false;
  bool masked = false;
  bool minimal = true;     ///< the length is in its shortest form
  bool too_large = false;  ///< its most significant bit is set
  std::string key;

  [[nodiscard]] std::string unmasked(std::string payload) const {
    for (std::size_t i = 0; masked && i < payload.size(); ++i) {
      payload[i] = static_cast<char>(payload[i] ^ key[i % 4]);
    }
    return payload;
  }
};

/// Of bytes that hold the whole head.
[[nodiscard]] frame_head read_head(std::string_view bytes);

/// N6.
[[nodiscard]] bool accepted_from_wire(int code);

[[nodiscard]] std::string close_payload(int code, std::string_view reason);

/// UTF-8 in pieces. What is cut at the end of a piece waits for the next one.
class utf8_check {
 public:
  enum class judges : bool {
    every_byte,
    whole_code_points,  ///< whether one is overlong; the rest at the second byte (.NET)
  };
  explicit utf8_check(judges how = judges::every_byte) noexcept : how_(how) {}

  /// False when it can't become valid any more.
  [[nodiscard]] bool feed(std::string_view piece, bool ends);
  /// How many bytes of `piece` are still valid.
  [[nodiscard]] std::size_t valid_prefix(std::string_view piece);
  [[nodiscard]] bool cut() const noexcept { return left_ != 0; }

 private:
  [[nodiscard]] bool step(unsigned byte);
  [[nodiscard]] bool possible() const;

  judges how_;
  unsigned left_ = 0;    // bytes that are still to come
  unsigned length_ = 0;  // of the code point
  unsigned value_ = 0;   // so far
};

}  // namespace oracle
