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
  if (in_message_ || (in_frame_ && !is_control(header_.op))) {
    out.add(type_);
    if (type_ == message_type::text) utf8_.add_to(out);
  }
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
  out.add(const_bytes(bytes_).subspan(head_, stored() - head_));
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
  out.add(out_->pings.size());
  for (const ping& p : out_->pings) {
    out.add(p.counter);
    out.add(p.owner);
    out.add(p.out.has_value());  // since when only makes the round-trip time
  }
  out.add(next_);
  out.add(paused_);
  out.add(doubtful_);
  out.add(out_->asked);
  if (how_->ping_interval == duration::zero()) return;
  if (!asks()) out.add(heard_);
  if (asks()) out.add(out_->asked_at);
}

fingerprint connection::fingerprint(instant now) const {
  fingerprint_maker out(now);
  out.add(phase_);
  out.add(ended_);
  out.add(end_delivered_);
  out.add(destroyed_);
  out.add(disposed_);
  out.add(close_accepted_);
  out.add(ending_->told.has_value());
  if (ending_->told) {
    out.add(ending_->told->error);
    out.add(ending_->told->received.type);
  }
  out.add(calls_->receive.has_value());
  if (calls_->receive) {
    out.add(calls_->receive->owner);
    out.add(calls_->receive->kind);
    out.add(calls_->receive->buffer.size());
  }
  inbox_->add_to(out);
  out.add(show_messages_);
  out.add(in_->view.has_value());
  out.add(in_->view_in_inbox);
  out.add(in_->view_shown);
  out.add(ending_->waiters.size());
  for (const close_waiter& waiter : ending_->waiters) {
    out.add(waiter.owner);
    out.add(waiter.output_only);
  }
  out.add(calls_->end_waiters.size());
  for (const ticket owner : calls_->end_waiters) out.add(owner);
  out.add(calls_->completed.size());
  for (const completion& c : calls_->completed) {
    out.add(c.owner);
    out.add(c.error);
  }
  outbox_->add_to(out);
  out.add(ending_->refused.messages);
  out.add(ending_->refused.bytes);
  add_record_to(out);
  if (ended_) return out.made();

  in_->reader.add_to(out);
  out.add(const_bytes(in_->input));
  in_->held.add_to(out);
  keepalive_.add_to(out);
  out.add(ending_->code);
  out.add(ending_->reason);
  const bool counts = how_->options.max_control_frames_per_second != 0 &&
                      now - control_second_ < std::chrono::seconds(1);
  out.add(counts ? control_frames_ : 0U);
  if (counts) out.add(control_second_);
  out.add(discards_);
  out.add(fin_seen_);
  out.add(fin_sent_);
  out.add(output_lost_);
  out.add(ending_->lost_how);
  out.add(ending_->lost_error);
  out.add(in_flight_);
  out.add(peer_gone_);
  out.add(cause_known_);
  out.add(command_);
  out.add(probe_now_);
  out.add(ending_->total_deadline);
  out.add(ending_->answer_due);
  out.add(ending_->linger_due);
  // Times that only matter while something looks at them.
  out.add(in_->paused_since.has_value());
  if (in_->paused_since) out.add(in_->next_probe);
  if (outbox_->blocked()) out.add(outbox_->progress);
  const bool half_closed = phase_ == phase::close_queued || phase_ == phase::close_sent;
  if (half_closed && !ending_->total_deadline) out.add(ending_->idle_since);
  return out.made();
}

void connection::add_record_to(fingerprint_maker& out) const {
  out.add(ending_->record.clean);
  out.add(ending_->record.initiator);
  out.add(ending_->record.cause);
  for (const auto* frame : {&ending_->record.sent, &ending_->record.received}) {
    out.add(frame->has_value());
    if (!*frame) continue;
    out.add((*frame)->code);
    out.add((*frame)->reason);
  }
  out.add(ending_->record.broken_rule);
  out.add(ending_->record.timeout_phase);
  out.add(ending_->record.os_error);
  out.add(ending_->record.tcp);
  out.add(ending_->record.teardown_timed_out);
  out.add(ending_->record.close_notify_missing);
  out.add(ending_->record.receive_paused);
  if (!ended_) return;
  out.add(ending_->record.lost.unacknowledged_bytes);
  out.add(ending_->record.lost.unread_bytes);
  out.add(ending_->record.lost.unread_messages);
}

}  // namespace adieu::core
