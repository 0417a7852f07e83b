// The expectations, in the order in which one would tell them: what had passed at the place, how
// the fault ends the connection, and what each such end leaves in the record.
#include "tests/faults/matrix_expectation.hpp"

#include <cerrno>

namespace adieu::test {
namespace {

using namespace std::chrono_literals;

/// How a connection that was open can end, given one of the faults.
enum class ending {
  finished,     // both Closes pass, or passed
  vanished,     // FIN without a Close
  truncated,    // the same under TLS, without close_notify
  reset,        // by the peer, or by its kernel
  tls_broken,   // bytes that are no TLS
  rule_broken,  // bytes that are no frames; our Close says so
  silent,       // no Pong
  not_reading,  // nothing of our data drains
  unanswered,   // close_timeout: the peer's Close does not come
  unsendable,   // close_timeout: our Close does not go out
};

// | place \ fault  | fin, half   | killed        | garbage     | silent, trickle | zero window |
// | idle … unread  | vanished    | vanished¹     | rule_broken | silent²         | not_reading |
// | unsent_data    | vanished    | reset         | rule_broken | not_reading     | not_reading |
// | our_close…     | vanished    | vanished¹     | rule_broken | unanswered      | unsendable  |
// | peers_close    | finished³   | finished¹ ³   | finished    | finished        | not_reading |
// | both, crossing | finished    | finished      | finished    | finished⁴       |             |
// ¹ under TLS: truncated. ² where Pings are on, reading goes on and nothing trickles; otherwise our
// app closes: unanswered. ³ over TCP, whose kernel takes our Close although nobody is there any
// more; a Unix socket's does not: vanished, but for a half-close. ⁴ crossing in a black hole:
// unanswered.
// reset, no_close_notify, broken_record: what they say, but finished after both Closes.
ending ending_of(const cell& c) {
  const bool both = c.where >= place::closes_crossing;
  if (both) {
    const bool swallowed = c.where == place::closes_crossing && c.how == fault::black_hole;
    return swallowed ? ending::unanswered : ending::finished;
  }
  const bool our_close = c.where == place::our_close || c.where == place::our_close_output;
  switch (c.how) {
    case fault::reset: return ending::reset;
    case fault::no_close_notify: return ending::truncated;
    case fault::broken_record: return ending::tls_broken;
    case fault::killed:
      if (c.where == place::unsent_data) return ending::reset;  // its kernel throws data away
      if (c.over == carrier::tls) return ending::truncated;
      [[fallthrough]];
    case fault::fin:
      if (!c.is_ip()) return ending::vanished;
      [[fallthrough]];
    case fault::half_close:
      return c.where == place::peers_close ? ending::finished : ending::vanished;
    case fault::garbage:
      // RFC 6455 §1.4: after a Close frame, nothing is looked at any more.
      return c.where == place::peers_close ? ending::finished : ending::rule_broken;
    case fault::zero_window: return our_close ? ending::unsendable : ending::not_reading;
    case fault::trickle:
    case fault::black_hole:
    case fault::stopped: break;
  }
  if (c.where == place::peers_close) return ending::finished;  // D11
  if (c.where == place::unsent_data) return ending::not_reading;
  return our_close || app_must_close(c) ? ending::unanswered : ending::silent;
}

// ── What had passed at the place ────────────────────────────────────────────────────────────────

void closes_at_the_place(const cell& c, expectation& out) {
  const bool stuck = c.how == fault::zero_window;  // behind 8 MiB
  switch (c.where) {
    case place::our_close:
    case place::our_close_output:
      if (stuck) break;
      out.sent = {1000, "bye"};
      out.initiator = initiator::local;
      break;
    case place::peers_close:
      out.received = {1001, "going"};
      out.initiator = initiator::remote;
      break;
    case place::closes_crossing:  // "local" on both ends: each wrote before it read
      out.sent = {1000, "bye"};
      if (c.how != fault::black_hole) out.received = {1001, "cross"};
      out.initiator = initiator::local;
      break;
    case place::both_closes_ours:
      out.sent = out.received = {1000, "bye"};
      out.initiator = initiator::local;
      break;
    case place::both_closes_peers:
      out.sent = out.received = {1001, "going"};
      out.initiator = initiator::remote;
      break;
    default: break;
  }
}

// Received data: what our app takes is gone; the rest of a message that will never be whole is
// thrown away with the end, and what nobody asked for stays unread.
void data_at_the_end(const cell& c, const trial_notes& seen, expectation& out) {
  if (c.where >= place::peers_close) return;
  const std::uint64_t half = (c.much == amount::large ? large_message : small_message) / 2;
  std::uint64_t came = 0, messages = 0;  // of what is not whole, but for unread_data
  bool whole = false;
  if (c.where == place::mid_payload || c.where == place::between_fragments) {
    came = half;
    messages = 1;
  }
  if (c.where == place::mid_payload && c.how == fault::garbage && c.much == amount::large) {
    came = large_message;
    whole = true;
  }
  if (c.where == place::unread_data) {
    came = is_paused(c) ? past_the_window : small_messages * small_message;
    messages = is_paused(c) ? 1 : small_messages;
  }

  // What trickled is a message of its own, or continues one. The last bytes may not have arrived.
  const std::uint64_t trickled = seen.peer ? seen.peer->trickled : 0;
  const std::uint64_t late = std::min<std::uint64_t>(trickled, 4);
  const bool continues = c.where == place::mid_payload || c.where == place::between_fragments;
  if (c.ours == app::receiving) {
    if (whole) return;
    if (c.where == place::between_fragments) came = 0;  // that fragment was whole, and taken
    const std::uint64_t left = (came + trickled) % our_buffer;
    const bool begun = came + trickled > late;  // or perhaps only its header came, or not even that
    out.discarded_messages = {begun ? 1U : 0U, came + trickled > 0 || c.how == fault::trickle};
    out.discarded_bytes = {left - std::min(left, late), left};
    return;
  }
  if (is_paused(c) && app_must_close(c)) {  // P4: an async_close empties a full window
    out.discarded_messages = range::exactly(1);
    out.discarded_bytes = range::exactly(came);
    came = messages = 0;
  }
  const std::uint64_t another = trickled > 0 && !continues ? 1 : 0;
  if (is_paused(c) && !app_must_close(c) && c.how == fault::zero_window) {
    // The rest was not read, and nobody knows of it; a frame counts a little more than its bytes.
    const std::uint64_t window = options_of(c).receive_window;
    out.unread_messages = range::exactly(1);
    out.unread_bytes = {window - 64, window};
    return;
  }
  out.unread_messages = {messages + (trickled > late ? another : 0), messages + another};
  out.unread_bytes = {came + trickled - late, came + trickled};
}

// ── How the connection ends ─────────────────────────────────────────────────────────────────────

std::uint64_t on_the_wire(const cell& c, std::uint64_t payload) {
  const std::uint64_t header = c.we == role::client ? 6 : 2;
  const std::uint64_t record = c.over == carrier::tls ? 5 + 1 + 16 : 0;  // RFC 8446 §5.2
  return record + header + payload;
}

// RFC 6455 §7.1.1: the server ends TCP first, which a client waits for.
tcp_end in_order(const cell& c) {
  return c.we == role::server ? tcp_end::our_fin_first : tcp_end::peer_fin_first;
}

// A Unix socket can't be reset.
tcp_end as_a_reset(const cell& c) {
  return c.is_ip() ? tcp_end::reset_sent : tcp_end::our_fin_first;
}

void finish(const cell& c, const websocket_options& how, expectation& out) {
  out.clean = true;
  const bool answered_late = c.where == place::peers_close;
  if (answered_late) {  // D11: with the peer's own code, without its reason
    out.sent = {1001, ""};
    out.at_most = how.close_timeout;
  }
  const bool over_tls = c.over == carrier::tls;
  switch (c.how) {
    case fault::fin:
    case fault::half_close:
    case fault::killed: {
      // Killed over our unread Close: its kernel sends a reset.
      const bool throws_away = c.how == fault::killed && c.where == place::closes_crossing;
      out.tcp = throws_away     ? tcp_end::reset_received
                : answered_late ? tcp_end::peer_fin_first
                                : in_order(c);
      out.close_notify_missing = over_tls && c.how == fault::killed && !throws_away;
      // Over our close_notify, if it was killed before it read that.
      if (over_tls && c.how == fault::killed) out.or_else_tcp = tcp_end::reset_received;
      break;
    }
    case fault::no_close_notify:
      out.tcp = in_order(c);
      out.close_notify_missing = true;
      break;
    case fault::broken_record: out.tcp = tcp_end::our_fin_first; break;
    case fault::reset: out.tcp = tcp_end::reset_received; break;
    case fault::garbage: out.tcp = in_order(c); break;
    case fault::black_hole:
    case fault::stopped:
    case fault::trickle:
      out.tcp = tcp_end::timed_out;
      // A byte that comes just then is one that we close over: our kernel sends a reset.
      if (c.how == fault::trickle) out.or_else_tcp = tcp_end::reset_sent;
      out.teardown_timed_out = true;
      out.from = expectation::since::last_close;
      out.at_least = how.linger;
      out.unless_closing_for = how.close_timeout;
      out.at_most += how.linger;
      break;
    case fault::zero_window: break;  // left out
  }
}

void break_a_rule(const cell& c,
                  const websocket_options& how,
                  const trial_notes& seen,
                  expectation& out) {
  out.cause = cause::protocol_error_by_peer;
  const std::uint64_t at = seen.peer ? seen.peer->garbage_at : 0;
  out.broken_at = at;
  // 0xFF: where a frame begins, in the byte behind 0x82, in text.
  out.broken_rule = core::violation::reserved_bit_set;
  if (c.where == place::mid_header) {
    const bool server = c.we == role::server;  // 0xFF: masked, and a length of 8 bytes
    out.broken_rule =
        server ? core::violation::length_too_large : core::violation::masked_server_frame;
    out.broken_at = server ? at + 1 : at;
  } else if (c.where == place::mid_payload && c.much == amount::small) {
    out.broken_rule = core::violation::invalid_utf8_text;
  }
  const auto answer = [&](std::uint16_t code) {
    out.sent = {code, std::string(core::to_string(out.broken_rule))};
    out.initiator = initiator::local;
  };
  out.tcp = tcp_end::our_fin_first;
  if (c.where == place::unsent_data) {  // our Close can't go out
    out.tcp = as_a_reset(c);
    out.at_least = out.at_most = how.close_timeout;
  } else if (out.sent) {
    return;  // a second Close is never sent
  } else {
    answer(out.broken_rule == core::violation::invalid_utf8_text ? 1007 : 1002);
  }
}

void end(const cell& c, const trial_notes& seen, expectation& out) {
  const websocket_options how = options_of(c);
  const bool hole = c.how == fault::black_hole;
  if (c.is_ip()) out.unacknowledged = range::exactly(0);
  switch (ending_of(c)) {
    case ending::finished: out.unacknowledged.reset(); return finish(c, how, out);
    case ending::vanished:
      out.cause = cause::peer_vanished;
      out.tcp = tcp_end::peer_fin_first;
      if (c.where == place::peers_close) {  // D11: that long nobody tried to send
        out.from = expectation::since::last_close;
        out.at_least = out.at_most = how.close_timeout;
      }
      break;
    case ending::truncated:
      out.cause = cause::tls_truncated;
      out.tcp = tcp_end::peer_fin_first;
      break;
    case ending::reset:
      out.cause = cause::peer_reset;
      out.tcp = tcp_end::reset_received;
      break;
    case ending::tls_broken:
      out.cause = cause::transport_error;
      out.os_error = EPROTO;
      out.tcp = tcp_end::our_fin_first;  // behind an alert: nothing else can be sent
      break;
    case ending::rule_broken: break_a_rule(c, how, seen, out); break;
    case ending::silent:
      out.cause = cause::keepalive_timeout;
      out.tcp = as_a_reset(c);
      if (hole) out.unacknowledged = range::exactly(on_the_wire(c, 8));  // the Ping
      out.from = expectation::since::last_heard;
      out.at_least = out.at_most = how.ping_interval + how.pong_timeout;
      break;
    case ending::not_reading:
      out.cause = cause::peer_not_reading;
      out.tcp = as_a_reset(c);
      out.from = expectation::since::last_spoken;
      out.at_least = out.at_most = how.write_timeout;
      break;
    case ending::unanswered:
    case ending::unsendable: {
      out.cause = cause::close_timeout;
      out.tcp = as_a_reset(c);
      out.at_least = out.at_most = how.close_timeout;
      const bool sendable = ending_of(c) == ending::unanswered;
      out.timeout_phase = sendable ? close_phase::awaiting_peer_close : close_phase::sending_close;
      if (app_must_close(c)) {
        out.sent = {1000, "bye"};
        out.initiator = initiator::local;
      }
      // P5: async_close counts from its call, async_close_output from the last sign of life.
      if (seen.app_closed) out.from = expectation::since::app_closed;
      if (!seen.app_closed) {
        out.from = sendable ? expectation::since::our_close : expectation::since::last_spoken;
      }
      if (hole && (app_must_close(c) || c.where == place::closes_crossing)) {
        const std::uint64_t close = on_the_wire(c, 5);  // 1000 "bye"
        out.unacknowledged = range::exactly(close);
        // With each look for the peer's end an empty Pong, while reading stood still.
        if (is_paused(c)) out.unacknowledged->most = close + 20 * on_the_wire(c, 0);
      }
      break;
    }
  }
}

// Sent data: stuck where the peer does not read. What its kernel has acknowledged lies there.
void data_not_sent(const cell& c, expectation& out) {
  const bool stuck = c.where == place::unsent_data || c.how == fault::zero_window;
  if (!stuck) return;
  out.unsent_messages = range::exactly(1);
  out.unsent_bytes = {1, too_much};
  out.spoke = true;
  if (c.is_ip()) out.unacknowledged = {c.how == fault::reset ? 0U : 1U, too_much};
}

// ── The handshake ───────────────────────────────────────────────────────────────────────────────

expectation never_opened(const cell& c) {
  expectation out;
  out.cause = cause::connect_failed;
  const bool times_out = is_silent(c.how) || c.how == fault::trickle;
  const bool client = c.we == role::client;
  switch (c.where) {
    case place::connecting:
      out.step = connect_step::connect;
      out.connect_error = errc::connect_failed;
      break;
    case place::in_tls:
      out.step = connect_step::tls;
      out.connect_error = errc::tls_failed;
      break;
    default:
      out.step = client ? connect_step::response : connect_step::request;
      out.connect_error = errc::connection_closed_prematurely;
      if (c.how == fault::garbage) out.connect_error = errc::not_a_websocket;
      if (c.how == fault::broken_record) out.connect_error = errc::native_error;
      if (c.how == fault::garbage && !client) out.http_status = 400;
      break;
  }
  // A Unix socket whose listener has no room says so at once.
  const bool full = c.where == place::connecting && !c.is_ip();
  if (times_out && !full) {
    out.connect_error = errc::connect_timeout;
    out.at_least = out.at_most = handshake_limit(c);
  }
  return out;
}

}  // namespace

expectation expect(const cell& in, const trial_notes& seen) {
  if (!in.opens()) return never_opened(in);
  expectation out;
  closes_at_the_place(in, out);
  end(in, seen, out);
  data_at_the_end(in, seen, out);
  data_not_sent(in, out);

  const bool pings = in.keepalive == pings::on;
  const bool peer_speaks = in.where != place::idle && in.where != place::unsent_data &&
                           in.where != place::our_close && in.where != place::our_close_output &&
                           !(in.where == place::closes_crossing && in.how == fault::black_hole);
  out.heard = pings || peer_speaks || in.how == fault::trickle || in.how == fault::garbage;
  if (in.where == place::unsent_data && in.how == fault::trickle && !pings) out.heard.reset();
  out.spoke = *out.spoke || pings || out.sent;
  out.round_trip = pings;
  out.receive_paused = is_paused(in) && !app_must_close(in);
  if (is_paused(in)) {  // TCP_INFO is asked once a probe_interval; Pongs go out with it
    out.at_most += options_of(in).probe_interval;
    if (!*out.spoke) out.spoke.reset();
    if (out.unacknowledged && !app_must_close(in)) {
      out.unacknowledged->most += 20 * on_the_wire(in, 0);
    }
  }
  if (app_must_close(in)) out.at_most += 1000ms;
  return out;
}

}  // namespace adieu::test
