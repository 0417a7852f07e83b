// Frames out of a stream of bytes, one step at a time.
#include "adieu/core/frame_reader.hpp"

#include <algorithm>
#include <cstring>

namespace adieu::core {
frame_reader::step_result frame_reader::broken(violation wrong, std::uint64_t at) const noexcept {
  step_result out;
  out.what = found::broken;
  out.wrong = wrong;
  out.wrong_at = at;
  return out;
}

frame_reader::step_result frame_reader::step(bytes& in) {
  step_result out;
  if (const bytes whole = take_short(in, max_short_payload, out.type); whole.data() != nullptr) {
    out.what = found::data;
    out.payload = whole;
    out.frame_begins = out.frame_ends = out.message_ends = true;
    out.announced = whole.size();
    return out;
  }
  if (bad_text_at_) {
    out = broken(violation::invalid_utf8_text, *bad_text_at_);
    return out;
  }
  bool begins = false;
  if (!in_frame_) {
    if (!take_header(in, out)) return out;
    begins = true;
  }
  out = is_control(header_.op) ? read_control(in) : read_data(in, begins);
  return out;
}

// It leaves everything that is wrong to the careful way.
bytes frame_reader::take_short(bytes& in, std::uint64_t longest, message_type& type) {
  constexpr unsigned fin_text = 0x81, fin_binary = 0x82, mask_bit = 0x80;  // RFC 6455 §5.2
  if (!idle() || in.size() < 2) return {};
  const auto first = std::to_integer<unsigned>(in[0]), second = std::to_integer<unsigned>(in[1]);
  if (first != fin_text && first != fin_binary) return {};
  const bool masked = rules_.receiver == role::server;
  const std::size_t header = masked ? 6 : 2, length = second & ~mask_bit;
  if (((second & mask_bit) != 0) != masked || length > std::min(longest, max_short_payload))
    return {};
  if (in.size() - 2 < header - 2 + length || (limits_.size != 0 && length > limits_.size)) {
    return {};
  }
  mask_key key{};
  const bytes payload = in.subspan(header, length);
  if (masked) {
    std::memcpy(key.data(), in.data() + 2, key.size());
    apply_mask(payload, key);
  }
  if (first == fin_text && !valid_utf8(payload)) {
    if (masked) apply_mask(payload, key);  // as it was
    return {};
  }
  type = first == fin_text ? message_type::text : message_type::binary;
  in = in.subspan(header + length);
  consumed_ += header + length;
  return payload;
}

// Returns false with `out` filled in when there is no whole, legal header yet.
bool frame_reader::take_header(bytes& in, step_result& out) {
  if (in.empty() && carry_.empty()) return false;
  const std::size_t carried = carry_.size();
  parsed_header parsed;
  if (carried == 0) {
    parsed = parse_header(in, rules_);
  } else {
    const std::size_t more = std::min(in.size(), max_header_size - carried);
    carry_.insert(carry_.end(), in.begin(), in.begin() + static_cast<std::ptrdiff_t>(more));
    parsed = parse_header(carry_, rules_);
  }

  const std::uint64_t start = consumed_ - carried;
  switch (parsed.result) {
    case parsed_header::outcome::incomplete:
      if (carried == 0) carry_.assign(in.begin(), in.end());
      consumed_ += in.size();
      in = {};
      return false;
    case parsed_header::outcome::wrong:
      out = broken(parsed.wrong, start + parsed.wrong_at);
      return false;
    case parsed_header::outcome::complete: break;
  }
  header_ = parsed.header;
  frame_start_ = start;
  in = in.subspan(parsed.size - carried);
  consumed_ += parsed.size - carried;
  carry_.clear();
  if (!check_order(out) || !check_limits(out)) return false;

  in_frame_ = true;
  payload_read_ = 0;
  if (header_.op == opcode::text || header_.op == opcode::binary) {
    type_ = header_.op == opcode::text ? message_type::text : message_type::binary;
    compressed_ = header_.rsv1;
    utf8_.reset();
  }
  if (!is_control(header_.op)) in_message_ = !header_.fin;
  return true;
}

// RFC 6455 §5.4: the frames of a message follow each other; only control frames come between.
bool frame_reader::check_order(step_result& out) const {
  if (is_control(header_.op)) return true;
  const bool continues = header_.op == opcode::continuation;
  if (continues == in_message_) return true;
  out = broken(continues ? violation::unexpected_continuation : violation::expected_continuation,
               frame_start_);
  return false;
}

bool frame_reader::check_limits(step_result& out) {
  if (is_control(header_.op)) return true;
  frames_ = header_.op == opcode::continuation ? frames_ + 1 : 1;
  if (limits_.size != 0 && header_.length > limits_.size) out.what = found::frame_too_large;
  if (limits_.count != 0 && frames_ > limits_.count) out.what = found::too_many_frames;
  return out.what == found::need_more;
}

frame_reader::step_result frame_reader::read_data(bytes& in, bool begins) {
  const std::uint64_t left = header_.length - payload_read_;
  if (in.empty() && left != 0 && !begins) return {};
  const std::size_t size = static_cast<std::size_t>(std::min<std::uint64_t>(left, in.size()));

  step_result out;
  out.what = found::data;
  out.type = type_;
  out.payload = in.first(size);
  out.frame_begins = begins;
  out.announced = begins ? header_.length : 0;
  if (header_.masked) apply_mask(out.payload, header_.key, payload_read_);
  in = in.subspan(size);
  const std::uint64_t payload_at = consumed_;
  consumed_ += size;
  payload_read_ += size;
  out.frame_ends = payload_read_ == header_.length;
  out.message_ends = out.frame_ends && header_.fin;
  if (out.frame_ends) in_frame_ = false;

  if (compressed_) {
    out.compressed = true;
    out.wrong_at = frame_start_;  // for errors inside it
  } else if (type_ == message_type::text) {
    const std::size_t good = utf8_.feed(out.payload);
    if (good < size || (out.message_ends && !utf8_.complete())) {
      // What came before the bad byte was good, however the input was cut: it is given first.
      bad_text_at_ = payload_at + good;
      out.payload = out.payload.first(good);
      out.frame_ends = out.message_ends = false;
    }
  }
  return out;
}

frame_reader::step_result frame_reader::read_control(bytes& in) {
  const std::size_t length = static_cast<std::size_t>(header_.length);  // at most 125
  const std::size_t size = std::min(length - static_cast<std::size_t>(payload_read_), in.size());
  bytes piece = in.first(size);
  if (header_.masked) apply_mask(piece, header_.key, payload_read_);
  in = in.subspan(size);
  consumed_ += size;
  const bool cut = payload_read_ != 0 || size < length;
  payload_read_ += size;
  if (cut) carry_.insert(carry_.end(), piece.begin(), piece.end());
  if (payload_read_ < length) return {};

  in_frame_ = false;
  step_result out;
  out.what = found::control;
  out.op = header_.op;
  out.frame_begins = out.frame_ends = true;
  out.announced = length;
  out.wrong_at = consumed_ - length;  // where the payload began: for errors inside it
  if (cut) {
    cut_payload_.swap(carry_);
    carry_.clear();
    out.payload = cut_payload_;
  } else {
    out.payload = piece;
  }
  return out;
}

}  // namespace adieu::core
