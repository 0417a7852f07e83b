// What comes from the wire: bytes, the end of input, the fate of the output.
#include "adieu/core/connection.hpp"

#include <algorithm>

namespace adieu::core {
namespace {

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
    : how_(std::move(how)), keepalive_(how_->options, now), opened_(now), opened_at_(opened_at) {
  if (!how_->deflate) return;
  const deflate_agreement& agreed = *how_->deflate;
  taking_in().reader.use(decompressor(agreed.receiving, how_->pool),
                         how_->options.max_inflate_ratio);
  if (agreed.compresses) {
    sending().packer().use(compressor(agreed.sending, how_->pool), agreed.threshold);
  }
}

void connection::rest() noexcept {
  if (in_) read_so_far_ = in_->reader.read_so_far();
  in_.rest();
  inbox_.rest();
  outbox_.rest();
  calls_.rest();
  keepalive_.rest();
}

void connection::let_go_of_what_rests() noexcept {
  rest();  // which notes what must not be lost
  in_.let_go();
  inbox_.let_go();
  outbox_.let_go();
  calls_.let_go();
  keepalive_.let_go();
}

void connection::received(bytes in, instant now) {
  if (is_over(phase_) || in.empty()) return;
  last_byte_received_ = since_open(now);
  keepalive_.heard(now);
  if (ending_) ending().idle_since = now;
  intake& taken = taking_in();
  if (taken.held.waits()) {
    taken.held.append(in);
    return resume(now);
  }
  taken.input = in;
  parse(now);
}

// After the peer's Close, and after a rule was broken, nothing is parsed (RFC 6455 §1.4, §7.1.7).
void connection::parse(instant now) {
  intake& in = taking_in();
  while (parses()) {
    if (must_wait()) {
      set_aside();
      break;
    }
    if (keep_short(in)) continue;
    const message_reader::step_result found = in.reader.step(in.input);
    switch (found.what) {
      case message_reader::found::need_more: parsed(now); return;
      case message_reader::found::broken: break_rule(found.wrong, found.wrong_at, now); break;
      case message_reader::found::control: on_control(found, now); break;
      case message_reader::found::data:
        if (!take_directly(found)) on_data(found, now);
        if (in.view) return;
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
  if (in_) {
    intake& in = taking_in();
    in.input = {};
    in.held.used_up();
  }
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
      sending().push_pong(frame.payload, how_->options.max_waiting_pongs);  // RFC 6455 §5.5.2
      break;
    case opcode::pong: {
      std::vector<keepalive::ping> answered;
      if (const auto round_trip = keepalive_.answered(frame.payload, now, answered)) {
        round_trip_ = *round_trip;
      }
      for (const keepalive::ping& p : answered) {
        if (p.owner == 0) continue;
        complete(p.owner);
        completions().back().what = operation::ping;
        completions().back().round_trip = now - p.out.value_or(now);
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
  ending().record.received = close_frame{said.code, said.reason, since_open(now)};
  if (ending_->record.initiator == initiator::nobody) {
    // Handed over whole and not confirmed yet: then the peer's Close may well be the answer to it.
    const bool ours_is_out = in_flight_ && outbox_->close_committed();
    ending().record.initiator = ours_is_out ? initiator::local : initiator::remote;
  }
  if (said.wrong != violation::none) return break_rule(said.wrong, frame.wrong_at, now);
  close_accepted_ = true;
  apply(event::close_read, now);
}

void connection::break_rule(violation wrong, std::uint64_t at, instant now) {
  if (!cause_known_) {
    cause_known_ = true;
    ending().record.cause = cause::protocol_error_by_peer;
    ending().record.broken_rule = wrong;
    ending().record.broken_at = at;
  }
  if (!outbox_->close_committed()) {
    ending().code = close_code_for(wrong);
    ending().reason = to_string(wrong);
  }
  end_receiving(errc::faulted);
  apply(event::rule_broken, now);
}

// RFC 6455 §7.4.1: 1009 for what is too big, 1008 for a policy of ours.
void connection::break_limit(cause which, instant now) {
  if (!cause_known_) {
    cause_known_ = true;
    ending().record.cause = which;
  }
  const bool too_big = which != cause::too_many_control_frames;
  if (!outbox_->close_committed()) {
    ending().code =
        too_big ? adieu::close_status::message_too_big : adieu::close_status::policy_violation;
    ending().reason = limit_phrase(which);
  }
  end_receiving(too_big ? errc::message_too_big : errc::faulted);
  if (which == cause::message_too_big)
    inbox_.need().discard();  // whoever waits for it can't have it
  apply(event::rule_broken, now);
}

void connection::input_ended(input_end how, int os_error, instant now) {
  // A write that failed has taken the error with it: the next read only says "the end".
  const bool says_the_end = how == input_end::fin || how == input_end::truncated;
  if (says_the_end && output_lost_) how = ending_->lost_how;
  if (is_over(phase_)) return;
  if (in_->held.waits()) {
    taking_in().held.append(end_of_input{how, os_error});
    return settle(now);
  }
  if (how == input_end::fin) {
    fin_seen_ = true;
    if (!fin_sent_) ending().record.tcp = tcp_end::peer_fin_first;
    apply(event::input_fin, now);
  } else {
    ending().lost_how = how;
    if (ending_->lost_error == 0 && how == input_end::error) ending().lost_error = os_error;
    if (how == input_end::reset) ending().record.tcp = tcp_end::reset_received;
    if (how == input_end::truncated && !fin_sent_) ending().record.tcp = tcp_end::peer_fin_first;
    apply(event::input_lost, now);
  }
  settle(now);
}

std::span<const const_bytes> connection::output(instant now) {
  if (output_lost_ || !writes()) return {};
  if (!outbox_) return {};
  outgoing& out = sending();
  if (!out.blocked()) out.progress = now;
  return out.gather();
}

void connection::output_in_flight(instant now) {
  in_flight_ = true;
  for (const written_frame& taken : sending().committed()) {
    if (taken.kind == written_frame::what::ping) keepalive_.handed_over(taken.owner, now);
  }
}

bool connection::writes() const noexcept {
  return !is_over(phase_) && phase_ != phase::draining && phase_ != phase::closed;
}

void connection::wrote(std::size_t size, instant now) {
  if (size == 0 || ended_) return;
  last_byte_sent_ = since_open(now);
  sending().progress = now;
  const bool all_was_taken = in_flight_;
  in_flight_ = false;
  if (output_lost_ || !writes()) {  // it was given up meanwhile; the Close went out all the same
    if (all_was_taken && outbox_->close_committed()) note_close_sent(now);
    return;
  }
  if (phase_ == phase::close_queued)
    ending().idle_since = now;  // P5: what the peer reads is no silence
  for (const written_frame& done : sending().wrote(size)) {
    switch (done.kind) {
      case written_frame::what::data:
        complete(done.owner);
        completions().back().what = operation::send;
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
  if (ending_->record.sent) return;
  ending().record.sent = close_frame{{}, ending_->reason, since_open(now)};
  if (ending_->code != adieu::close_status::no_status_received) {
    ending().record.sent->code = static_cast<std::uint16_t>(ending_->code);
  }
  if (ending_->record.initiator == initiator::nobody) ending().record.initiator = initiator::local;
}

void connection::output_failed(input_end how, int os_error, instant now) {
  if (is_over(phase_) || output_lost_) return;
  output_lost_ = true;
  ending().lost_how = how;
  if (how == input_end::error) ending().lost_error = os_error;
  if (how == input_end::reset) ending().record.tcp = tcp_end::reset_received;
  if (how == input_end::fin && !fin_sent_) ending().record.tcp = tcp_end::peer_fin_first;
  apply(event::output_lost, now);
  settle(now);
}

void connection::output_shut() {
  if (!fin_seen_ && ending_->record.tcp == tcp_end::not_connected)
    ending().record.tcp = tcp_end::our_fin_first;
  fin_sent_ = true;
}

void connection::peer_gone(instant now) {
  peer_gone_ = true;
  ending().record.receive_paused = ending_->record.receive_paused || in_->paused_since.has_value();
  settle(now);
}

disconnect_record connection::record() const {
  disconnect_record out = ending_->record;
  out.local_role = how_->self;
  out.opened = opened_at_;
  if (last_byte_received_ != unknown) out.last_byte_received = last_byte_received_;
  if (last_byte_sent_ != unknown) out.last_byte_sent = last_byte_sent_;
  if (round_trip_ != unknown) out.round_trip = round_trip_;
  return out;
}

command connection::take_command() noexcept { return std::exchange(command_, command::none); }

std::optional<adieu::close_status> connection::close_status() const noexcept {
  if (!close_accepted_) return std::nullopt;
  return ending_->record.received->code ? adieu::close_status{*ending_->record.received->code}
                                        : adieu::close_status::no_status_received;
}

const std::string& connection::close_description() const noexcept {
  static const std::string none;
  return close_accepted_ ? ending_->record.received->reason : none;
}

}  // namespace adieu::core
