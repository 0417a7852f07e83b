// Frames into a scatter list; masking is the copy that a client needs anyway.
#include "adieu/core/frame_writer.hpp"

#include <algorithm>
#include <cstring>

namespace adieu::core {
namespace {
constexpr std::size_t copied_below = 2048;  // a smaller payload costs less to copy than to refer to
constexpr std::size_t memory_kept = 4096;
}  // namespace

inline void frame_writer::commit_composed(std::size_t size) {
  committed_ += size;
  if (!segments_.empty() && segments_.back().outside == nullptr) {
    segments_.back().size += size;
  } else if (size != 0) {
    segments_.push_back({nullptr, composed_.size() - size, size});
  }
}

void frame_writer::compose(const frame& next, written_frame when_written, payload_memory memory) {
  const const_bytes payload = next.payload;
  frame_header header{.op = next.op, .fin = next.fin, .rsv1 = next.rsv1, .length = payload.size()};
  if (self_ == role::client) {
    header.masked = true;
    random_(header.key);
  }
  std::array<std::byte, max_header_size> space;
  const const_bytes encoded = const_bytes(space).first(encode_header(header, space));
  const bool copied = self_ == role::server &&
                      (payload.size() < copied_below || memory == payload_memory::temporary);
  append(encoded, copied ? payload : const_bytes());

  mark& end = marks_.emplace_back();
  end.end = committed_ + (copied ? 0 : payload.size());
  end.payload = payload.size();
  end.carries = next.carries;
  end.ends_message = next.fin && !is_control(next.op);
  end.finishes = when_written;
  if (self_ == role::client) {
    unmasked_ = payload;
    masked_ = 0;
    key_ = header.key;
    mask_more(memory == payload_memory::temporary ? payload.size() : enough);
  } else if (!copied) {
    segments_.push_back({payload.data(), 0, payload.size()});
    committed_ += payload.size();
  }
}

bool frame_writer::compose_short(opcode op, const_bytes payload) {
  if (self_ == role::client || payload.size() > max_short_payload || !accepts()) return false;
  const std::size_t offset = composed_.size(), size = 2 + payload.size();
  composed_.resize(offset + size);
  std::byte* const out = composed_.data() + offset;
  out[0] = std::byte(0x80U | static_cast<unsigned>(op));
  out[1] = static_cast<std::byte>(payload.size());
  if (!payload.empty()) std::memcpy(out + 2, payload.data(), payload.size());
  commit_composed(size);
  mark& end = marks_.emplace_back();
  end.end = committed_;
  end.payload = payload.size();
  end.ends_message = true;
  return true;
}

void frame_writer::keep_last_payload() {
  mask_more(unmasked_.size());
  if (segments_.empty() || segments_.back().outside == nullptr) return;
  segment& last = segments_.back();
  const std::size_t offset = composed_.size();
  composed_.resize(offset + last.size);
  if (last.size != 0) std::memcpy(&composed_[offset], last.outside + last.offset, last.size);
  last = {nullptr, offset, last.size};
}

void frame_writer::append(const_bytes header, const_bytes payload) {
  const std::size_t offset = composed_.size(), size = header.size() + payload.size();
  composed_.resize(offset + size);
  std::byte* const out = composed_.data() + offset;
  std::memcpy(out, header.data(), header.size());
  if (!payload.empty()) std::memcpy(out + header.size(), payload.data(), payload.size());
  commit_composed(size);
}

// RFC 6455 §5.3. The caller's memory is not ours to change, so masking is also the copy.
void frame_writer::mask_more(std::size_t at_most) {
  const std::size_t size = std::min(unmasked_.size(), at_most);
  if (size == 0) return;
  const std::size_t offset = composed_.size();
  composed_.resize(offset + size);
  copy_masked(bytes(composed_).subspan(offset), unmasked_.first(size), key_, masked_);
  masked_ += size;
  unmasked_ = unmasked_.subspan(size);
  commit_composed(size);
}

std::span<const const_bytes> frame_writer::list() {
  list_.clear();
  for (const segment& s : std::span(segments_).subspan(first_segment_)) {
    list_.emplace_back((s.outside != nullptr ? s.outside : composed_.data()) + s.offset, s.size);
  }
  shown_ = !list_.empty();
  return list_;
}

void frame_writer::wrote(std::size_t size, std::vector<written_frame>& finished) {
  written_ += size;
  while (size != 0) {
    segment& front = segments_[first_segment_];
    const std::size_t step = std::min(size, front.size);
    front.offset += step;
    front.size -= step;
    size -= step;
    if (front.size == 0) ++first_segment_;
  }
  std::size_t done = 0;
  while (done < marks_.size() && marks_[done].end <= written_) {
    const written_frame& last = marks_[done++].finishes;
    const bool awaited = last.kind != written_frame::what::data || last.owner != 0;
    if (awaited) finished.push_back(last);
  }
  marks_.erase(marks_.begin(), marks_.begin() + static_cast<std::ptrdiff_t>(done));

  if (committed_ != written_) return;
  forget_segments();
  if (!unmasked_.empty()) {
    mask_more(enough);
  } else if (composed_.capacity() > memory_kept) {
    composed_ = {};
  }
}

void frame_writer::committed(std::vector<written_frame>& out) const {
  for (const mark& m : marks_) {
    if (m.end <= committed_) out.push_back(m.finishes);
  }
}

unsent frame_writer::left() const noexcept {
  unsent out;
  for (const mark& m : marks_) {
    if (m.finishes.kind != written_frame::what::data) continue;
    out.bytes += m.carries.value_or(std::min(m.payload, m.end - written_));
    if (m.ends_message) ++out.messages;
  }
  return out;
}

void frame_writer::forget_segments() {
  segments_.clear();
  composed_.clear();
  first_segment_ = 0;
  shown_ = false;
}

unsent frame_writer::drop_all(std::vector<ticket>& dropped) {
  const unsent lost = left();
  for (const mark& m : marks_) {
    if (m.finishes.kind == written_frame::what::data) dropped.push_back(m.finishes.owner);
  }
  marks_.clear();
  forget_segments();
  unmasked_ = {};
  committed_ = written_;
  return lost;
}

}  // namespace adieu::core
