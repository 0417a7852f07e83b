// What the app asks for. Each call ends in at least one completion, now or later.
#include <algorithm>

#include "adieu/core/connection.hpp"

namespace adieu::core {
namespace {

// Of a receive that does not wait: no pending call has it.
constexpr ticket only_now = ~ticket{0};

}  // namespace

void connection::complete(ticket owner, errc error) {
  completion& done = completions_.emplace_back();
  done.owner = owner;
  done.error = error;
}

// N1, S8: the completion carries what the message has to name.
void connection::refuse(ticket owner, operation what) {
  complete(owner, errc::invalid_state);
  completions_.back().what = what;
  completions_.back().seen = state();
}

void connection::receive(ticket owner, receive_kind kind, bytes buffer, instant now) {
  start_receive({owner, kind, buffer, nullptr}, now);
}

void connection::receive_message(ticket owner, std::string& into, instant now) {
  start_receive({owner, receive_kind::message, {}, &into}, now);
}

void connection::start_receive(const pending_receive& next, instant now) {
  if (end_delivered_) return refuse(next.owner, operation::receive);
  if (receive_) return complete(next.owner, errc::operation_in_progress);  // P8
  receive_ = next;
  settle(now);
}

std::optional<completion> connection::try_receive(bytes buffer, instant now) {
  return try_now({only_now, receive_kind::piece, buffer, nullptr}, now);
}

std::optional<completion> connection::try_receive_message(std::string& into, instant now) {
  return try_now({only_now, receive_kind::message, {}, &into}, now);
}

std::optional<completion> connection::try_now(const pending_receive& next, instant now) {
  if (end_delivered_) {
    refuse(next.owner, operation::receive);
  } else if (receive_) {
    complete(next.owner, errc::operation_in_progress);  // P8
  } else {
    receive_ = next;
    deliver(now);
    const bool stands_still = inbox_.held() >= how_->options.receive_window;
    if (receive_ && next.kind == receive_kind::piece && stands_still) {
      receive_->kind = receive_kind::some;  // P3: more of this frame comes when some of it is taken
      deliver(now);
    }
    if (receive_) {
      receive_.reset();
      return std::nullopt;
    }
  }
  completion done = std::move(completions_.back());
  completions_.pop_back();
  settle(now);
  return done;
}

void connection::send(const send_piece& piece, instant now) {
  if (piece.type == message_type::close) return complete(piece.owner, errc::invalid_message_type);
  if (phase_ != phase::open && phase_ != phase::close_received) {
    return refuse(piece.owner, operation::send);
  }
  if (output_lost_) return complete(piece.owner, errc::connection_closed_prematurely);
  if (outbox_.data().changes_compression(piece)) {  // N13
    return complete(piece.owner, errc::invalid_argument);
  }
  if (answer_due_) answer_due_ = now + how_->options.close_timeout;  // D11: after the last send
  outbox_.data().push(piece);
}

bool connection::send_copy(message_type type, const_bytes payload, instant now) {
  if (send_refusal() != errc::success) return false;
  const bool nothing_waited = !outbox_.blocked();
  if (!outbox_.send_copy(type, payload)) return false;
  if (nothing_waited) write_progress_ = now;  // P3: it is composed, and its limit runs
  if (answer_due_) answer_due_ = now + how_->options.close_timeout;  // D11: after the last send
  return true;
}

errc connection::send_refusal() const noexcept {
  if (phase_ != phase::open && phase_ != phase::close_received) return errc::invalid_state;
  return output_lost_ ? errc::connection_closed_prematurely : errc::success;
}

void connection::send_overflowed(instant now) {
  if (send_refusal() != errc::success) return;  // it is ending already
  close_for(cause::too_much_buffered,
            adieu::close_status::policy_violation,
            "more waits for this peer than the limit: it reads too slowly",
            now);
}

void connection::begin_message(sender from) { outbox_.data().reserve(from); }

void connection::abandon_message(sender from, instant now) {
  if (outbox_.data().release(from)) return;
  if (step(phase_, event::call_close).act != action::queue_close) return;  // P1: counted as lost
  close_for(cause::handler_error,
            adieu::close_status::internal_server_error,
            "a message was begun and not ended",
            now);
}

void connection::ping(ticket owner, instant now) {
  (void)now;
  if (phase_ != phase::open || output_lost_) return refuse(owner, operation::ping);
  const std::uint64_t counter = keepalive_.queued(owner);
  outbox_.push_control(opcode::ping, keepalive::payload_of(counter), counter);
}

void connection::close(ticket owner,
                       adieu::close_status code,
                       std::string_view reason,
                       instant now,
                       std::optional<duration> timeout) {
  if (!bad_close_argument(code, reason).empty()) return complete(owner, errc::invalid_argument);
  if (step(phase_, event::call_close).act == action::refuse) {
    return refuse(owner, operation::close);
  }
  discards_ = true;
  const instant due = now + timeout.value_or(how_->options.close_timeout);
  total_deadline_ = total_deadline_ ? std::min(*total_deadline_, due) : due;
  close_waiters_.push_back({owner, false});
  start_close(event::call_close, code, reason, now);
}

void connection::hurry(instant due) noexcept {
  if (linger_due_) {
    linger_due_ = std::min(*linger_due_, due);
  } else if (phase_ != phase::open && phase_ != phase::close_received && !is_over(phase_)) {
    total_deadline_ = total_deadline_ ? std::min(*total_deadline_, due) : due;
  }
}

void connection::count_unsent(const unsent& what) noexcept {
  refused_.messages += what.messages;
  refused_.bytes += what.bytes;
}

void connection::close_output(ticket owner,
                              adieu::close_status code,
                              std::string_view reason,
                              instant now) {
  if (!bad_close_argument(code, reason).empty()) return complete(owner, errc::invalid_argument);
  if (step(phase_, event::call_close_output).act == action::refuse) {
    return refuse(owner, operation::close_output);
  }
  // P5: our answer starts the deadline; a half-close only watches for silence.
  if (phase_ == phase::close_received) total_deadline_ = now + how_->options.close_timeout;
  idle_since_ = now;
  close_waiters_.push_back({owner, true});
  start_close(event::call_close_output, code, reason, now);
}

void connection::close_for(cause why,
                           adieu::close_status code,
                           std::string_view reason,
                           instant now) {
  if (step(phase_, event::call_close).act == action::refuse) return;
  // A Close of the app that is on its way already says what there is to say.
  const bool ours = step(phase_, event::call_close).act == action::queue_close;
  if (ours && !cause_known_) {
    cause_known_ = true;
    record_.cause = why;
  }
  discards_ = true;
  if (!total_deadline_) total_deadline_ = now + how_->options.close_timeout;
  start_close(event::call_close, code, reason, now);
}

void connection::start_close(event call,
                             adieu::close_status code,
                             std::string_view reason,
                             instant now) {
  if (step(phase_, call).act == action::queue_close) {
    close_code_ = code;
    close_reason_ = reason;
  }
  apply(call, now);
  settle(now);
}

void connection::wait_closed(ticket owner) {
  if (ended_) {
    complete(owner);
  } else {
    end_waiters_.push_back(owner);
  }
}

// P7: cancelling is about the wait, never about the connection.
void connection::cancel(ticket owner, instant now) {
  bool found = false;
  if (receive_ && receive_->owner == owner) {
    receive_.reset();
    found = true;
  }
  found = found || outbox_.data().withdraw(owner) || keepalive_.cancel(owner) ||
          std::erase(end_waiters_, owner) != 0 ||
          std::erase_if(close_waiters_, [&](const close_waiter& w) { return w.owner == owner; });
  if (!found) return;
  complete(owner);
  completions_.back().cancelled = true;
  settle(now);
}

void connection::abort(instant now) {
  apply(event::call_abort, now);
  settle(now);
}

// P6. Whoever still waits is told, also when the teardown goes on without the websocket.
void connection::destroy(instant now) {
  if (destroyed_) return;
  destroyed_ = true;
  disposed_ = step(phase_, event::call_destroy).act == action::fin_and_drain;
  apply(event::call_destroy, now);
  if (receive_) {
    complete(receive_->owner, errc::aborted);
    receive_.reset();
  }
  for (const close_waiter& waiter : std::exchange(close_waiters_, {})) {
    complete(waiter.owner, errc::aborted);
  }
  finish_pings(errc::aborted);
  inbox_.discard();
  discards_ = true;
  settle(now);
}

}  // namespace adieu::core
