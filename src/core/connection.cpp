// What comes from the wire: bytes, the end of input, the fate of the output.
#include "adieu/core/connection.hpp"

#include <algorithm>
#include <limits>

namespace adieu::core {
namespace {

constexpr std::size_t unlimited = std::numeric_limits<std::size_t>::max();

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

connection::connection(const settings& how, instant now)
    : how_(how),
      opened_(now),
      reader_(reader_for(how)),
      outbox_(how.self, how.random),
      keepalive_(how.options.ping_interval, how.options.pong_timeout, now),
      idle_since_(now),
      write_progress_(now) {
  if (how.deflate && how.deflate->compresses) {
    outbox_.packer().use(compressor(how.deflate->sending, how.pool), how.deflate->threshold);
  }
  record_.local_role = how.self;
  record_.opened = how.opened_at;
}

void connection::received(bytes in, instant now) {
  if (is_over(phase_) || in.empty()) return;
  record_.last_byte_received = since_open(now);
  keepalive_.heard(now);
  idle_since_ = now;
  if (waits_) {
    aside_.insert(aside_.end(), in.begin(), in.end());
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
      case message_reader::found::need_more:
        input_ = {};
        settle(now);
        return;
      case message_reader::found::broken: break_rule(found.wrong, found.wrong_at, now); break;
      case message_reader::found::control: on_control(found, now); break;
      case message_reader::found::data:
        on_data(found, now);
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
  input_ = {};
  settle(now);
}

// P3: what was read fits the window, but decompressed it may be a thousand times as much.
bool connection::must_wait() const noexcept {
  if (!reader_.decompresses() || show_messages_) return false;
  if (receive_ && receive_->kind == receive_kind::message) return false;
  std::uint64_t room = window();
  // Behind the end of input, the state shall tell the truth if that costs no more than a message.
  if (late_end_ || peer_gone_) room += how_.options.max_message_size;
  const bool more = reader_.holds_data() || !input_.empty() || waits_;
  return more && parses() && inbox_.held() >= room;
}

void connection::set_aside() {
  waits_ = true;
  aside_.assign(input_.begin(), input_.end());
  reader_.keep_input();
}

void connection::resume(instant now) {
  waits_ = false;
  resumed_ = std::move(aside_);
  aside_.clear();
  input_ = resumed_;
  parse(now);
}

void connection::on_data(const message_reader::step_result& data, instant now) {
  if (take_directly(data)) return;
  const bool whole_only = show_messages_ || (receive_ && receive_->kind == receive_kind::message);
  inbox_.add(data, whole_only ? inbox::borders::of_messages : inbox::borders::of_frames);
  if (show_messages_) {
    if (inbox_.first_message_size() > how_.options.max_message_size) {
      return break_limit(cause::message_too_big, now);
    }
    if (const auto message = inbox_.peek_message()) {
      view_ = {message->payload, message->type};
      view_in_inbox_ = true;
    }
    return;
  }
  deliver(now);
  discard_if_stuck();
}

// P4: after async_close nobody may ever read; the window must not hide the peer's Close.
void connection::discard_if_stuck() {
  if (discards_ && !receive_ && inbox_.held() >= how_.options.receive_window) inbox_.discard();
}

// A message that came in one frame and one piece, and that somebody waits for: one copy, or none.
bool connection::take_directly(const message_reader::step_result& data) {
  if (!data.frame_begins || !data.message_ends || !inbox_.idle()) return false;
  if (data.payload.size() > how_.options.max_message_size) return false;
  if (show_messages_) {
    view_ = {data.payload, data.type};
    return true;
  }
  if (!receive_) return false;
  if (receive_->kind == receive_kind::message) {
    receive_->into->assign(as_text(data.payload));
  } else {
    if (receive_->buffer.size() < data.payload.size() || receive_->buffer.empty()) return false;
    std::ranges::copy(data.payload, receive_->buffer.begin());
  }
  completion& done = completions_.emplace_back();
  done.owner = receive_->owner;
  done.received.count = data.payload.size();
  done.received.type = data.type;
  done.received.end_of_message = true;
  receive_.reset();
  return true;
}

std::optional<connection::message_view> connection::next_message(instant now) {
  if (view_shown_) {
    if (view_in_inbox_) inbox_.drop_message();
    view_.reset();
    view_shown_ = view_in_inbox_ = false;
    parse(now);
  }
  if (!view_ && show_messages_) {  // whole messages from before message mode was switched on
    if (const auto waiting = inbox_.peek_message()) {
      view_ = {waiting->payload, waiting->type};
      view_in_inbox_ = true;
    }
  }
  view_shown_ = view_.has_value();
  return view_;
}

bool connection::too_many_control_frames(instant now) {
  if (now - control_second_ >= std::chrono::seconds(1)) {
    control_second_ = now;
    control_frames_ = 0;
  }
  const std::uint32_t most = how_.options.max_control_frames_per_second;
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
  if (waits_) {
    late_end_ = {how, os_error};
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
        if (done.owner == 0) break;
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

// Gives the pending receive what there is: data in order, then the end (P2). In message mode data
// is shown instead, and the receive waits for the end alone.
void connection::deliver(instant now) {
  if (!receive_) return;
  if (show_messages_) {
    if (!end_ || view_ || inbox_.peek_message()) return;
    inbox_.discard();  // a message that will never be whole
  } else if (deliver_data(now)) {
    return;
  }
  if (!end_) return;
  inbox_.discard_unfinished(receive_->kind);
  completion done = *end_;
  done.owner = receive_->owner;
  receive_.reset();
  end_delivered_ = true;
  completions_.push_back(std::move(done));
}

bool connection::deliver_data(instant now) {
  const bool whole = receive_->kind == receive_kind::message;
  if (whole && inbox_.first_message_size() > how_.options.max_message_size) {
    if (!parses()) {  // nothing can be answered any more, and the end is still to be delivered
      complete(receive_->owner, errc::message_too_big);
      receive_.reset();
      inbox_.discard();
      return true;
    }
    break_limit(cause::message_too_big, now);
  }
  completion done;
  done.owner = receive_->owner;
  const bool got = whole ? inbox_.take_message(*receive_->into, done.received)
                         : inbox_.take(receive_->kind, receive_->buffer, done.received);
  if (!got) return false;
  receive_.reset();
  completions_.push_back(std::move(done));
  return true;
}

// After every input and call: what is waited for, and whether reading stands still.
void connection::settle(instant now) {
  deliver(now);
  discard_if_stuck();
  if (waits_) {
    if (!must_wait()) return resume(now);
  } else if (const auto end = std::exchange(late_end_, {})) {
    return input_ended(end->how, end->os_error, now);
  }
  const bool paused = read_allowance() == 0;
  if (paused && !paused_since_) {
    paused_since_ = now;
    next_probe_ = now + how_.options.probe_interval;
    keepalive_.pause();
  } else if (!paused && paused_since_) {
    paused_since_.reset();
    keepalive_.resume(now);
    idle_since_ = now;
  }
}

bool connection::parses() const noexcept {
  return phase_ == phase::open || phase_ == phase::close_queued || phase_ == phase::close_sent;
}

std::size_t connection::read_allowance() const noexcept {
  if (!parses() || show_messages_ || peer_gone_) return unlimited;  // nothing is kept, or all is
  if (waits_) return 0;
  if (receive_ && receive_->kind == receive_kind::message) return unlimited;
  return inbox_.held() < window() ? window() - inbox_.held() : 0;
}

std::size_t connection::window() const noexcept {
  return how_.options.receive_window + (receive_ ? receive_->buffer.size() : 0);
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
