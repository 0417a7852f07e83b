// Bytes, the ends of TCP, faults and time: what the driver, the kernels and the network do.
#include <algorithm>
#include <cerrno>

#include "tests/model/world.hpp"

namespace adieu::model {
namespace {

using namespace std::chrono_literals;
using core::command;
using core::input_end;

constexpr char nonsense = '\xFF';  // reserved bits, a reserved opcode

}  // namespace

// ── The driver's turn ───────────────────────────────────────────────────────────────────────────

void world::turn(end& e) {
  // P9: the verdict on a message that is too large is the core's, and it has to be right.
  if (!e.seen.why && e.core.record().cause == cause::message_too_big) {
    if (e.seen.largest <= options(e).max_message_size) {
      fail("a message that is too large is refused", &e, "none was");
    }
    throw_away(e);
    rule_was_broken(e, cause::message_too_big);
  }
  bool busy = true;
  for (int rounds = 0; busy && !broken_; ++rounds) {
    if (rounds > 100) return fail("the output ends", &e, "a turn never comes to its end");
    show(e);
    collect(e);
    busy = write(e);
    obey(e);
    busy = busy || !e.core.completions().empty();
  }
  const bool paused = e.core.read_allowance() == 0;
  if (!paused && std::exchange(e.seen.paused, paused)) e.seen.idle_since = e.seen.heard = now_;
  e.seen.paused = paused;
}

// Message mode: messages are shown where they lie; the Close is answered without waiting (D11).
void world::show(end& e) {
  while (const auto view = e.core.next_message(now_)) {
    if (view->bytes.size() > options(e).max_message_size) {
      return fail("a message that is too large is refused", &e, "it is shown");
    }
    take(e, core::as_text(view->bytes), true);
  }
  const bool shows = e.core.self() == role::server && menu_->server_shows;
  if (shows && e.core.phase() == core::phase::close_received) {
    e.core.close_output(0, *e.core.close_status(), e.core.close_description(), now_);
    app_closes(e);
    e.seen.total = now_ + options(e).close_timeout;
  }
}

bool world::write(end& e) {
  bool any = false;
  while (e.flying == 0) {
    if (!e.seen.stuck) e.seen.progress = now_;
    const auto list = e.core.output(now_);
    e.seen.stuck = !list.empty();
    if (list.empty()) return any;
    if (e.seen.fin_sent) {
      fail("nothing follows our FIN", &e, "there is output after our FIN");
      return false;
    }
    if (e.in_end == mark::reset || e.fails) {
      const input_end how = e.fails ? input_end::error : input_end::reset;
      if (how == input_end::reset) e.in_end = mark::fin;  // the error is taken
      e.fails = false;
      fail_write(e, how);
      return true;
    }
    std::string bytes;
    for (const core::const_bytes piece : list) bytes += core::as_text(piece);
    const bool flies = menu_->in_flight && e.core.self() == role::client;
    const std::size_t held = peer_of(e).in.size();
    std::size_t room = menu_->capacity > held ? menu_->capacity - held : 0;
    if (flies) room = bytes.size();
    if (e.blocked) room = std::exchange(e.one_byte, false) ? std::min<std::size_t>(room, 1) : 0;
    bytes.resize(std::min(bytes.size(), room));
    if (bytes.empty()) {
      e.seen.smooth = false;
      return any;
    }
    any = true;
    for (pending& p : e.waiting) p.behind = false;
    e.flying_payload = e.flying_messages = 0;
    hand_over(e, bytes);
    if (flies) {  // until it is confirmed it counts as not sent
      e.seen.unsent += e.flying_payload;
      e.seen.unsent_messages += e.flying_messages;
      e.flying = bytes.size();
      e.core.output_in_flight(now_);
      return any;
    }
    e.seen.progress = now_;
    if (e.seen.closing && !e.seen.close_written && !e.seen.close_read) e.seen.idle_since = now_;
    const bool closes = e.seen.close_out && !e.seen.close_written;
    e.core.wrote(bytes.size(), now_);
    if (closes) close_was_written(e);
  }
  return any;
}

void world::fail_write(end& e, input_end how) {
  say(e, how == input_end::reset ? "a write meets a reset" : "a write fails");
  if (how == input_end::reset) e.seen.tcp = tcp_end::reset_received;
  e.core.output_failed(how, how == input_end::reset ? ECONNRESET : ETIMEDOUT, now_);
  output_was_lost(e, how);
}

// The kernel has it; the peer may read it, unless it is gone.
void world::hand_over(end& e, std::string_view bytes) {
  end& peer = peer_of(e);
  std::string_view rest = bytes;
  frame_watch::sight frame;
  while (e.seen.wrote.next(rest, frame)) saw_written(e, frame);
  if (peer.gone) {
    if (e.in_end != mark::reset && !e.in_end_given) e.in_end = mark::reset;
  } else if (peer.in_end == mark::none) {
    peer.in += bytes;
  }
}

void world::obey(end& e) {
  const command what = e.core.take_command();
  if (what == command::none) return;
  truth& seen = e.seen;
  end& peer = peer_of(e);
  if (what == command::shut_output) {
    if (e.core.self() == role::client && seen.both() && !seen.failed) {
      fail("the server ends TCP first", &e, "a client's FIN, and nothing waited for the server's");
    }
    say(e, "FIN");
    seen.fin_sent = true;
    if (!seen.fin_read && !seen.tcp) seen.tcp = tcp_end::our_fin_first;
    if (peer.in_end == mark::none) peer.in_end = mark::fin;
    return e.core.output_shut();
  }
  core::closing_facts facts;
  facts.was_reset = what == command::reset;
  facts.unread_in_kernel = !facts.was_reset && !e.in.empty() && e.in_end != mark::reset;
  facts.unacknowledged = peer.in.size();
  const bool resets = facts.was_reset || facts.unread_in_kernel;
  say(e, resets ? "RST" : "closes TCP");
  if (facts.was_reset || (resets && seen.tcp != tcp_end::reset_received)) {
    seen.tcp = tcp_end::reset_sent;
  }
  e.gone = true;
  e.in.clear();
  if (!e.dead && !peer.in_end_given) {
    if (resets) {
      peer.in_end = mark::reset;
    } else if (peer.in_end == mark::none) {
      peer.in_end = mark::fin;
    }
  }
  if (!seen.over_now) {
    fail("TCP is let go in order", &e, "TCP is closed, and nothing has happened that ends it");
  }
  if (facts.was_reset != seen.by_reset) {
    fail("TCP is let go in order", &e, seen.by_reset ? "no reset" : "a reset without need");
  }
  e.core.transport_closed(facts, now_);
  if (!seen.failed && facts.unacknowledged && e.core.record().lost.unacknowledged_bytes) {
    fail("the record is true", &e, "a clean end counts unacknowledged bytes");
  }
  if (seen.failed && e.core.record().lost.unacknowledged_bytes != facts.unacknowledged) {
    fail("the record is true", &e, "lost.unacknowledged_bytes is not what the kernel said");
  }
}

// ── The network ─────────────────────────────────────────────────────────────────────────────────

void world::deliver(end& e, std::size_t size) {
  std::string bytes = e.in.substr(0, size);
  e.in.erase(0, size);
  if (audience_ != nullptr) {
    std::string text;
    frame_watch eyes = e.seen.read;
    std::string_view rest = bytes;
    frame_watch::sight frame;
    while (eyes.next(rest, frame)) {
      text += (text.empty() ? "" : ", ") + (frame.wrong ? "nonsense" : name_of(frame));
    }
    if (text.empty()) text = "part of a header";
    audience_->arrives(e.core.self(), text + " (" + std::to_string(size) + " bytes)");
  }
  e.seen.heard = e.seen.idle_since = now_;
  e.seen.smooth = !e.seen.stuck;
  std::string_view rest = bytes;
  frame_watch::sight frame;
  while (e.seen.read.next(rest, frame)) saw_read(e, frame);
  std::string copy = bytes;  // it is unmasked in place
  e.core.received(std::as_writable_bytes(std::span(copy)), now_);
  show(e);  // while the bytes are there
}

void world::deliver_end(end& e) {
  truth& seen = e.seen;
  e.in_end_given = true;
  input_end how = input_end::fin;
  if (e.in_end == mark::reset) how = input_end::reset;
  if (e.in_end == mark::truncated) how = input_end::truncated;
  if (e.in_end == mark::error) how = input_end::error;
  if (audience_ != nullptr) {
    const char* const names[] = {"FIN", "RST", "TCP's end without close_notify", "a read error"};
    audience_->arrives(e.core.self(), names[static_cast<std::size_t>(how)]);
  }
  e.in.clear();
  if (how == input_end::truncated && e.core.phase() == core::phase::closed) {
    e.core.note_missing_close_notify();
  }
  e.core.input_ended(how, how == input_end::error ? EIO : 0, now_);
  // A write that failed has taken the error with it; the read only says "the end".
  const bool says_the_end = how == input_end::fin || how == input_end::truncated;
  if (says_the_end && seen.output_lost) how = seen.lost_how;
  if (how == input_end::fin) {
    seen.fin_read = true;
    if (!seen.fin_sent) seen.tcp = tcp_end::peer_fin_first;
    const bool close_waits =
        !seen.close_written && (seen.failed ? seen.owes_failure_close : seen.close_read);
    if (close_waits) return;
  } else {
    seen.reset_read = how == input_end::reset;
    if (how == input_end::reset) seen.tcp = tcp_end::reset_received;
    if (how == input_end::truncated && !seen.fin_sent) seen.tcp = tcp_end::peer_fin_first;
  }
  seen.over_now = true;
  if (!seen.both()) seen.lose(cause_of(how));
}

void world::fault(end& e, verb what) {
  faulted_ = true;
  switch (what) {
    case verb::fin: e.in_end = mark::fin; break;
    case verb::reset:
      e.in_end = mark::reset;
      e.dead = true;
      break;
    case verb::truncate: e.in_end = mark::truncated; break;
    case verb::fail_input: e.in_end = mark::error; break;
    case verb::fail_output: e.fails = true; break;
    case verb::garbage: e.in += nonsense; break;
    default: break;
  }
}

}  // namespace adieu::model
