// One frame, or what is wrong with it, at a time.
#include "tests/oracle/eager_reader.hpp"

namespace oracle {

std::optional<eager_reader::item> eager_reader::next() {
  item out;
  if (bad_text_) {
    out.wrong = bad_text_;
    return out;
  }
  if (!in_frame_) {
    if (in_.empty()) return std::nullopt;
    out.wrong = wrong_so_far();
    if (out.wrong) return out;
    if (in_.size() < 2 || in_.size() < header_size()) return std::nullopt;
    head_ = read_head(in_);
    if (head_.opcode < 8 && (head_.opcode == 0) != in_message_) {
      const char* const reason = in_message_ ? "a new message inside an unfinished one"
                                             : "a continuation without a message to continue";
      out.wrong = fault{1002, reason, 1};
      return out;
    }
    in_.erase(0, head_.size);
    in_frame_ = begins_ = true;
    left_ = head_.length;
    mask_at_ = 0;
    if (head_.opcode == 1 || head_.opcode == 2) {
      text_ = head_.opcode == 1;
      utf8_ = utf8_check();
      late_utf8_ = utf8_check(utf8_check::judges::whole_code_points);
    }
    if (head_.opcode < 8) in_message_ = !head_.fin;
  }
  if (head_.opcode < 8) {
    if (left_ != 0 && in_.empty() && !begins_) return std::nullopt;
    return read_data();
  }
  if (in_.size() < head_.length) return std::nullopt;
  out.opcode = head_.opcode;
  out.payload = head_.unmasked(in_.substr(0, head_.length));
  in_.erase(0, head_.length);
  in_frame_ = false;
  return out;
}

// Of a bad text, what comes before the bad byte is good.
eager_reader::item eager_reader::read_data() {
  item out;
  out.payload = in_.substr(0, left_);
  in_.erase(0, out.payload.size());
  left_ -= out.payload.size();
  for (char& one : out.payload) {
    if (head_.masked) one = static_cast<char>(one ^ head_.key[mask_at_++ % 4]);
  }
  out.text = text_;
  out.begins = std::exchange(begins_, false);
  out.ends = left_ == 0;
  out.ends_message = out.ends && head_.fin;
  in_frame_ = !out.ends;
  if (!text_) return out;

  const std::size_t good = utf8_.valid_prefix(out.payload);
  const std::size_t good_to_dotnet = late_utf8_.valid_prefix(out.payload);
  const bool cut = out.ends_message && utf8_.cut();
  if (good < out.payload.size() || cut) {
    const row why = cut && head_.length == 0 ? 25 : good < good_to_dotnet ? 24 : 1;
    bad_text_ = fault{1007, "a text message is not valid UTF-8", why};
    out.payload.resize(good);
    out.ends = out.ends_message = false;
  }
  return out;
}

std::size_t eager_reader::header_size() const {
  const unsigned length = octet(in_, 1) & 0x7FU;
  return 2U + (server_ ? 4U : 0U) + (length == 126 ? 2U : length == 127 ? 8U : 0U);
}

// .NET judges headers that are whole (row 24).
std::optional<fault> eager_reader::wrong_so_far() const {
  const bool whole = in_.size() >= 2 && in_.size() >= header_size();
  const row soon = whole ? 1 : 24;
  const unsigned first = octet(in_, 0);
  const unsigned opcode = first & 0x0FU;
  if ((first & 0x70U) != 0) return fault{1002, "a reserved bit is set", soon};
  if ((opcode >= 3 && opcode <= 7) || opcode >= 11) {
    return fault{1002, "the opcode is reserved", soon};
  }
  if (opcode >= 8 && (first & 0x80U) == 0) {
    return fault{1002, "a control frame is fragmented", soon};
  }
  if (in_.size() < 2) return std::nullopt;
  const bool masked = (octet(in_, 1) & 0x80U) != 0;
  const unsigned length = octet(in_, 1) & 0x7FU;
  if (server_ && !masked) return fault{1002, "a frame from a client is not masked", whole ? 1 : 4};
  if (!server_ && masked) return fault{1002, "a frame from a server is masked", soon};
  if (opcode >= 8 && length > 125) {
    const bool short_after_all = whole && read_head(in_).length <= 125;
    return fault{1002, "a control frame is longer than 125 bytes", short_after_all ? 16 : soon};
  }
  const std::size_t width = length == 126 ? 2 : length == 127 ? 8 : 0;
  if (width == 8 && in_.size() >= 3 && octet(in_, 2) >= 0x80) {
    return fault{1002, "the most significant bit of a length is set", soon};
  }
  const bool two_would_do =
      width == 8 && in_.size() >= 8 && in_.substr(2, 6) == std::string(6, '\0');
  const bool one_would_do =
      width == 2 && in_.size() >= 4 && (octet(in_, 2) << 8U | octet(in_, 3)) < 126;
  if (two_would_do || one_would_do) {
    return fault{1002, "a length is not in its shortest form", 16};
  }
  return std::nullopt;
}

}  // namespace oracle
