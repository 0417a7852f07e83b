// How data gets to whoever receives: straight from the input, or out of the inbox; and the end.
#include <algorithm>

#include "adieu/core/connection.hpp"

namespace adieu::core {

void connection::on_data(const message_reader::step_result& data, instant now) {
  const bool whole_only = show_messages_ || (receive_ && receive_->kind == receive_kind::message);
  inbox_.add(data, whole_only ? inbox::borders::of_messages : inbox::borders::of_frames);
  if (show_messages_) {
    if (inbox_.first_message_size() > how_->options.max_message_size) {
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

// A message that came in one frame and one piece, and that somebody waits for: one copy, or none.
bool connection::take_directly(const message_reader::step_result& data) {
  if (!data.frame_begins || !data.message_ends || !inbox_.idle()) return false;
  if (data.payload.size() > how_->options.max_message_size) return false;
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

const connection::message_view* connection::next_message(instant now) {
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
  return view_ ? &*view_ : nullptr;
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
  if (whole && inbox_.first_message_size() > how_->options.max_message_size) {
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

}  // namespace adieu::core
