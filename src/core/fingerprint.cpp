// Every part of a connection puts into the fingerprint what can still matter of it. A new field
// that can matter belongs here too.
#include "adieu/core/fingerprint.hpp"

#include <algorithm>
#include <cstring>

#include "adieu/core/connection.hpp"

namespace adieu::core {

void fingerprint_maker::add(const_bytes data) noexcept {
  mix(data.size());
  while (!data.empty()) {
    std::uint64_t word = 0;
    const std::size_t size = std::min(data.size(), sizeof word);
    std::memcpy(&word, data.data(), size);
    mix(word);
    data = data.subspan(size);
  }
}

fingerprint fingerprint_maker::made() const noexcept {
  const auto spread = [](std::uint64_t x) {
    x ^= x >> 33;
    x *= 0xC2B2AE3D27D4EB4FU;
    x ^= x >> 29;
    x *= 0x165667B19E3779F9U;
    return x ^ x >> 32;
  };
  return {spread(high_), spread(low_ ^ std::rotl(high_, 17))};
}

// ── What comes in ───────────────────────────────────────────────────────────────────────────────

void utf8_validator::add_to(fingerprint_maker& out) const noexcept {
  out.add(missing_);
  out.add(lowest_);
  out.add(highest_);
}

void frame_reader::add_to(fingerprint_maker& out) const noexcept {
  out.add(in_message_);
  if (in_message_ && limits_.count != 0) out.add(frames_);
  if (in_message_ || in_frame_) out.add(type_);
  if (in_message_ && type_ == message_type::text) utf8_.add_to(out);
  out.add(const_bytes(carry_));
  out.add(bad_text_at_.has_value());
  out.add(in_frame_);
  if (!in_frame_) return;
  out.add(header_.op);
  out.add(header_.fin);
  out.add(header_.masked);
  out.add(const_bytes(std::as_bytes(std::span(header_.key))));
  out.add(header_.length);
  out.add(payload_read_);
  if (!in_message_ && type_ == message_type::text) utf8_.add_to(out);
}

// Without what zlib remembers: connections that compress have no fingerprint.
void message_reader::add_to(fingerprint_maker& out) const noexcept { frames_.add_to(out); }

void held_input::add_to(fingerprint_maker& out) const noexcept {
  out.add(waits_);
  out.add(const_bytes(waiting_));
  out.add(end_.has_value());
  if (!end_) return;
  out.add(end_->how);
  out.add(end_->os_error);
}

void inbox::add_to(fingerprint_maker& out) const noexcept {
  out.add(const_bytes(bytes_).subspan(head_));
  out.add(frames_.size() - first_);
  for (const frame& f : std::span(frames_).subspan(first_)) {
    out.add(f.size);
    out.add(f.message_size);
    out.add(f.type);
    out.add(f.complete);
    out.add(f.ends_message);
  }
  out.add(arriving_size_);
  out.add(discarding_);
  out.add(discarded_messages_);
  out.add(discarded_bytes_);
}

// ── What goes out ───────────────────────────────────────────────────────────────────────────────

void send_queue::add_to(fingerprint_maker& out) const noexcept {
  out.add(entries_.size() - first_);
  for (const entry& e : waiting()) {
    out.add(e.placeholder);
    out.add(e.owner);
    out.add(e.from);
    out.add(e.type);
    out.add(e.ends_message);
    out.add(e.payload);
    out.add(e.compress);
  }
  out.add(unfinished_.size());
  for (const unfinished_message& each : unfinished_) {
    out.add(each.from);
    out.add(each.compress);
  }
  out.add(open_);
  out.add(continues_);
  if (open_) out.add(open_sender_);
  out.add(lost_.messages);
  out.add(lost_.bytes);
}

void frame_writer::add_to(fingerprint_maker& out) const noexcept {
  out.add(shown_);
  out.add(segments_.size());  // accepts() counts those that are written, too
  for (const segment& s : std::span(segments_).subspan(first_segment_)) {
    const std::byte* const start = s.outside != nullptr ? s.outside : composed_.data();
    out.add(const_bytes(start + s.offset, s.size));
  }
  out.add(marks_.size());
  for (const mark& m : marks_) {
    out.add(m.end - written_);
    out.add(m.payload);
    out.add(m.ends_message);
    out.add(m.finishes.kind);
    out.add(m.finishes.owner);
  }
  out.add(unmasked_);
  if (unmasked_.empty()) return;
  out.add(const_bytes(std::as_bytes(std::span(key_))));
  out.add(masked_ % key_.size());
}

void outbox::add_to(fingerprint_maker& out) const noexcept {
  data_.add_to(out);
  writer_.add_to(out);
  out.add(controls_.size());
  for (const control& c : controls_) {
    out.add(c.op);
    out.add(const_bytes(c.payload).first(c.size));
    out.add(c.owner);
  }
  out.add(close_);
  if (close_ == close_frame_is::waiting) out.add(close_payload_);
  out.add(lost_.messages);
  out.add(lost_.bytes);
}

// ── Time, and the whole ─────────────────────────────────────────────────────────────────────────

void keepalive::add_to(fingerprint_maker& out) const noexcept {
  out.add(pings_.size());
  for (const ping& p : pings_) {
    out.add(p.counter);
    out.add(p.owner);
    out.add(p.out.has_value());  // since when only makes the round-trip time
  }
  out.add(next_);
  out.add(paused_);
  out.add(doubtful_);
  out.add(asked_);
  if (interval_ == duration::zero()) return;
  if (asked_ == 0) out.add(heard_);
  if (asked_ != 0) out.add(asked_at_);
}

fingerprint connection::fingerprint(instant now) const {
  fingerprint_maker out(now);
  out.add(phase_);
  out.add(ended_);
  out.add(end_delivered_);
  out.add(destroyed_);
  out.add(disposed_);
  out.add(close_accepted_);
  out.add(end_.has_value());
  if (end_) {
    out.add(end_->error);
    out.add(end_->received.type);
  }
  out.add(receive_.has_value());
  if (receive_) {
    out.add(receive_->owner);
    out.add(receive_->kind);
    out.add(receive_->buffer.size());
  }
  inbox_.add_to(out);
  out.add(show_messages_);
  out.add(view_.has_value());
  out.add(view_in_inbox_);
  out.add(view_shown_);
  out.add(close_waiters_.size());
  for (const close_waiter& waiter : close_waiters_) {
    out.add(waiter.owner);
    out.add(waiter.output_only);
  }
  out.add(end_waiters_.size());
  for (const ticket owner : end_waiters_) out.add(owner);
  out.add(completions_.size());
  for (const completion& c : completions_) {
    out.add(c.owner);
    out.add(c.error);
  }
  outbox_.add_to(out);
  out.add(refused_.messages);
  out.add(refused_.bytes);
  add_record_to(out);
  if (ended_) return out.made();

  reader_.add_to(out);
  out.add(const_bytes(input_));
  held_.add_to(out);
  keepalive_.add_to(out);
  out.add(close_code_);
  out.add(close_reason_);
  const bool counts = how_->options.max_control_frames_per_second != 0 &&
                      now - control_second_ < std::chrono::seconds(1);
  out.add(counts ? control_frames_ : 0U);
  if (counts) out.add(control_second_);
  out.add(discards_);
  out.add(fin_seen_);
  out.add(fin_sent_);
  out.add(output_lost_);
  out.add(lost_how_);
  out.add(lost_error_);
  out.add(in_flight_);
  out.add(peer_gone_);
  out.add(cause_known_);
  out.add(command_);
  out.add(probe_now_);
  out.add(total_deadline_);
  out.add(answer_due_);
  out.add(linger_due_);
  // Times that only matter while something looks at them.
  out.add(paused_since_.has_value());
  if (paused_since_) out.add(next_probe_);
  if (outbox_.blocked()) out.add(write_progress_);
  const bool half_closed = phase_ == phase::close_queued || phase_ == phase::close_sent;
  if (half_closed && !total_deadline_) out.add(idle_since_);
  return out.made();
}

void connection::add_record_to(fingerprint_maker& out) const {
  out.add(record_.clean);
  out.add(record_.initiator);
  out.add(record_.cause);
  for (const auto* frame : {&record_.sent, &record_.received}) {
    out.add(frame->has_value());
    if (!*frame) continue;
    out.add((*frame)->code);
    out.add((*frame)->reason);
  }
  out.add(record_.broken_rule);
  out.add(record_.timeout_phase);
  out.add(record_.os_error);
  out.add(record_.tcp);
  out.add(record_.teardown_timed_out);
  out.add(record_.close_notify_missing);
  out.add(record_.receive_paused);
  if (!ended_) return;
  out.add(record_.lost.unacknowledged_bytes);
  out.add(record_.lost.unread_bytes);
  out.add(record_.lost.unread_messages);
}

}  // namespace adieu::core
