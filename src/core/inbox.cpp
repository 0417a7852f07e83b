// The window: one run of bytes and the borders of the frames in it.
#include "adieu/core/inbox.hpp"

#include <algorithm>
#include <cstring>

namespace adieu::core {

void inbox::add(const frame_reader::step_result& data, borders kept) {
  arriving_size_ += data.announced;
  const std::size_t end = stored();
  const bool lies_here = space_ != 0 && data.payload.data() == bytes_.data() + end;
  if (!lies_here) end_space();
  if (discarding_) {
    discarded_bytes_ += data.payload.size();
    if (data.message_ends) discarding_ = false;
  } else {
    const bool folds = kept == borders::of_messages && !empty() && !frames_.back().ends_message;
    if (data.frame_begins && !folds) frames_.push_back({.type = data.type});
    frame& last = frames_.back();
    last.message_size = arriving_size_;
    last.size += data.payload.size();
    last.complete = data.frame_ends;
    last.ends_message = data.message_ends;
    if (data.message_ends) ++whole_messages_;
    bytes_.resize(end + data.payload.size());
    space_ = 0;
    if (!lies_here && !data.payload.empty()) {
      std::memcpy(&bytes_[end], data.payload.data(), data.payload.size());
    }
  }
  if (data.message_ends) arriving_size_ = 0;
}

void inbox::add_whole(const_bytes payload, message_type type) {
  end_space();
  frame& whole = frames_.emplace_back();
  whole.size = whole.message_size = payload.size();
  whole.type = type;
  whole.complete = whole.ends_message = true;
  ++whole_messages_;
  const std::size_t end = bytes_.size();
  bytes_.resize(end + payload.size());
  if (!payload.empty()) std::memcpy(&bytes_[end], payload.data(), payload.size());
}

bytes inbox::space(std::uint64_t left) {
  constexpr std::uint64_t at_once = 256 * 1024, at_first = 1024 * 1024;
  end_space();
  if (empty() || frames_.back().complete || discarding_) return {};
  const std::size_t end = bytes_.size();
  space_ = static_cast<std::size_t>(std::min(left, at_once));
  if (bytes_.capacity() - end < space_) {
    const std::uint64_t more = std::max<std::uint64_t>(at_first, end);
    bytes_.reserve(end + static_cast<std::size_t>(std::min(left, more)));
  }
  bytes_.resize(end + space_);
  return bytes(bytes_).subspan(end);
}

bool inbox::take(receive_kind kind, bytes buffer, receive_result& out) {
  if (empty()) return false;
  frame& f = front();
  const std::size_t here = static_cast<std::size_t>(f.size);
  const bool some_ready = here > 0 || f.complete;
  const bool ready = kind == receive_kind::some || buffer.empty()
                         ? some_ready
                         : here >= buffer.size() || f.complete;
  if (!ready) return false;

  const std::size_t count = std::min(here, buffer.size());
  if (count != 0) std::memcpy(buffer.data(), bytes_.data() + head_, count);
  const bool frame_done = f.complete && count == here;
  out.count = count;
  out.type = f.type;
  out.end_of_message = frame_done && f.ends_message;
  if (buffer.empty() && here > 0) return true;  // N12: nothing is consumed
  f.size -= count;
  consume(frame_done ? 1 : 0, count);
  return true;
}

std::size_t inbox::message_frames(std::uint64_t& size) const noexcept {
  size = 0;
  if (whole_messages_ == 0) return 0;
  for (std::size_t i = first_; i < frames_.size(); ++i) {
    size += frames_[i].size;
    if (frames_[i].ends_message) return i - first_ + 1;
  }
  return 0;
}

bool inbox::take_message(std::string& into, receive_result& out) {
  const std::optional<view> message = peek_message();
  if (!message) return false;
  into.assign(as_text(message->payload));
  out.count = message->payload.size();
  out.type = message->type;
  out.end_of_message = true;
  drop_message();
  return true;
}

bool inbox::take_whole(std::uint64_t longest, std::string& into, message_type& type) {
  if (empty()) return false;
  const frame& f = front();
  const bool whole = f.complete && f.ends_message && f.size == f.message_size && f.size <= longest;
  if (!whole) return false;
  const std::size_t size = static_cast<std::size_t>(f.size);
  into.assign(as_text(const_bytes(bytes_).subspan(head_, size)));
  type = f.type;
  --whole_messages_;
  ++first_;
  head_ += size;
  forget_consumed();
  return true;
}

std::optional<inbox::view> inbox::peek_message() {
  std::uint64_t size = 0;
  if (message_frames(size) == 0) return std::nullopt;
  return view{bytes(bytes_).subspan(head_, static_cast<std::size_t>(size)), front().type};
}

void inbox::drop_message() {
  std::uint64_t size = 0;
  const std::size_t frames = message_frames(size);
  consume(frames, static_cast<std::size_t>(size));
}

std::uint64_t inbox::first_message_size() const noexcept {
  if (empty()) return 0;
  if (whole_messages_ == 0) return frames_.back().message_size;
  std::size_t last = first_;
  while (!frames_[last].ends_message) ++last;
  return frames_[last].message_size;
}

void inbox::discard() {
  end_space();
  if (empty()) return;
  const frame& last = frames_.back();
  discarding_ = !(last.complete && last.ends_message);
  const bool torn_empty = discarding_ && unread_in_last_message() == 0;
  discarded_messages_ += unread_messages() + (torn_empty ? 1 : 0);
  discarded_bytes_ += unread_bytes();
  consume(frames_.size() - first_, bytes_.size() - head_);
}

void inbox::discard_unfinished(receive_kind kind) {
  if (empty()) return;
  if (kind != receive_kind::message && front().complete) return;
  std::uint64_t size = 0;
  if (kind == receive_kind::message && message_frames(size) != 0) return;
  discard();
}

std::uint64_t inbox::unread_messages() const noexcept {
  std::uint64_t messages = 0;
  for (std::size_t i = first_; i < frames_.size(); ++i) {
    if (frames_[i].complete && frames_[i].ends_message) ++messages;
  }
  if (unread_in_last_message() != 0) ++messages;
  return messages;
}

// Bytes of the message that is still arriving; 0 when the last one is whole.
std::uint64_t inbox::unread_in_last_message() const noexcept {
  std::uint64_t size = 0;
  for (std::size_t i = frames_.size(); i > first_; --i) {
    const frame& f = frames_[i - 1];
    if (f.complete && f.ends_message) break;
    size += f.size;
  }
  return size;
}

void inbox::consume(std::size_t frames, std::size_t size) {
  end_space();
  for (const frame& gone : std::span(frames_).subspan(first_, frames)) {
    if (gone.ends_message) --whole_messages_;
  }
  first_ += frames;
  head_ += size;
  forget_consumed();
}

void inbox::forget_consumed() {
  if (empty()) {
    frames_.clear();
    bytes_.clear();
    first_ = head_ = 0;
    // An idle connection keeps little: the window's memory goes back once it was large.
    if (bytes_.capacity() > 4096) bytes_ = {};
    if (frames_.capacity() > 64) frames_ = {};
    return;
  }
  // What is left moves up when most is gone, and when that is worth a call.
  constexpr std::size_t worth_bytes = 4096, worth_frames = 128;
  if (head_ > std::max(bytes_.size() / 2, worth_bytes)) {
    bytes_.erase(bytes_.begin(), bytes_.begin() + static_cast<std::ptrdiff_t>(head_));
    head_ = 0;
  }
  if (first_ > std::max(frames_.size() / 2, worth_frames)) {
    frames_.erase(frames_.begin(), frames_.begin() + static_cast<std::ptrdiff_t>(first_));
    first_ = 0;
  }
}

}  // namespace adieu::core
