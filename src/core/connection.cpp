// What comes from the wire: bytes, the end of input, the fate of the output.
#include "adieu/core/connection.hpp"

#include <algorithm>

namespace adieu::core {
namespace {

message_reader reader_for(const settings& how) {
  const frame_limits limits{how.options.max_frame_size, how.options.max_fragments};
  if (!how.deflate) return {how.self, limits};
  return {how.self, limits, how.deflate->receiving, how.options.max_inflate_ratio, how.pool};
}

// What the Close that answers says to the peer.
std::string_view limit_phrase(cause which) {
  switch (which) {
    case cause::frame_too_big: return "the frame is larger than this endpoint accepts";
    case cause::too_many_fragments: return "the message has more frames than this endpoint accepts";
    case cause::inflated_too_much: return "the message swells more than this endpoint accepts";
    case cause::too_many_control_frames: return "more control frames than this endpoint accepts";
    default: return "the message is larger than this endpoint accepts";
  }
}

}  // namespace

connection::connection(settings_ptr how,
                       instant now,
                       std::chrono::system_clock::time_point opened_at)
    : how_(std::move(how)),
      opened_(now),
      reader_(reader_for(*how_)),
      outbox_(how_->self, how_->random),
      keepalive_(how_->options.ping_interval, how_->options.pong_timeout, now),
      idle_since_(now),
      write_progress_(now) {
  if (how_->deflate && how_->deflate->compresses) {
    outbox_.packer().use(compressor(how_->deflate->sending, how_->pool), how_->deflate->threshold);
  }
  record_.local_role = how_->self;
  record_.opened = opened_at;
}

void connection::received(bytes in, instant now) {
  if (is_over(phase_) || in.empty()) return;
  record_.last_byte_received = since_open(now);
  keepalive_.heard(now);
  idle_since_ = now;
  if (held_.waits()) {
    held_.append(in);
    return resume(now);
  }
  input_ = in;
  parse(now);
}

// After the peer's Close, and after a rule was broken, nothing is parsed (RFC 6455 §1.4, §7.1.7).
void connection::parse(instant now) {
  while (parses()) {
    if (must_wait()) {
      set_aside();
      break;
    }
    const message_reader::step_result found = reader_.step(input_);
    switch (found.what) {
      case message_reader::found::need_more: parsed(now); return;
      case message_reader::found::broken: break_rule(found.wrong, found.wrong_at, now); break;
      case message_reader::found::control: on_control(found, now); break;
      case message_reader::found::data:
        if (!take_directly(found)) on_data(found, now);
        if (view_) return;
        break;
      case message_reader::found::frame_too_large: break_limit(cause::frame_too_big, now); break;
      case message_reader::found::too_many_frames:
        break_limit(cause::too_many_fragments, now);
        break;
      case message_reader::found::swells_too_much:
        break_limit(cause::inflated_too_much, now);
        break;
    }
  }
  parsed(now);
}

void connection::parsed(instant now) {
  input_ = {};
  held_.used_up();
  settle(now);
}

bool connection::too_many_control_frames(instant now) {
  if (now - control_second_ >= std::chrono::seconds(1)) {
    control_second_ = now;
    control_frames_ = 0;
  }
  const std::uint32_t most = how_->options.max_control_frames_per_second;
  return ++control_frames_ > most && most != 0;
}

void connection::on_control(const message_reader::step_result& frame, instant now) {
  if (frame.op != opcode::close && too_many_control_frames(now)) {
    return break_limit(cause::too_many_control_frames, now);
  }
  switch (frame.op) {
    case opcode::ping:
      outbox_.push_control(opcode::pong, frame.payload);  // RFC 6455 §5.5.2
      break;
    case opcode::pong: {
      std::vector<keepalive::ping> answered;
      if (const auto round_trip = keepalive_.answered(frame.payload, now, answered)) {
        record_.round_trip = *round_trip;
      }
      for (const keepalive::ping& p : answered) {
        if (p.owner == 0) continue;
        complete(p.owner);
        completions_.back().what = operation::ping;
        completions_.back().round_trip = now - p.out.value_or(now);
      }
      break;
    }
    case opcode::close: on_close_frame(frame, now); break;
    case opcode::continuation:
    case opcode::text:
    case opcode::binary: break;
  }
}

void connection::on_close_frame(const message_reader::step_result& frame, instant now) {
  const close_payload said = decode_close_payload(frame.payload);
  record_.received = close_frame{said.code, said.reason, since_open(now)};
  if (record_.initiator == initiator::nobody) {
    // Handed over whole and not confirmed yet: then the peer's Close may well be the answer to it.
    const bool ours_is_out = in_flight_ && outbox_.close_committed();
    record_.initiator = ours_is_out ? initiator::local : initiator::remote;
  }
  if (said.wrong != violation::none) return break_rule(said.wrong, frame.wrong_at, now);
  close_accepted_ = true;
  apply(event::close_read, now);
}

void connection::break_rule(violation wrong, std::uint64_t at, instant now) {
  if (!cause_known_) {
    cause_known_ = true;
    record_.cause = cause::protocol_error_by_peer;
    record_.broken_rule = wrong;
    record_.broken_at = at;
  }
  if (!outbox_.close_committed()) {
    close_code_ = close_code_for(wrong);
    close_reason_ = to_string(wrong);
  }
  end_receiving(errc::faulted);
  apply(event::rule_broken, now);
}

// RFC 6455 §7.4.1: 1009 for what is too big, 1008 for a policy of ours.
void connection::break_limit(cause which, instant now) {
  if (!cause_known_) {
    cause_known_ = true;
    record_.cause = which;
  }
  const bool too_big = which != cause::too_many_control_frames;
  if (!outbox_.close_committed()) {
    close_code_ =
        too_big ? adieu::close_status::message_too_big : adieu::close_status::policy_violation;
    close_reason_ = limit_phrase(which);
  }
  end_receiving(too_big ? errc::message_too_big : errc::faulted);
  if (which == cause::message_too_big) inbox_.discard();  // whoever waits for it can't have it
  apply(event::rule_broken, now);
}

void connection::input_ended(input_end how, int os_error, instant now) {
  // A write that failed has taken the error with it: the next read only says "the end".
  const bool says_the_end = how == input_end::fin || how == input_end::truncated;
  if (says_the_end && output_lost_) how = lost_how_;
  if (is_over(phase_)) return;
  if (held_.waits()) {
    held_.append(end_of_input{how, os_error});
    return settle(now);
  }
  if (how == input_end::fin) {
    fin_seen_ = true;
    if (!fin_sent_) record_.tcp = tcp_end::peer_fin_first;
    apply(event::input_fin, now);
  } else {
    lost_how_ = how;
    if (lost_error_ == 0 && how == input_end::error) lost_error_ = os_error;
    if (how == input_end::reset) record_.tcp = tcp_end::reset_received;
    if (how == input_end::truncated && !fin_sent_) record_.tcp = tcp_end::peer_fin_first;
    apply(event::input_lost, now);
  }
  settle(now);
}

std::span<const const_bytes> connection::output(instant now) {
  if (output_lost_ || !writes()) return {};
  if (!outbox_.blocked()) write_progress_ = now;
  return outbox_.gather();
}

void connection::output_in_flight(instant now) {
  in_flight_ = true;
  written_.clear();
  outbox_.committed(written_);
  for (const written_frame& taken : written_) {
    if (taken.kind == written_frame::what::ping) keepalive_.handed_over(taken.owner, now);
  }
}

bool connection::writes() const noexcept {
  return !is_over(phase_) && phase_ != phase::draining && phase_ != phase::closed;
}

void connection::wrote(std::size_t size, instant now) {
  if (size == 0 || ended_) return;
  record_.last_byte_sent = since_open(now);
  write_progress_ = now;
  const bool all_was_taken = std::exchange(in_flight_, false);
  if (output_lost_ || !writes()) {  // it was given up meanwhile; the Close went out all the same
    if (all_was_taken && outbox_.close_committed()) note_close_sent(now);
    return;
  }
  if (phase_ == phase::close_queued) idle_since_ = now;  // P5: what the peer reads is no silence
  written_.clear();
  outbox_.wrote(size, written_);
  for (const written_frame& done : written_) {
    switch (done.kind) {
      case written_frame::what::data:
        complete(done.owner);
        completions_.back().what = operation::send;
        break;
      case written_frame::what::ping: keepalive_.written(done.owner, now); break;
      case written_frame::what::pong: break;
      case written_frame::what::close:
        note_close_sent(now);
        apply(event::close_written, now);
        break;
    }
  }
  settle(now);
}

void connection::note_close_sent(instant now) {
  if (record_.sent) return;
  record_.sent = close_frame{{}, close_reason_, since_open(now)};
  if (close_code_ != adieu::close_status::no_status_received) {
    record_.sent->code = static_cast<std::uint16_t>(close_code_);
  }
  if (record_.initiator == initiator::nobody) record_.initiator = initiator::local;
}

void connection::output_failed(input_end how, int os_error, instant now) {
  if (is_over(phase_) || output_lost_) return;
  output_lost_ = true;
  lost_how_ = how;
  if (how == input_end::error) lost_error_ = os_error;
  if (how == input_end::reset) record_.tcp = tcp_end::reset_received;
  if (how == input_end::fin && !fin_sent_) record_.tcp = tcp_end::peer_fin_first;
  apply(event::output_lost, now);
  settle(now);
}

void connection::output_shut() noexcept {
  if (!fin_seen_ && record_.tcp == tcp_end::not_connected) record_.tcp = tcp_end::our_fin_first;
  fin_sent_ = true;
}

void connection::peer_gone(instant now) {
  peer_gone_ = true;
  record_.receive_paused = record_.receive_paused || paused_since_.has_value();
  settle(now);
}

bool connection::parses() const noexcept {
  return phase_ == phase::open || phase_ == phase::close_queued || phase_ == phase::close_sent;
}

command connection::take_command() noexcept { return std::exchange(command_, command::none); }

adieu::state connection::state() const noexcept {
  if (disposed_) return adieu::state::closed;  // N11
  return public_state(phase_);
}

std::optional<adieu::close_status> connection::close_status() const noexcept {
  if (!close_accepted_) return std::nullopt;
  return record_.received->code ? adieu::close_status{*record_.received->code}
                                : adieu::close_status::no_status_received;
}

const std::string& connection::close_description() const noexcept {
  static const std::string none;
  return close_accepted_ ? record_.received->reason : none;
}

}  // namespace adieu::core
