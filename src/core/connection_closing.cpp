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
    const bool echo = record_.initiator == initiator::local &&
                      record_.received->code == static_cast<std::uint16_t>(close_code_);
    if (!cause_known_ && accuses_us(record_.received->code) && !echo) {
      cause_known_ = true;
      record_.cause = cause::protocol_error_by_us;
    }
    // P5: the Close that waits has become our answer.
    if (before == phase::close_queued && !total_deadline_) {
      total_deadline_ = now + how_->options.close_timeout;
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
      answer_due_.reset();
      outbox_.push_close(encode_close_payload(close_code_, close_reason_), dropped);
      for (const ticket owner : dropped) complete(owner, errc::message_abandoned);
      break;

    case action::deliver_close: {
      completion close;
      close.received.type = message_type::close;
      close.received.end_of_message = true;
      close.received.close_status = close_status();
      close.received.close_description = close_description();
      end_ = close;
      finish_pings(errc::invalid_state);
      if (phase_ == phase::close_received) answer_due_ = now + close_timeout;  // D11
      break;
    }

    case action::queue_failure:
      answer_due_.reset();
      finish_pings(errc::faulted);
      if (!outbox_.close_committed()) {
        outbox_.push_failure_close(encode_close_payload(close_code_, close_reason_), dropped);
        finish_close_outputs(end_->error);  // their Close is not the one that goes out
      }
      for (const ticket owner : dropped) complete(owner, end_->error);
      total_deadline_ = now + close_timeout;
      break;

    case action::stop_writing:
      drop_unsent();
      finish_pings(errc::connection_closed_prematurely);
      if (!total_deadline_) total_deadline_ = now + close_timeout;
      break;

    case action::tear_down:
      if (!end_) act(action::deliver_close, now);
      finish_pings(errc::invalid_state);
      start_linger(now);
      // RFC 6455 §7.1.1: the server closes TCP first; a client waits for that (D9).
      if (how_->self == role::server) command_ = command::shut_output;
      break;

    case action::fin_and_drain:
      answer_due_.reset();
      end_receiving(error_for(record_.cause));
      drop_unsent();
      finish_pings(error_for(record_.cause));
      start_linger(now);
      command_ = command::shut_output;
      break;

    case action::cut:
    case action::reset:
      command_ = what == action::cut ? command::cut : command::reset;
      if (what == action::reset) record_.tcp = tcp_end::reset_sent;
      record_.receive_paused = record_.receive_paused || paused_since_.has_value();
      end_receiving(error_for(record_.cause));
      drop_unsent();
      finish_pings(error_for(record_.cause));
      break;
  }
}

// The first event that made a clean end impossible.
void connection::blame(event what) {
  if (cause_known_) return;
  cause_known_ = true;
  switch (what) {
    case event::input_fin: record_.cause = cause::peer_vanished; break;
    case event::input_lost:
    case event::output_lost: return blame_transport();
    case event::close_deadline:
      if (output_lost_) return blame_transport();
      record_.cause = cause::close_timeout;
      record_.timeout_phase =
          record_.sent ? close_phase::awaiting_peer_close : close_phase::sending_close;
      break;
    case event::peer_silent: record_.cause = cause::keepalive_timeout; break;
    case event::peer_not_reading: record_.cause = cause::peer_not_reading; break;
    case event::call_abort: record_.cause = cause::local_abort; break;
    case event::call_destroy: record_.cause = cause::disposed; break;
    case event::rule_broken:  // break_rule() and break_limit() know more
    case event::call_close:
    case event::call_close_output:
    case event::close_written:
    case event::close_read:
    case event::linger_over: break;
  }
}

void connection::blame_transport() {
  switch (lost_how_) {
    case input_end::fin: record_.cause = cause::peer_vanished; break;
    case input_end::reset: record_.cause = cause::peer_reset; break;
    case input_end::truncated: record_.cause = cause::tls_truncated; break;
    case input_end::error:
      record_.cause = cause::transport_error;
      record_.os_error = lost_error_;
      break;
  }
}

// D9, within P5's total deadline.
void connection::start_linger(instant now) {
  linger_due_ = now + how_->options.linger;
  if (total_deadline_ && *total_deadline_ < *linger_due_) linger_due_ = total_deadline_;
  total_deadline_.reset();
}

void connection::end_receiving(errc error) {
  if (end_) return;
  end_.emplace();
  end_->error = error;
}

void connection::drop_unsent() {
  std::vector<ticket> dropped;
  outbox_.drop_all(dropped);
  const errc error = cause_known_ ? error_for(record_.cause) : errc::connection_closed_prematurely;
  for (const ticket owner : dropped) {
    complete(owner, error);
    completions_.back().what = operation::send;
  }
}

void connection::finish_close_outputs(errc error) {
  std::erase_if(close_waiters_, [&](const close_waiter& waiter) {
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
  record_.ended = since_open(now);
  record_.clean = phase_ == phase::over_closed && !cause_known_;
  if (phase_ == phase::over_aborted && facts.unacknowledged) {
    record_.lost.unacknowledged_bytes = facts.unacknowledged;
  }
  if (record_.tcp == tcp_end::reset_sent && !facts.was_reset) {  // not every transport has resets
    record_.tcp = fin_seen_ ? tcp_end::peer_fin_first : tcp_end::our_fin_first;
  }
  if (facts.unread_in_kernel && record_.tcp != tcp_end::reset_received) {
    record_.tcp = tcp_end::reset_sent;
  }
  if (record_.tcp == tcp_end::not_connected) record_.tcp = tcp_end::our_fin_first;
  const unsent lost = outbox_.left();
  record_.lost.unsent_messages = lost.messages + refused_.messages;
  record_.lost.unsent_bytes = lost.bytes + refused_.bytes;
  // P4: what nobody took by the end of an async_close is thrown away, and counted.
  const bool close_succeeded = discards_ && record_.clean;
  if (discards_ && phase_ == phase::over_closed) {
    inbox_.discard();
    settle(now);
    end_delivered_ = end_delivered_ || close_succeeded;  // P2
  }
  record_.lost.discarded_messages = inbox_.discarded_messages();
  record_.lost.discarded_bytes = inbox_.discarded_bytes();
  record_.lost.unread_messages = inbox_.unread_messages();
  record_.lost.unread_bytes = inbox_.unread_bytes();

  const errc outcome = record_.clean ? errc::success : error_for(record_.cause);
  for (const close_waiter& waiter : std::exchange(close_waiters_, {})) {
    complete(waiter.owner, outcome);
    completions_.back().what = operation::close;
  }
  for (const ticket owner : std::exchange(end_waiters_, {})) complete(owner);
}

}  // namespace adieu::core
