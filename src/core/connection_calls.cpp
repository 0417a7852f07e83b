// What the app asks for. Each call ends in at least one completion, now or later.
#include <algorithm>

#include "adieu/core/connection.hpp"

namespace adieu::core {
namespace {

// Of a receive that does not wait: no pending call has it.
constexpr ticket only_now = ~ticket{0};

}  // namespace

void connection::complete(ticket owner, errc error) {
  completion& done = completions().emplace_back();
  done.owner = owner;
  done.error = error;
}

// N1, S8: the completion carries what the message has to name.
void connection::refuse(ticket owner, operation what) {
  complete(owner, errc::invalid_state);
  completions().back().what = what;
  completions().back().seen = state();
}

void connection::receive(ticket owner, receive_kind kind, bytes buffer, instant now) {
  start_receive({owner, kind, buffer, nullptr}, now);
}

void connection::receive_message(ticket owner, std::string& into, instant now) {
  start_receive({owner, receive_kind::message, {}, &into}, now);
}

void connection::start_receive(const pending_receive& next, instant now) {
  if (end_delivered_) return refuse(next.owner, operation::receive);
  if (calls_->receive) return complete(next.owner, errc::operation_in_progress);  // P8
  calls_.need().receive = next;
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
  } else if (calls_->receive) {
    complete(next.owner, errc::operation_in_progress);  // P8
  } else {
    calls_.need().receive = next;
    deliver(now);
    const bool stands_still = inbox_->held() >= how_->options.receive_window;
    if (calls_->receive && next.kind == receive_kind::piece && stands_still) {
      calls_.need().receive->kind =
          receive_kind::some;  // P3: more of this frame comes when some of it is taken
      deliver(now);
    }
    if (calls_->receive) {
      calls_.need().receive.reset();
      return std::nullopt;
    }
  }
  completion done = std::move(completions().back());
  completions().pop_back();
  settle(now);
  return done;
}

bool connection::take_whole_message(std::string& into, message_type& type, instant now) {
  if (!inbox_ || end_delivered_ || calls_->receive || show_messages_) return false;
  if (!inbox_.need().take_whole(how_->options.max_message_size, into, type)) return false;
  if (in_ && (in_->paused_since || !in_->held.idle())) settle(now);  // there is room again
  return true;
}

void connection::send(const send_piece& piece, instant now) {
  if (piece.type == message_type::close) return complete(piece.owner, errc::invalid_message_type);
  if (phase_ != phase::open && phase_ != phase::close_received) {
    return refuse(piece.owner, operation::send);
  }
  if (output_lost_) return complete(piece.owner, errc::connection_closed_prematurely);
  if (outbox_->data().changes_compression(piece)) {  // N13
    return complete(piece.owner, errc::invalid_argument);
  }
  put_off_answer(now);
  sending().data().push(piece);
}

bool connection::send_copy(message_type type,
                           const_bytes payload,
                           instant now,
                           outbox::payload_memory memory) {
  if (send_refusal() != errc::success) return false;
  outgoing& out = sending();
  if (!out.blocked()) out.progress = now;  // P3: once it is composed, its limit runs
  if (!out.send_copy(type, payload, memory)) return false;
  put_off_answer(now);
  return true;
}

// D11: the app has its time from its last send on.
void connection::put_off_answer(instant now) {
  if (ending_->answer_due) ending().answer_due = now + how_->options.close_timeout;
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

void connection::begin_message(sender from) { sending().data().reserve(from); }

void connection::abandon_message(sender from, instant now) {
  if (sending().data().release(from)) return;
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
  sending().push_control(opcode::ping, keepalive::payload_of(counter), counter);
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
  ending().total_deadline = ending_->total_deadline ? std::min(*ending_->total_deadline, due) : due;
  ending().waiters.push_back({owner, false});
  start_close(event::call_close, code, reason, now);
}

void connection::hurry(instant due) {
  if (ending_->linger_due) {
    ending().linger_due = std::min(*ending_->linger_due, due);
  } else if (phase_ != phase::open && phase_ != phase::close_received && !is_over(phase_)) {
    ending().total_deadline =
        ending_->total_deadline ? std::min(*ending_->total_deadline, due) : due;
  }
}

void connection::count_unsent(const unsent& what) {
  ending().refused.messages += what.messages;
  ending().refused.bytes += what.bytes;
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
  if (phase_ == phase::close_received) ending().total_deadline = now + how_->options.close_timeout;
  ending().idle_since = now;
  ending().waiters.push_back({owner, true});
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
    ending().record.cause = why;
  }
  discards_ = true;
  if (!ending_->total_deadline) ending().total_deadline = now + how_->options.close_timeout;
  start_close(event::call_close, code, reason, now);
}

void connection::start_close(event call,
                             adieu::close_status code,
                             std::string_view reason,
                             instant now) {
  if (step(phase_, call).act == action::queue_close) {
    ending().code = code;
    ending().reason = reason;
  }
  apply(call, now);
  settle(now);
}

void connection::wait_closed(ticket owner) {
  if (ended_) {
    complete(owner);
  } else {
    calls_.need().end_waiters.push_back(owner);
  }
}

// P7: cancelling is about the wait, never about the connection.
void connection::cancel(ticket owner, instant now) {
  bool found = false;
  if (calls_->receive && calls_->receive->owner == owner) {
    calls_.need().receive.reset();
    found = true;
  }
  found = found || sending().data().withdraw(owner) || keepalive_.cancel(owner) ||
          std::erase(calls_.need().end_waiters, owner) != 0;
  if (!found && ending_) {
    const auto mine = [&](const close_waiter& w) { return w.owner == owner; };
    found = std::erase_if(ending().waiters, mine) != 0;
  }
  if (!found) return;
  complete(owner);
  completions().back().cancelled = true;
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
  if (calls_->receive) {
    complete(calls_->receive->owner, errc::aborted);
    calls_.need().receive.reset();
  }
  for (const close_waiter& waiter : std::exchange(ending().waiters, {})) {
    complete(waiter.owner, errc::aborted);
  }
  finish_pings(errc::aborted);
  inbox_.need().discard();
  discards_ = true;
  settle(now);
}

}  // namespace adieu::core
