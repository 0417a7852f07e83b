// What the explorer notes about a side when frames pass, a write fails, or a deadline comes.
#include <algorithm>

#include "tests/model/world.hpp"

namespace adieu::model {
namespace {

using namespace std::chrono_literals;
using core::input_end;

bool accuses(std::optional<std::uint16_t> code) {
  return code == 1002 || code == 1003 || code == 1007 || code == 1009 || code == 1010;
}

}  // namespace

// ── What the frames on the wire mean ────────────────────────────────────────────────────────────

void world::saw_written(end& e, const frame_watch::sight& frame) {
  truth& seen = e.seen;
  if (frame.begins) say(e, "writes " + name_of(frame));
  if (seen.close_out && (frame.op < 8 || frame.op == 9 || (frame.op == 8 && frame.begins))) {
    return fail("after our Close only Pongs", &e, "it writes " + name_of(frame));
  }
  if (frame.begins && seen.both()) {
    return fail("after both Closes nothing", &e, "it writes " + name_of(frame));
  }
  if (frame.op < 8) {
    for (const char letter : frame.payload) {
      const auto of = std::ranges::find_if(
          e.waiting, [&](const pending& p) { return p.letter == letter && p.left != 0; });
      if (of == e.waiting.end()) {
        return fail("nothing is sent twice", &e, "a byte that no pending send has");
      }
      --of->left;
      --seen.unsent;
      ++e.flying_payload;
      if (e.last_writer == 0 && letter < seen.last_letter) {
        fail("sends go out in the order of their calls", &e, "an earlier one follows");
      }
      seen.last_letter = letter;
    }
    if (frame.ends && frame.fin) --seen.unsent_messages, ++e.flying_messages;
  }
  if (frame.op == 8 && frame.ends) {
    seen.close_out = true;
    seen.sent = frame.payload;
  }
}

void world::start_linger(end& e) {
  const instant due = now_ + options(e).linger;
  e.seen.linger = e.seen.total ? std::min(due, *e.seen.total) : due;
  e.seen.total.reset();
  e.seen.answer.reset();
  if (e.seen.fin_read) e.seen.over_now = true;
}

void world::close_was_written(end& e) {
  truth& seen = e.seen;
  seen.close_written = true;
  if (seen.first == initiator::nobody) seen.first = initiator::local;
  if (seen.linger || (!seen.failed && !seen.close_read)) return;
  start_linger(e);
}

void world::saw_read(end& e, const frame_watch::sight& frame) {
  truth& seen = e.seen;
  if (!seen.parses()) return;
  if (frame.wrong) return rule_was_broken(e, cause::protocol_error_by_peer);
  if (frame.op < 8) {
    if (frame.begins) seen.arriving += frame.length;
    seen.largest = std::max(seen.largest, seen.arriving);
    seen.unread += frame.payload;
    if (seen.arriving > options(e).max_message_size && takes_next_whole(e)) {
      throw_away(e, seen.unread.rfind('|') + 1);
      return rule_was_broken(e, cause::message_too_big);
    }
    if (!frame.ends) return;
    seen.unread += frame.fin ? '|' : ',';
    if (!frame.fin) return;
    seen.arriving = 0;
  }
  if (frame.op == 8 && frame.ends) close_was_read(e, frame.payload);
}

bool world::takes_whole(const end& e) const {
  if (e.core.self() == role::server && menu_->server_shows) return true;
  return std::ranges::any_of(e.waiting,
                             [](const pending& p) { return p.what == verb::receive_message; });
}

// Whole messages before the next one are shown first, and satisfy a receive.
bool world::takes_next_whole(const end& e) const {
  const bool shows = e.core.self() == role::server && menu_->server_shows;
  return shows || (takes_whole(e) && e.seen.unread.find('|') == std::string::npos);
}

void world::throw_away(end& e, std::size_t from) {
  std::string& unread = e.seen.unread;
  const std::string_view gone = std::string_view(unread).substr(from);
  e.seen.thrown_away += letters_in(gone);
  unread.resize(from);
}

void world::close_was_read(end& e, const std::string& payload) {
  truth& seen = e.seen;
  const duration timeout = options(e).close_timeout;
  seen.close_read = true;
  seen.received = payload;
  if (seen.first == initiator::nobody) {
    seen.first = seen.close_out ? initiator::local : initiator::remote;
  }
  const auto code = code_of(payload);
  const bool echo = seen.first == initiator::local && code == code_of(seen.sent);
  if (accuses(code) && !echo && !seen.why) seen.why = cause::protocol_error_by_us;
  if (seen.output_lost && !seen.close_written) {
    seen.lose(cause_of(seen.lost_how));
    seen.over_now = true;
  } else if (seen.both()) {
    start_linger(e);
  } else if (!seen.closing) {
    seen.answer = now_ + timeout;
  } else if (!seen.total) {
    seen.total = now_ + timeout;
  }
}

void world::rule_was_broken(end& e, cause why) {
  truth& seen = e.seen;
  seen.lose(why);
  seen.end_error = error_of(why);
  if (seen.close_written) return start_linger(e);
  seen.owes_failure_close = true;
  seen.total = now_ + options(e).close_timeout;
  seen.answer.reset();
  if (seen.output_lost) seen.over_now = true;
}

void world::output_was_lost(end& e, input_end how) {
  truth& seen = e.seen;
  seen.stuck = false;
  seen.output_lost = true;
  seen.lost_how = how;
  if (seen.both()) return;
  const bool draining = seen.failed && !(seen.owes_failure_close && !seen.close_written);
  if (draining) return;
  if (seen.failed || (seen.close_read && !seen.close_written)) {
    seen.lose(cause_of(how));
    seen.over_now = true;
  } else if (!seen.total) {
    seen.total = now_ + options(e).close_timeout;
  }
}

// ── Time ────────────────────────────────────────────────────────────────────────────────────────

// What is due happens, in the order of importance; then the core is asked to do the same.
void world::tick(end& e) {
  truth& seen = e.seen;
  const websocket_options& o = options(e);
  now_ = std::max(now_, *e.core.deadline());
  if (audience_ != nullptr) audience_->says(e.core.self(), "its deadline has come");
  const auto come = [&](std::optional<instant> when) { return when && *when <= now_; };
  const bool too_late =
      come(seen.total) || (seen.may_idle() && now_ >= seen.idle_since + o.close_timeout);
  if (come(seen.linger)) {
    seen.linger_passed = seen.over_now = excused_ = true;
    seen.tcp = tcp_end::timed_out;
  } else if (!seen.linger && too_late) {
    seen.lose(seen.output_lost ? cause_of(seen.lost_how) : cause::close_timeout);
    seen.over_now = seen.by_reset = excused_ = true;
  } else if (come(seen.answer)) {
    seen.answer.reset();
    seen.total = now_ + o.close_timeout;
    seen.closing = true;
  }
  const bool writes = !seen.over_now && !seen.both() && !seen.linger && !seen.output_lost;
  if (writes && seen.stuck && o.write_timeout.count() != 0) {
    const duration late = now_ - (seen.progress + o.write_timeout);
    if (late > 2s) seen.progress = now_;  // P3: it was we who stood still
    if (late >= 0s && late <= 2s) {
      seen.lose(cause::peer_not_reading);
      seen.over_now = seen.by_reset = excused_ = true;
    }
  }
  const instant due = *e.core.deadline();
  if (now_ > due) seen.smooth = false;
  e.core.tick(now_);
  if (e.core.take_probe() && e.in_end != mark::none) {
    e.core.peer_gone(now_);
    if (e.core.read_allowance() == 0) {
      fail("the window is bounded", &e, "it hides the end of a peer that has gone");
    }
  }
  // Keep-alive: the verdict is the core's, and it has to be right.
  if (!seen.failed && e.core.record().cause == cause::keepalive_timeout) {
    seen.lose(cause::keepalive_timeout);
    seen.over_now = seen.by_reset = excused_ = true;
    if (now_ < seen.heard + o.ping_interval + o.pong_timeout) {
      fail("only a silent peer is accused", &e, "keepalive_timeout too early");
    }
    if (seen.paused) fail("only a silent peer is accused", &e, "it was we who did not read");
    if (now_ - due > 2s) fail("only a silent peer is accused", &e, "it was we who stood still");
  }
}

}  // namespace adieu::model
