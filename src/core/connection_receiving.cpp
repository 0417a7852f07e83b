// How data gets to whoever receives: straight from the input, or out of the inbox; and the end.
#include <algorithm>

#include "adieu/core/connection.hpp"

namespace adieu::core {

void connection::on_data(const message_reader::step_result& data, instant now) {
  const bool whole_only =
      show_messages_ || (calls_->receive && calls_->receive->kind == receive_kind::message);
  inbox_.need().add(data, whole_only ? inbox::borders::of_messages : inbox::borders::of_frames);
  if (show_messages_) {
    if (inbox_->first_message_size() > how_->options.max_message_size) {
      return break_limit(cause::message_too_big, now);
    }
    if (const auto message = inbox_.need().peek_message()) {
      taking_in().view = {message->type, message->payload};
      taking_in().view_in_inbox = true;
    }
    return;
  }
  deliver(now);
  discard_if_stuck();
}

// A message that came in one frame and one piece, and that somebody waits for: one copy, or none.
bool connection::take_directly(const message_reader::step_result& data) {
  if (!data.frame_begins || !data.message_ends || !inbox_->between_messages()) return false;
  if (data.payload.size() > how_->options.max_message_size) return false;
  if (show_messages_) {
    taking_in().view = {data.type, data.payload};
    return true;
  }
  if (!calls_->receive) return false;
  if (calls_->receive->kind == receive_kind::message) {
    calls_->receive->into->assign(as_text(data.payload));
  } else {
    if (calls_->receive->buffer.size() < data.payload.size() || calls_->receive->buffer.empty())
      return false;
    std::ranges::copy(data.payload, calls_->receive->buffer.begin());
  }
  completion& done = completions().emplace_back();
  done.owner = calls_->receive->owner;
  done.received.count = data.payload.size();
  done.received.type = data.type;
  done.received.end_of_message = true;
  calls_.need().receive.reset();
  return true;
}

// Behind a message that was shown where it lies, what mostly follows. parse() would come to the
// same.
bool connection::show_short(intake& in) {
  if (in.view_in_inbox || !show_messages_ || !parses() || !inbox_->between_messages()) return false;
  const std::uint64_t longest = how_->options.max_message_size;
  const bytes payload = in.reader.take_short(in.input, longest, in.view->type);
  if (payload.data() == nullptr) return false;
  in.view->bytes = payload;
  return true;
}

// What mostly comes while nobody waits. on_data() would come to the same.
bool connection::keep_short(intake& in) {
  if (calls_->receive || show_messages_ || !inbox_->nothing_arrives()) return false;
  message_type type{};
  const bytes payload = in.reader.take_short(in.input, max_short_payload, type);
  if (payload.data() == nullptr) return false;
  inbox_.need().add_whole(payload, type);
  discard_if_stuck();
  return true;
}

const message_view* connection::next_message(instant now) {
  if (in_ && in_->view_shown) {
    intake& in = taking_in();
    if (show_short(in)) return &*in.view;
    if (in.view_in_inbox) inbox_.need().drop_message();
    in.view.reset();
    in.view_shown = in.view_in_inbox = false;
    parse(now);
  }
  // Whole messages from before message mode was switched on.
  if (!in_->view && show_messages_ && !inbox_->empty()) {
    if (const auto waiting = inbox_.need().peek_message()) {
      taking_in().view = {waiting->type, waiting->payload};
      taking_in().view_in_inbox = true;
    }
  }
  if (!in_->view) return nullptr;
  intake& in = taking_in();
  in.view_shown = true;
  return &*in.view;
}

// Gives the pending receive what there is: data in order, then the end (P2). In message mode data
// is shown instead, and the receive waits for the end alone.
void connection::deliver(instant now) {
  if (!calls_->receive) return;
  if (show_messages_) {
    if (!ending_->told || in_->view || inbox_.need().peek_message()) return;
    inbox_.need().discard();  // a message that will never be whole
  } else if (deliver_data(now)) {
    return;
  }
  if (!ending_->told) return;
  inbox_.need().discard_unfinished(calls_->receive->kind);
  completion done = *ending_->told;
  done.owner = calls_->receive->owner;
  calls_.need().receive.reset();
  end_delivered_ = true;
  completions().push_back(std::move(done));
}

bool connection::deliver_data(instant now) {
  if (inbox_->empty()) return false;
  const bool whole = calls_->receive->kind == receive_kind::message;
  if (whole && inbox_->first_message_size() > how_->options.max_message_size) {
    if (!parses()) {  // nothing can be answered any more, and the end is still to be delivered
      complete(calls_->receive->owner, errc::message_too_big);
      calls_.need().receive.reset();
      inbox_.need().discard();
      return true;
    }
    break_limit(cause::message_too_big, now);
  }
  completion done;
  done.owner = calls_->receive->owner;
  const bool got =
      whole ? inbox_.need().take_message(*calls_->receive->into, done.received)
            : inbox_.need().take(calls_->receive->kind, calls_->receive->buffer, done.received);
  if (!got) return false;
  calls_.need().receive.reset();
  completions().push_back(std::move(done));
  return true;
}

}  // namespace adieu::core
