// The closing table put into effect, and the record that comes of it.
#include <cassert>

#include "adieu/core/connection.hpp"

namespace adieu::core {
namespace {

// The peer's Close that says that we broke a rule: these codes have no other use (RFC 6455 §7.4.1).
bool accuses_us(std::optional<std::uint16_t> code) {
  switch (code.value_or(0)) {
    case 1002:
    case 1003:
    case 1007:
    case 1009:
    case 1010: return true;
    default: return false;
  }
}

// What a call that was waiting is told about an end that was not clean.
errc error_for(cause why) {
  switch (why) {
    case cause::handshake:
    case cause::peer_vanished:
    case cause::peer_reset:
    case cause::tls_truncated:
    case cause::connect_failed: return errc::connection_closed_prematurely;
    case cause::protocol_error_by_peer:
    case cause::protocol_error_by_us:
    case cause::too_many_control_frames:
    case cause::handler_error: return errc::faulted;
    case cause::message_too_big:
    case cause::frame_too_big:
    case cause::too_many_fragments:
    case cause::inflated_too_much: return errc::message_too_big;
    case cause::keepalive_timeout: return errc::keepalive_timeout;
    case cause::peer_not_reading: return errc::peer_not_reading;
    case cause::too_much_buffered: return errc::too_much_buffered;
    case cause::close_timeout: return errc::close_timeout;
    case cause::local_abort:
    case cause::disposed: return errc::aborted;
    case cause::transport_error: return errc::native_error;
  }
  return errc::faulted;
}

}  // namespace

void connection::apply(event what, instant now) {
  const transition rule = step(phase_, what);
  assert(rule.act != action::impossible);
  const core::phase before = phase_;
  if (what == event::close_read) {
    const bool echo = ending_->record.initiator == initiator::local &&
                      ending_->record.received->code == static_cast<std::uint16_t>(ending_->code);
    if (!cause_known_ && accuses_us(ending_->record.received->code) && !echo) {
      cause_known_ = true;
      ending().record.cause = cause::protocol_error_by_us;
    }
    // P5: the Close that waits has become our answer.
    if (before == phase::close_queued && !ending_->total_deadline) {
      ending().total_deadline = now + how_->options.close_timeout;
    }
  }
  phase_ = rule.next;
  if (before != phase_ && public_state(phase_) == state::aborted) blame(what);
  act(rule.act, now);
  if (what == event::close_written) finish_close_outputs(errc::success);
  // What was noted before may decide at once in the new phase.
  if (before == phase_) return;
  if (phase_ == phase::closed || phase_ == phase::draining) {
    if (fin_seen_) apply(event::input_fin, now);
  } else if (output_lost_ && !parses() && !is_over(phase_)) {
    apply(event::output_lost, now);
  }
}

void connection::act(action what, instant now) {
  const duration close_timeout = how_->options.close_timeout;
  std::vector<ticket> dropped;
  switch (what) {
    case action::none:
    case action::refuse:
    case action::impossible:
    case action::note_fin: break;

    case action::queue_close:
      ending().answer_due.reset();
      sending().push_close(encode_close_payload(ending_->code, ending_->reason), dropped);
      for (const ticket owner : dropped) complete(owner, errc::message_abandoned);
      break;

    case action::deliver_close: {
      completion close;
      close.received.type = message_type::close;
      close.received.end_of_message = true;
      close.received.close_status = close_status();
      close.received.close_description = close_description();
      ending().told = close;
      finish_pings(errc::invalid_state);
      if (phase_ == phase::close_received) ending().answer_due = now + close_timeout;  // D11
      break;
    }

    case action::queue_failure:
      ending().answer_due.reset();
      finish_pings(errc::faulted);
      if (!outbox_->close_committed()) {
        sending().push_failure_close(encode_close_payload(ending_->code, ending_->reason), dropped);
        finish_close_outputs(ending_->told->error);  // their Close is not the one that goes out
      }
      for (const ticket owner : dropped) complete(owner, ending_->told->error);
      ending().total_deadline = now + close_timeout;
      break;

    case action::stop_writing:
      drop_unsent();
      finish_pings(errc::connection_closed_prematurely);
      if (!ending_->total_deadline) ending().total_deadline = now + close_timeout;
      break;

    case action::tear_down:
      if (!ending_->told) act(action::deliver_close, now);
      finish_pings(errc::invalid_state);
      start_linger(now);
      // RFC 6455 §7.1.1: the server closes TCP first; a client waits for that (D9).
      if (how_->self == role::server) command_ = command::shut_output;
      break;

    case action::fin_and_drain:
      ending().answer_due.reset();
      end_receiving(error_for(ending_->record.cause));
      drop_unsent();
      finish_pings(error_for(ending_->record.cause));
      start_linger(now);
      command_ = command::shut_output;
      break;

    case action::cut:
    case action::reset:
      command_ = what == action::cut ? command::cut : command::reset;
      if (what == action::reset) ending().record.tcp = tcp_end::reset_sent;
      ending().record.receive_paused =
          ending_->record.receive_paused || in_->paused_since.has_value();
      end_receiving(error_for(ending_->record.cause));
      drop_unsent();
      finish_pings(error_for(ending_->record.cause));
      break;
  }
}

// The first event that made a clean end impossible.
void connection::blame(event what) {
  if (cause_known_) return;
  cause_known_ = true;
  switch (what) {
    case event::input_fin: ending().record.cause = cause::peer_vanished; break;
    case event::input_lost:
    case event::output_lost: return blame_transport();
    case event::close_deadline:
      if (output_lost_) return blame_transport();
      ending().record.cause = cause::close_timeout;
      ending().record.timeout_phase =
          ending_->record.sent ? close_phase::awaiting_peer_close : close_phase::sending_close;
      break;
    case event::peer_silent: ending().record.cause = cause::keepalive_timeout; break;
    case event::peer_not_reading: ending().record.cause = cause::peer_not_reading; break;
    case event::call_abort: ending().record.cause = cause::local_abort; break;
    case event::call_destroy: ending().record.cause = cause::disposed; break;
    case event::rule_broken:  // break_rule() and break_limit() know more
    case event::call_close:
    case event::call_close_output:
    case event::close_written:
    case event::close_read:
    case event::linger_over: break;
  }
}

void connection::blame_transport() {
  switch (ending_->lost_how) {
    case input_end::fin: ending().record.cause = cause::peer_vanished; break;
    case input_end::reset: ending().record.cause = cause::peer_reset; break;
    case input_end::truncated: ending().record.cause = cause::tls_truncated; break;
    case input_end::error:
      ending().record.cause = cause::transport_error;
      ending().record.os_error = ending_->lost_error;
      break;
  }
}

// D9, within P5's total deadline.
void connection::start_linger(instant now) {
  ending_part& end = ending();
  end.linger_due = now + how_->options.linger;
  if (end.total_deadline && *end.total_deadline < *end.linger_due) {
    end.linger_due = end.total_deadline;
  }
  end.total_deadline.reset();
}

void connection::end_receiving(errc error) {
  if (ending_->told) return;
  ending().told.emplace();
  ending().told->error = error;
}

void connection::drop_unsent() {
  std::vector<ticket> dropped;
  sending().drop_all(dropped);
  const errc error =
      cause_known_ ? error_for(ending_->record.cause) : errc::connection_closed_prematurely;
  for (const ticket owner : dropped) {
    complete(owner, error);
    completions().back().what = operation::send;
  }
}

void connection::finish_close_outputs(errc error) {
  std::erase_if(ending().waiters, [&](const close_waiter& waiter) {
    if (waiter.output_only) complete(waiter.owner, error);
    return waiter.output_only;
  });
}

void connection::finish_pings(errc error) {
  for (const keepalive::ping& p : keepalive_.give_up()) {
    if (p.owner != 0) complete(p.owner, error);
  }
}

void connection::transport_closed(const closing_facts& facts, instant now) {
  if (ended_) return;
  ended_ = true;
  ending().record.ended = since_open(now);
  ending().record.clean = phase_ == phase::over_closed && !cause_known_;
  if (phase_ == phase::over_aborted && facts.unacknowledged) {
    ending().record.lost.unacknowledged_bytes = facts.unacknowledged;
  }
  if (ending_->record.tcp == tcp_end::reset_sent &&
      !facts.was_reset) {  // not every transport has resets
    ending().record.tcp = fin_seen_ ? tcp_end::peer_fin_first : tcp_end::our_fin_first;
  }
  if (facts.unread_in_kernel && ending_->record.tcp != tcp_end::reset_received) {
    ending().record.tcp = tcp_end::reset_sent;
  }
  if (ending_->record.tcp == tcp_end::not_connected) ending().record.tcp = tcp_end::our_fin_first;
  const unsent lost = outbox_->left();
  ending().record.lost.unsent_messages = lost.messages + ending_->refused.messages;
  ending().record.lost.unsent_bytes = lost.bytes + ending_->refused.bytes;
  // P4: what nobody took by the end of an async_close is thrown away, and counted.
  const bool close_succeeded = discards_ && ending_->record.clean;
  if (discards_ && phase_ == phase::over_closed) {
    inbox_.need().discard();
    settle(now);
    end_delivered_ = end_delivered_ || close_succeeded;  // P2
  }
  ending().record.lost.discarded_messages = inbox_->discarded_messages();
  ending().record.lost.discarded_bytes = inbox_->discarded_bytes();
  ending().record.lost.unread_messages = inbox_->unread_messages();
  ending().record.lost.unread_bytes = inbox_->unread_bytes();

  const errc outcome = ending_->record.clean ? errc::success : error_for(ending_->record.cause);
  for (const close_waiter& waiter : std::exchange(ending().waiters, {})) {
    complete(waiter.owner, outcome);
    completions().back().what = operation::close;
  }
  for (const ticket owner : std::exchange(calls_.need().end_waiters, {})) complete(owner);
}

}  // namespace adieu::core
