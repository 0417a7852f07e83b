// The invariants, by name; each is checked after every move, or at an end.
#include <algorithm>

#include "tests/model/world.hpp"

namespace adieu::model {
namespace {

using core::completion;

constexpr invariant all[] = {
    {"no state is stuck", "While a side is not over, something can happen, or its app may call."},
    {"every operation completes once",
     "No call is left when the connection is over; none is told twice."},
    {"after the end invalid_state", "Once the end was told, every call fails so, for ever (S8)."},
    {"a call that is not valid is refused", "At once, with invalid_state and the state (N1)."},
    {"the record is true", "Each field says what the explorer did."},
    {"the two records agree",
     "Never remote on both; codes and cleanness match, timeouts and faults apart."},
    {"the state is the wire's", "state() says which Closes have passed (P2)."},
    {"success of close means clean", "And a clean end means success (S5)."},
    {"close_output means written", "It completes when our Close is written (D17)."},
    {"wait_closed means closed", ""},
    {"a send's success means written", "All of its bytes, no sooner (P8)."},
    {"after our Close only Pongs", "No data, no Ping, no second Close (P1)."},
    {"after both Closes nothing", "No frame begins then."},
    {"nothing follows our FIN", ""},
    {"the server ends TCP first", "A client waits for the server's FIN (RFC 6455 §7.1.1, D9)."},
    {"TCP is let go in order", "Only after the peer's FIN, an error, or the linger time (D9)."},
    {"it is over when it must be", "After a reset, a FIN without a Close, abort(), a deadline."},
    {"a wake-up is armed", "deadline() is never later than what has to happen (P5)."},
    {"the deadlines hold", "What is due has happened when the core was told the time (P5)."},
    {"time goes on", "After a tick the next deadline lies ahead."},
    {"what is received was sent", "The same bytes, in order, message by message."},
    {"nothing received is lost", "Unless it was counted (P4)."},
    {"sends go out in the order of their calls", "(P8)"},
    {"nothing is sent twice", "Nor invented."},
    {"the window is bounded", "And reading goes on while there is room (P3)."},
    {"a message that is too large is refused", "Of those who take whole messages (P9)."},
    {"a receive waits for its piece", "Until its buffer is full or the frame ends (N12)."},
    {"the end is told truly", "With the Close that came, or the error of the cause."},
    {"nothing fails without a reason", ""},
    {"a cancelled wait ends", "And a send of which nothing has begun is withdrawn (P7)."},
    {"only what is cancelled is cancelled", "(P7)"},
    {"only what has not begun is withdrawn", "(P7)"},
    {"only a silent peer is accused", "(D10, P3)"},
    {"a silent peer is found", "Within interval and timeout (D10)."},
    {"the output ends", ""},
};

std::string number(std::uint64_t n) { return std::to_string(n); }

bool same(const std::optional<close_frame>& noted, bool passed, std::string_view payload) {
  if (noted.has_value() != passed) return false;
  if (!passed) return true;
  return noted->code == code_of(payload) &&
         noted->reason == (payload.size() > 2 ? payload.substr(2) : "");
}

}  // namespace

std::span<const invariant> invariants() { return all; }

void world::fail(std::string_view name, const end* e, std::string what) {
  if (broken_) return;
  if (e != nullptr) what = std::string(to_string(e->core.self())) + ": " + what;
  broken_ = violation{name, std::move(what)};
}

void world::check(end& e, bool ticked) {
  truth& seen = e.seen;
  const core::connection& core = e.core;
  if (core.state() != seen.state()) {
    return fail("the state is the wire's",
                &e,
                "state() says " + std::string(to_string(core.state())) + ", it is " +
                    std::string(to_string(seen.state())));
  }
  if (core.ended()) {
    if (core.deadline()) return fail("a wake-up is armed", &e, "a deadline after the end");
    check_record(e);
    if (!broken_ && !seen.destroyed) check_afterlife(e);
    return;
  }
  if (seen.over_now) return fail("it is over when it must be", &e, "TCP is still there");

  const auto armed = core.deadline();
  if (const auto due = seen.due(options(e))) {
    if (!armed || *armed > *due) return fail("a wake-up is armed", &e, "none, or too late");
    if (ticked && *due <= now_) return fail("the deadlines hold", &e, "it is due and not done");
  }
  if (ticked && armed && *armed <= now_) return fail("time goes on", &e, "a deadline stays");
  const websocket_options& o = options(e);
  const bool keeps_alive = o.ping_interval.count() != 0 && o.pong_timeout.count() != 0;
  if (keeps_alive && seen.state() == state::open && !seen.closing && !seen.paused) {
    const duration limit = std::max(o.ping_interval, o.pong_timeout);
    if (!seen.stuck && e.flying == 0 && (!armed || *armed > now_ + limit)) {
      return fail("a wake-up is armed", &e, "keep-alive sleeps");
    }
    if (ticked && seen.smooth && now_ >= seen.heard + o.ping_interval + o.pong_timeout) {
      return fail("a silent peer is found", &e, "and nothing happens");
    }
  }
  // What async_close throws away can't be told from what still waits.
  const std::size_t held = seen.close_called ? 0 : seen.unread.size();
  if (!takes_whole(e) && held > 2 * o.receive_window + 64) {
    return fail("the window is bounded", &e, number(held) + " bytes wait");
  }
  if (seen.paused && seen.unread.empty()) {
    return fail("the window is bounded", &e, "reading stands still for nothing");
  }
  const bool receives = std::ranges::any_of(e.waiting, [](const pending& p) {
    return p.what >= verb::receive && p.what <= verb::receive_message;
  });
  const bool keeps = seen.parses() && !receives && !seen.close_called && e.in_end == mark::none;
  if (keeps && !seen.paused && !menu_->server_shows &&
      letters_in(seen.unread) >= o.receive_window) {
    return fail("the window is bounded", &e, "it is full, and reading goes on");
  }
  if (seen.paused && receives) {
    return fail("the window is bounded", &e, "it holds up a receive");
  }
  if (seen.paused && seen.close_called && !receives) {
    return fail("the window is bounded", &e, "it hides the Close that async_close waits for");
  }
  if (seen.paused && o.probe_interval.count() != 0 &&
      (!armed || *armed > now_ + o.probe_interval)) {
    return fail("a wake-up is armed", &e, "nobody asks whether the peer has gone");
  }
  check_refusals(e);
}

// N1: calls that are not valid now, made and taken back.
void world::check_refusals(end& e) {
  truth& seen = e.seen;
  if (seen.destroyed) return;
  core::connection& core = e.core;
  constexpr core::ticket probe = 98;
  const auto expect = [&](verb what, errc wanted) {
    const auto& told = core.completions();
    const bool right = told.size() == 1 && told[0].owner == probe && told[0].error == wanted &&
                       (wanted != errc::invalid_state || told[0].seen == seen.state());
    if (!right && !broken_) {
      fail(seen.end_told ? "after the end invalid_state" : "a call that is not valid is refused",
           &e,
           std::string(to_string(what)));
    }
    core.completions().clear();
  };
  const core::const_bytes text = core::as_bytes("?");
  if (!seen.may_send()) {
    core.send({probe, 0, message_type::text, true, text}, now_);
    expect(verb::send, errc::invalid_state);
    if (core.send_copy(message_type::text, text, now_)) {
      return fail("a call that is not valid is refused", &e, "send_copy");
    }
  } else if (seen.output_lost) {
    core.send({probe, 0, message_type::text, true, text}, now_);
    expect(verb::send, errc::connection_closed_prematurely);
  }
  if (seen.closing || seen.failed || seen.close_read || seen.output_lost) {
    core.ping(probe, now_);
    expect(verb::ping, errc::invalid_state);
  }
  if (seen.closing || seen.failed) {
    core.close_output(probe, close_status(1000), "", now_);
    expect(verb::close_output, errc::invalid_state);
  }
  if (seen.failed || seen.both()) {
    core.close(probe, close_status(1000), "", now_);
    expect(verb::close, errc::invalid_state);
  }
  if (seen.end_told) {
    core.receive(probe, core::receive_kind::some, {}, now_);
    expect(verb::receive, errc::invalid_state);
  }
}

void world::check_record(end& e) {
  truth& seen = e.seen;
  const disconnect_record r = e.core.record();
  constexpr std::string_view name = "the record is true";
  if (!e.waiting.empty()) {
    const auto left = std::ranges::find_if(e.waiting, [](const auto& p) { return p.owner != 0; });
    if (left != e.waiting.end()) {
      return fail("every operation completes once",
                  &e,
                  std::string(to_string(left->what)) + " is left at the end");
    }
  }
  const bool clean = seen.both() && !seen.why;
  const cause why = seen.why.value_or(cause::handshake);
  if (r.clean != clean) return fail(name, &e, clean ? "it was clean" : "it was not clean");
  if (r.cause != why) {
    return fail(
        name,
        &e,
        "cause: " + std::string(to_string(r.cause)) + ", it was " + std::string(to_string(why)));
  }
  if (r.initiator != seen.first) {
    return fail(name,
                &e,
                "initiator: " + std::string(to_string(r.initiator)) + ", it was " +
                    std::string(to_string(seen.first)));
  }
  if (!same(r.sent, seen.close_written, seen.sent)) return fail(name, &e, "sent");
  if (!same(r.received, seen.close_read, seen.received)) return fail(name, &e, "received");
  const tcp_end tcp = seen.tcp.value_or(tcp_end::our_fin_first);
  if (r.tcp != tcp) {
    return fail(
        name,
        &e,
        "tcp: " + std::string(to_string(r.tcp)) + ", it was " + std::string(to_string(tcp)));
  }
  if (r.teardown_timed_out != (seen.linger_passed && seen.both() && !seen.failed)) {
    return fail(name, &e, "teardown_timed_out");
  }
  if (why == cause::close_timeout) {
    const auto waited =
        seen.close_written ? close_phase::awaiting_peer_close : close_phase::sending_close;
    if (r.timeout_phase != waited) return fail(name, &e, "timeout_phase");
  }
  if (r.lost.unsent_bytes != seen.unsent) {
    return fail(
        name,
        &e,
        "lost.unsent_bytes: " + number(r.lost.unsent_bytes) + ", it was " + number(seen.unsent));
  }
  if (r.lost.unsent_messages != seen.unsent_messages) {
    return fail(name,
                &e,
                "lost.unsent_messages: " + number(r.lost.unsent_messages) + ", it was " +
                    number(seen.unsent_messages));
  }
  const std::uint64_t left = letters_in(seen.unread);
  const std::uint64_t counted = r.lost.discarded_bytes + r.lost.unread_bytes;
  if (counted != seen.thrown_away + left) {
    return fail("nothing received is lost",
                &e,
                number(seen.thrown_away + left) + " bytes were not taken, " + number(counted) +
                    " are counted");
  }
  const bool may_discard =
      seen.close_called || seen.thrown_away != 0 || seen.end_error == errc::message_too_big;
  if (r.lost.discarded_bytes != 0 && !may_discard) {
    return fail("nothing received is lost", &e, "bytes are thrown away that an app could take");
  }
  if (r.lost.discarded_bytes != 0 && r.lost.discarded_messages == 0) {
    return fail(name, &e, "lost.discarded_messages");
  }
  const bool nobody_reads = seen.end_told || seen.destroyed || (seen.close_called && r.clean);
  if (r.lost.unread_bytes != 0 && nobody_reads) {
    return fail(name, &e, "lost.unread_bytes: nobody can take them any more");
  }
  // P2: a successful close is the delivery of the end.
  if (r.clean && seen.close_called && !seen.end_told) {
    seen.end_told = true;
    seen.unread.clear();
  }
}

// S8, P2: what the app may still do with a connection that is over; on a copy.
void world::check_afterlife(const end& e) {
  world after(*this);
  after.audience_ = nullptr;
  end& left = after.at(e.core.self());
  for (int i = 0; i < 64 && !left.seen.end_told && !after.broken_; ++i) {
    after.receive(left, verb::receive_some);
    after.collect(left);
    if (!left.waiting.empty() && left.waiting.back().what == verb::receive_some) {
      return fail("every operation completes once", &e, "a receive hangs after the end");
    }
  }
  if (!after.broken_ && !left.seen.end_told) {
    after.fail("the end is told truly", &e, "it is never told");
  }
  if (!after.broken_) after.check_refusals(left);
  if (!after.broken_) {
    constexpr core::ticket waits = 97;
    left.core.wait_closed(waits);
    const auto& told = left.core.completions();
    if (told.size() != 1 || told[0].error != errc::success) {
      after.fail("wait_closed means closed", &e, "not after the end");
    }
    left.core.completions().clear();
  }
  const adieu::state before = left.core.state();
  left.core.abort(now_);
  left.core.destroy(now_);
  left.core.tick(now_ + std::chrono::hours(1));
  const bool quiet = left.core.completions().empty() && left.core.state() == before &&
                     left.core.take_command() == core::command::none &&
                     left.core.output(now_).empty();
  if (!after.broken_ && !quiet) {
    after.fail("after the end invalid_state", &e, "it lives on after its end");
  }
  if (after.broken_) broken_ = after.broken_;
}

void world::check_agreement() {
  const disconnect_record c = ends_[0].core.record();
  const disconnect_record s = ends_[1].core.record();
  constexpr std::string_view name = "the two records agree";
  if (c.initiator == initiator::remote && s.initiator == initiator::remote) {
    return fail(name, nullptr, "each says that the other closed first");
  }
  if (c.clean && s.clean) {
    const bool match = c.sent->code == s.received->code && s.sent->code == c.received->code &&
                       c.sent->reason == s.received->reason && s.sent->reason == c.received->reason;
    if (!match) return fail(name, nullptr, "the Closes are not the same");
  }
  const auto one_sided = [](const end& e) {
    const auto why = e.seen.why;
    return e.seen.over_now && why && *why != cause::peer_vanished && *why != cause::peer_reset;
  };
  const bool reason_enough = faulted_ || excused_ || one_sided(ends_[0]) || one_sided(ends_[1]);
  if (c.clean != s.clean && !reason_enough) {
    return fail(name, nullptr, "one is clean, and nothing came between them");
  }
}

// Nothing of the network, of a transport or of time can happen any more.
void world::judge_rest() {
  for (const end& e : ends_) {
    if (e.core.ended() || broken_) continue;
    const truth& seen = e.seen;
    // Its app may still receive, or close.
    const bool at_rest =
        seen.paused || (seen.state() == state::open && !seen.closing && !seen.output_lost);
    if (!at_rest && left_.ticks != 0) {
      return fail("no state is stuck", &e, "nothing can happen, and it is not over");
    }
    const auto waits = std::ranges::find_if(e.waiting, [&](const pending& p) {
      const bool needs_others = p.what == verb::wait_closed ||
                                (p.what == verb::ping && peer_of(e).core.ended()) ||
                                (p.letter != 0 && e.in_message) || (p.letter != 0 && e.writer != 0);
      const bool receives = p.what >= verb::receive && p.what <= verb::receive_message;
      return !needs_others && !receives;
    });
    if (waits != e.waiting.end() && left_.ticks != 0) {
      return fail("no state is stuck",
                  &e,
                  "nothing can happen, and a " + std::string(to_string(waits->what)) + " waits");
    }
    const bool hungry = std::ranges::any_of(e.waiting, [](const pending& p) {
      return p.what >= verb::receive && p.what <= verb::receive_some;
    });
    if (hungry && !seen.close_called && seen.unread.find('|') != std::string::npos) {
      return fail("no state is stuck", &e, "data waits, and so does a receive");
    }
  }
}

}  // namespace adieu::model
