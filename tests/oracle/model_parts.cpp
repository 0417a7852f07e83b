// Frames and UTF-8 for the models (RFC 6455 §5.2, RFC 3629 §4).
#include "tests/oracle/model_parts.hpp"

namespace oracle {

frame_head read_head(std::string_view bytes) {
  frame_head head;
  head.fin = (octet(bytes, 0) & 0x80U) != 0;
  head.reserved = octet(bytes, 0) & 0x70U;
  head.opcode = octet(bytes, 0) & 0x0FU;
  head.masked = (octet(bytes, 1) & 0x80U) != 0;
  head.length = octet(bytes, 1) & 0x7FU;
  head.size = 2;
  if (head.length >= 126) {
    const std::size_t width = head.length == 126 ? 2 : 8;
    head.length = 0;
    for (std::size_t i = 0; i < width; ++i) head.length = head.length << 8U | octet(bytes, 2 + i);
    head.too_large = width == 8 && octet(bytes, 2) >= 0x80;
    head.minimal = head.length >= (width == 2 ? 126U : 65536U);
    head.size += width;
  }
  if (head.masked) {
    head.key = bytes.substr(head.size, 4);
    head.size += 4;
  }
  return head;
}

bool accepted_from_wire(int code) {
  return (code >= 1000 && code <= 1003) || (code >= 1007 && code <= 1014) ||
         (code >= 3000 && code <= 4999);
}

std::string close_payload(int code, std::string_view reason) {
  std::string out{static_cast<char>(static_cast<unsigned>(code) >> 8U), static_cast<char>(code)};
  return out.append(reason);
}

bool utf8_check::step(unsigned byte) {
  if (left_ > 0) {
    if ((byte & 0xC0U) != 0x80) return false;
    value_ = value_ << 6U | (byte & 0x3FU);
    --left_;
  } else {
    if (byte < 0x80) return true;
    if (byte < 0xC0 || byte > 0xF7) return false;
    length_ = byte < 0xE0 ? 2 : byte < 0xF0 ? 3 : 4;
    left_ = length_ - 1;
    value_ = byte & (0x7FU >> length_);
  }
  return possible();
}

/// Whether some rest can make the code point a valid one.
bool utf8_check::possible() const {
  const unsigned bits = 6 * left_;
  const unsigned least = value_ << bits, most = least | ((1U << bits) - 1);
  const bool second_byte_is_here = left_ + 2 <= length_;
  if (how_ == judges::every_byte || second_byte_is_here) {
    if (least > 0x10FFFF || (least >= 0xD800 && most <= 0xDFFF)) return false;
  }
  constexpr unsigned lowest[] = {0, 0, 0x80, 0x800, 0x10000};
  return (how_ == judges::whole_code_points && left_ != 0) || most >= lowest[length_];
}

std::size_t utf8_check::valid_prefix(std::string_view piece) {
  for (std::size_t i = 0; i < piece.size(); ++i) {
    if (!step(octet(piece, i))) return i;
  }
  return piece.size();
}

bool utf8_check::feed(std::string_view piece, bool ends) {
  return valid_prefix(piece) == piece.size() && !(ends && cut());
}

}  // namespace oracle
