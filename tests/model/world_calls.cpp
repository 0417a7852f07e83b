// The apps: what they call, and whether what they are told is right.
#include <algorithm>

#include "tests/model/world.hpp"

namespace adieu::model {
namespace {

using core::completion;

// Buffers are the callers'; a core only remembers where they are. Worlds of one thread share them:
// what arrives is looked at within the same move.
thread_local std::array<std::byte, 64> space[2];
thread_local std::string message_space[2];

constexpr std::size_t letters = 26, longest = 64;

core::const_bytes payload_of(char letter, std::size_t size) {
  static const auto all = [] {
    std::array<std::array<char, longest>, letters> out;
    for (std::size_t i = 0; i < letters; ++i) out[i].fill(static_cast<char>('a' + i));
    return out;
  }();
  return core::as_bytes({all[static_cast<std::size_t>(letter - 'a') % letters].data(), size});
}

std::size_t buffer_size(verb what) { return what == verb::receive_one ? 1 : 64; }

// The server's codes are not the client's: an answer is told from a Close that crosses.
close_status code_for(role self) { return close_status(self == role::client ? 1000 : 1001); }

constexpr std::string_view reason = "r";

// How far `text` reaches in `unread` from `at`, borders of frames included; 0: it is not there.
std::size_t reach(std::string_view unread, std::size_t at, std::string_view text) {
  std::size_t done = 0;
  for (std::size_t i = at; i < unread.size() && done < text.size(); ++i) {
    if (unread[i] == ',') continue;
    if (unread[i] != text[done]) return 0;
    if (++done == text.size()) return i + 1;
  }
  return 0;
}

}  // namespace

void world::call(end& e, verb what, std::uint8_t which) {
  truth& seen = e.seen;
  core::connection& core = e.core;
  const auto& o = options(e);
  say(e,
      what == verb::cancel ? "cancels its " + std::string(to_string(e.waiting[which].what))
                           : std::string(to_string(what)));
  switch (what) {
    case verb::send:
    case verb::send_piece:
    case verb::send_last:
    case verb::send_copy:
    case verb::write_piece:
    case verb::write_last: return send(e, what);
    case verb::reserve:
      e.writer = ++e.last_writer;
      e.writer_began = false;
      return core.begin_message(e.writer);
    case verb::abandon: {
      const bool began = std::exchange(e.writer_began, false);
      core.abandon_message(std::exchange(e.writer, 0), now_);
      const bool closes = began && !seen.closing && !seen.failed;
      if (!closes) return;
      if (!seen.why) seen.why = cause::handler_error;
      seen.close_called = true;
      if (!seen.total) seen.total = now_ + o.close_timeout;
      return app_closes(e);
    }
    case verb::ping: return core.ping(new_call(e, what), now_);
    case verb::receive:
    case verb::receive_one:
    case verb::receive_some:
    case verb::receive_message:
    case verb::try_receive: return receive(e, what);
    case verb::cancel: return cancel(e, which);
    case verb::close: {
      core.close(new_call(e, what), code_for(core.self()), reason, now_);
      const instant due = now_ + o.close_timeout;
      seen.total = seen.total ? std::min(*seen.total, due) : due;
      seen.close_called = true;
      return app_closes(e);
    }
    case verb::close_output:
      core.close_output(new_call(e, what), code_for(core.self()), reason, now_);
      if (seen.close_read) seen.total = now_ + o.close_timeout;
      seen.idle_since = now_;
      return app_closes(e);
    case verb::close_for:
      core.close_for(cause::handler_error, close_status(1011), reason, now_);
      if (!seen.closing && !seen.why) seen.why = cause::handler_error;
      if (!seen.total) seen.total = now_ + o.close_timeout;
      seen.close_called = true;
      return app_closes(e);
    case verb::abort:
      core.abort(now_);
      seen.over_now = excused_ = true;
      seen.by_reset = !seen.both() || seen.failed;
      if (seen.by_reset) seen.lose(cause::local_abort);
      return;
    case verb::destroy: {
      core.destroy(now_);
      seen.destroyed = true;
      throw_away(e);
      const bool both_queued = seen.close_read && seen.closing;
      if (seen.failed || both_queued) return;
      seen.disposed = true;
      seen.lose(cause::disposed);
      return start_linger(e);
    }
    case verb::wait_closed: return core.wait_closed(new_call(e, what));
    default: return;
  }
}

// The smallest number that is free: what happened before leaves no trace in it.
core::ticket world::new_call(end& e, verb what) {
  core::ticket owner = 1;
  while (std::ranges::find(e.waiting, owner, &pending::owner) != e.waiting.end()) ++owner;
  pending& made = e.waiting.emplace_back();
  made.owner = owner;
  made.what = what;
  return owner;
}

void world::app_closes(end& e) {
  e.seen.closing = true;
  e.seen.answer.reset();
}

void world::send(end& e, verb what) {
  truth& seen = e.seen;
  const bool by_writer = what == verb::write_piece || what == verb::write_last;
  const core::ticket owner = new_call(e, what);
  pending& p = e.waiting.back();
  p.letter = static_cast<char>('a' + (menu_->operations - left_.operations - 1) % letters);
  p.size = p.left = static_cast<std::uint8_t>(menu_->message_size);
  p.ends = what != verb::send_piece && what != verb::write_piece;
  p.from = by_writer ? e.writer : 0;
  p.behind = seen.stuck;
  p.first = !(by_writer ? e.writer_began : e.in_message);
  seen.unsent += p.size;
  if (p.first) ++seen.unsent_messages;
  if (by_writer) {
    e.writer_began = !p.ends;
    if (p.ends) e.writer = 0;
  } else {
    e.in_message = !p.ends;
  }
  if (seen.answer) seen.answer = now_ + options(e).close_timeout;  // D11
  const core::const_bytes payload = payload_of(p.letter, p.size);
  if (what != verb::send_copy) {
    return e.core.send({owner, p.from, message_type::text, p.ends, payload}, now_);
  }
  if (e.core.send_copy(message_type::text, payload, now_)) {
    p.owner = 0;  // nobody is told
  } else {
    e.core.send({owner, 0, message_type::text, true, payload}, now_);
  }
}

void world::receive(end& e, verb what) {
  const std::size_t which = index(e.core.self());
  const core::bytes buffer = core::bytes(space[which]).first(buffer_size(what));
  if (what == verb::try_receive) {
    const auto got = e.core.try_receive(buffer, now_);
    if (got) received(e, what, *got);
    return;
  }
  const core::ticket owner = new_call(e, what);
  if (what == verb::receive_message) {
    e.core.receive_message(owner, message_space[which], now_);
  } else {
    const bool some = what == verb::receive_some;
    e.core.receive(
        owner, some ? core::receive_kind::some : core::receive_kind::piece, buffer, now_);
  }
  if (!e.core.completions().empty()) return;
  // P8: a second one at the same time is told so, and changes nothing.
  constexpr core::ticket second = 99;
  e.core.receive(second, core::receive_kind::some, buffer, now_);
  const auto& told = e.core.completions();
  if (told.size() != 1 || told[0].owner != second || told[0].error != errc::operation_in_progress) {
    fail("every operation completes once", &e, "a second receive was not refused");
  }
  e.core.completions().clear();
}

void world::cancel(end& e, std::uint8_t which) {
  pending& p = e.waiting[which];
  p.cancelled = true;
  const core::ticket owner = p.owner;
  const bool must = p.letter == 0 || (p.behind && p.first && p.ends && p.from == 0);
  if (owner == 0) return;
  e.core.cancel(owner, now_);
  collect(e);
  const auto still = std::ranges::find(e.waiting, owner, &pending::owner);
  if (still == e.waiting.end()) return;
  if (must) fail("a cancelled wait ends", &e, "it goes on");
  still->cancelled = false;  // a send that has begun goes on as if nothing had been said
}

// ── What they are told ──────────────────────────────────────────────────────────────────────────

void world::collect(end& e) {
  std::vector<completion> news;
  news.swap(e.core.completions());
  for (const completion& done : news) {
    if (broken_) return;
    complete(e, done);
  }
  // Copies that nobody waits for are forgotten when they are written.
  std::erase_if(e.waiting, [](const pending& p) { return p.owner == 0 && p.left == 0; });
}

void world::complete(end& e, const completion& done) {
  truth& seen = e.seen;
  if (done.owner == 0) return;
  const auto found = std::ranges::find(e.waiting, done.owner, &pending::owner);
  if (found == e.waiting.end()) {
    return fail("every operation completes once", &e, "a completion that nobody waits for");
  }
  const pending what = *found;
  e.waiting.erase(found);
  if (audience_ != nullptr) {
    std::string text = "done: " + std::string(to_string(what.what)) + ": ";
    text += done.cancelled ? "cancelled" : to_string(done.error);
    if (done.received.count != 0) text += " " + std::to_string(done.received.count) + " bytes";
    if (done.received.close_status) text += " (the Close)";
    say(e, text);
  }
  if (done.cancelled) {
    if (!what.cancelled) fail("only what is cancelled is cancelled", &e, "it was not");
    if (what.letter == 0) return;
    if (what.left != what.size || !what.first) {
      return fail("only what has not begun is withdrawn", &e, "a send that had begun");
    }
    seen.unsent -= what.size;
    --seen.unsent_messages;
    if (!what.ends && what.from == 0) e.in_message = false;
    if (!what.ends && what.from == e.writer) e.writer_began = false;
    return;
  }
  const bool good = done.error == errc::success;
  switch (what.what) {
    case verb::receive:
    case verb::receive_one:
    case verb::receive_some:
    case verb::receive_message: return received(e, what.what, done);
    case verb::ping:
      if (!good && !seen.close_read && !seen.failed && !seen.output_lost) {
        fail("nothing fails without a reason", &e, "a ping");
      }
      return;
    case verb::close: {
      const bool clean = e.core.ended() && e.core.record().clean;
      if (good != clean) {
        fail("success of close means clean", &e, good ? "success, not clean" : "clean, no success");
      }
      if (!good && !e.core.ended() && !seen.destroyed) {
        fail("nothing fails without a reason", &e, "a close");
      }
      return;
    }
    case verb::close_output:
      if (good && !seen.close_written) {
        fail("close_output means written", &e, "success before our Close was written");
      }
      if (!good && !seen.failed && !seen.output_lost && !seen.destroyed) {
        fail("nothing fails without a reason", &e, "a close_output");
      }
      return;
    case verb::wait_closed:
      if (!good || !e.core.ended()) fail("wait_closed means closed", &e, "it is not");
      return;
    default: return sent(e, what, done);
  }
}

void world::sent(end& e, const pending& what, const completion& done) {
  const truth& seen = e.seen;
  if (done.error == errc::success) {
    if (what.left != 0) fail("a send's success means written", &e, "bytes of it are not");
    return;
  }
  const bool reason_enough = seen.failed || seen.output_lost;
  const bool blocked = done.error == errc::message_abandoned && seen.closing;
  if (!reason_enough && !blocked) fail("nothing fails without a reason", &e, "a send");
  const bool early = seen.output_lost && done.error == errc::connection_closed_prematurely;
  if (!blocked && !early && done.error != error_of(seen.why)) {
    fail("the end is told truly",
         &e,
         std::string("to a send: ") + std::string(to_string(done.error)));
  }
}

void world::received(end& e, verb what, const completion& done) {
  truth& seen = e.seen;
  const std::size_t which = index(e.core.self());
  if (done.received.close_status || done.error != errc::success) {
    if (seen.destroyed) {
      if (done.error != errc::aborted) fail("the end is told truly", &e, "not aborted");
      return;
    }
    if (seen.end_told) {
      if (done.error != errc::invalid_state) {
        fail("after the end invalid_state", &e, "a receive is told the end twice");
      }
      return;
    }
    if (done.error == errc::message_too_big && seen.end_error != done.error) {
      if (seen.largest <= options(e).max_message_size || seen.parses()) {
        fail("a message that is too large is refused", &e, "none was");
      }
      return throw_away(e);  // the end is still to be told
    }
    end_was_told(e);
    errc expected = seen.end_error;
    if (expected == errc::success && !seen.close_read) expected = error_of(seen.why);
    if (done.error != expected) {
      fail("the end is told truly",
           &e,
           "a receive ends with " + std::string(to_string(done.error)) + ", not " +
               std::string(to_string(expected)));
    }
    if (!done.received.close_status) return;
    const auto code = code_of(seen.received).value_or(1005);
    if (static_cast<std::uint16_t>(*done.received.close_status) != code) {
      fail("the end is told truly", &e, "another Close code than the peer's");
    }
    return;
  }
  std::string text;
  if (what == verb::receive_message) {
    text = message_space[which];
  } else {
    text = core::as_text(core::bytes(space[which]).first(done.received.count));
  }
  if (text.size() != done.received.count || text.size() > buffer_size(what)) {
    return fail("what is received was sent", &e, "the count is wrong");
  }
  if (what == verb::receive_message && text.size() > options(e).max_message_size) {
    return fail("a message that is too large is refused", &e, "it was not");
  }
  const std::size_t before = seen.unread.size();
  take(e, text, done.received.end_of_message);
  const bool whole_frame = before - seen.unread.size() > text.size();
  const bool piece = what == verb::receive || what == verb::receive_one;
  if (piece && !whole_frame && text.size() != buffer_size(what)) {
    fail("a receive waits for its piece", &e, "neither is the buffer full nor the frame over");
  }
}

// Bytes reach the app in the order in which they came; what is skipped was thrown away.
void world::take(end& e, std::string_view text, bool end_of_message) {
  truth& seen = e.seen;
  std::size_t from = 0, to = 0;
  while (!text.empty() && from < seen.unread.size() && to == 0) {
    to = reach(seen.unread, from, text);
    if (to == 0) ++from;
  }
  if (to == 0) {
    return fail("what is received was sent", &e, "\"" + std::string(text) + "\" was not");
  }
  if (letters_in(std::string_view(seen.unread).substr(0, from)) != 0) {
    if (!seen.close_called) return fail("nothing received is lost", &e, "bytes were skipped");
    seen.thrown_away += letters_in(std::string_view(seen.unread).substr(0, from));
  }
  seen.unread.erase(0, to);
  const bool at_end = !seen.unread.empty() && seen.unread.front() == '|';
  if (at_end != end_of_message) {
    return fail("what is received was sent", &e, "end_of_message is wrong");
  }
  if (at_end || seen.unread.starts_with(',')) seen.unread.erase(0, 1);
}

// P2: first everything that arrived; of a message that will never be whole, only its pieces.
void world::end_was_told(end& e) {
  truth& seen = e.seen;
  seen.end_told = true;
  const bool torn_only = seen.unread.find('|') == std::string::npos;
  const bool may = torn_only || seen.close_called || seen.end_error == errc::message_too_big;
  if (!may) return fail("nothing received is lost", &e, "the end is told before a whole message");
  throw_away(e);
}

}  // namespace adieu::model
