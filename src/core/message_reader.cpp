// Frames' payloads through the decompressor, a bounded step at a time.
#include "adieu/core/message_reader.hpp"

namespace adieu::core {
namespace {

constexpr std::size_t step_size = 16 * 1024;
constexpr std::uint64_t harmless = 1024 * 1024;  // decompressed, at any ratio

}  // namespace

void message_reader::begin_part(const step_result& part) {
  compressed_ = part;
  frame_begins_ = frame_begins_ || part.frame_begins;
  if (!in_message_) {
    utf8_.reset();
    taken_ = given_ = 0;
  }
  taken_ += part.payload.size();
  in_message_ = true;
  space_.resize(step_size);
}

// An idle connection keeps no memory for this.
message_reader::step_result message_reader::plain(const step_result& next) {
  if (next.what == found::need_more && !in_message_) space_ = kept_ = {};
  return next;
}

message_reader::step_result message_reader::decompress(bytes& in) {
  step_result out;
  while (!decompress_part(out)) {
    const step_result next = frames_.step(in);
    if (!next.compressed) return plain(next);
    begin_part(next);
  }
  return out;
}

// False: the part is used up, and there is nothing to say of it.
bool message_reader::decompress_part(step_result& out) {
  if (wrong_ != violation::none) {
    out = broken(wrong_);
    return true;
  }
  step_result& part = *compressed_;
  const bool last = part.message_ends;
  const_bytes rest = part.payload;
  const decompressor::result got = decompressor_->decompress(
      rest, last ? decompressor::part::last_of_message : decompressor::part::of_message, space_);
  part.payload = part.payload.last(rest.size());
  if (got.what == decompressor::outcome::broken) wrong_ = violation::invalid_compressed_data;
  const bool used_up = got.what == decompressor::outcome::all_taken;
  given_ += got.size;
  if (ratio_ != 0 && given_ > harmless && given_ / ratio_ > taken_) {
    out.what = found::swells_too_much;
    return true;
  }

  out = part;
  out.payload = bytes(space_).first(got.size);
  out.frame_begins = frame_begins_;
  out.frame_ends = used_up && part.frame_ends;
  out.message_ends = used_up && last;
  out.announced = got.size;
  if (out.type == message_type::text) {  // RFC 7692 §6.2: what UTF-8 is, is the message
    const std::size_t good = utf8_.feed(out.payload);
    if (good < got.size || (out.message_ends && !utf8_.complete())) {
      wrong_ = violation::invalid_utf8_text;
      out.payload = out.payload.first(good);
    }
  }
  if (wrong_ != violation::none) {  // what came before the fault is given out first
    out.frame_ends = out.message_ends = false;
    if (out.payload.empty()) out = broken(wrong_);
    return true;
  }
  if (used_up) compressed_.reset();
  if (got.size == 0 && !out.frame_ends) return false;
  frame_begins_ = false;
  if (out.message_ends) in_message_ = false;
  return true;
}

message_reader::step_result message_reader::broken(violation wrong) const noexcept {
  step_result out;
  out.what = found::broken;
  out.wrong = wrong;
  out.wrong_at = compressed_->wrong_at;
  return out;
}

void message_reader::keep_input() {
  if (!compressed_ || compressed_->payload.empty()) return;
  kept_ = std::vector(compressed_->payload.begin(), compressed_->payload.end());
  compressed_->payload = kept_;
}

}  // namespace adieu::core
