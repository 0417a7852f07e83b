// The cells of two ends, and what both records have to say.
#include "tests/faults/matrix_pair.hpp"

#include <fmt/format.h>

namespace adieu::test {
namespace {

using namespace std::chrono_literals;

tcp_end in_order(role self) {
  return self == role::server ? tcp_end::our_fin_first : tcp_end::peer_fin_first;
}

tcp_end as_a_reset(const pair_cell& c) {
  return c.is_ip() ? tcp_end::reset_sent : tcp_end::our_fin_first;
}

/// What the other end got of the actor's messages, and did not take.
void unread(const pair_cell& c, expectation& other) {
  if (c.other == app::receiving || c.data == sent_before::nothing) return;
  const bool half = c.data == sent_before::half_a_message;
  range& messages = c.what == act::both_close ? other.discarded_messages : other.unread_messages;
  range& bytes = c.what == act::both_close ? other.discarded_bytes : other.unread_bytes;
  messages = range::exactly(half ? 1 : small_messages);  // P4: an async_close discards
  bytes = range::exactly(half ? small_message / 2 : small_messages * small_message);
}

void clean(const pair_cell& c, pair_expectation& out) {
  out.actor.clean = out.other.clean = true;
  out.actor.initiator = initiator::local;
  out.other.initiator = initiator::remote;
  out.actor.tcp = in_order(c.actor);
  out.other.tcp = in_order(c.other_role());
  out.actor.sent = out.other.received = {1000, "bye"};
  out.actor.received = out.other.sent = {1000, "bye"};
  if (c.what == act::both_close) {
    out.actor.received = out.other.sent = {1001, "cross"};
    // If they really cross; and whose is first when they do not, nobody directs.
    out.other.or_else_initiator = initiator::local;
    out.actor.or_else_initiator = initiator::remote;
  } else if (c.other == app::busy) {
    out.actor.received->reason = out.other.sent->reason = "";  // D11
    out.actor.at_most = out.other.at_most = options_of(c, c.other_role()).close_timeout;
  }
}

/// What the peer's kernel had not acknowledged yet is what it is: ACKs are late.
void unacknowledged(const pair_cell& c, expectation& out, std::uint64_t least = 0) {
  if (c.is_ip()) out.unacknowledged = {least, 2000};
}

void silent(const pair_cell& c, role whose, expectation& out) {
  const websocket_options how = options_of(c, whose);
  out.tcp = tcp_end::reset_sent;
  // A Close is still there; a Ping may have been acknowledged before the packets were dropped.
  unacknowledged(c, out, c.apps_must_close() ? 4 : 0);
  if (c.apps_must_close()) {
    out.cause = cause::close_timeout;
    out.timeout_phase = close_phase::awaiting_peer_close;
    out.sent = {1000, "bye"};
    out.initiator = initiator::local;
    out.from = expectation::since::app_closed;
    out.at_least = out.at_most = how.close_timeout;
  } else {
    out.cause = cause::keepalive_timeout;
    out.from = expectation::since::last_heard;
    out.at_least = out.at_most = how.ping_interval + how.pong_timeout;
  }
}

/// The actor hears and is not heard. The other's verdict reaches it as a reset; or, where both apps
/// close, the other's Close does, and the actor can't know that its own was lost.
void swallowed(const pair_cell& c, pair_expectation& out) {
  silent(c, c.other_role(), out.other);
  expectation& actor = out.actor;
  if (!c.apps_must_close()) {
    actor.cause = cause::peer_reset;
    actor.tcp = tcp_end::reset_received;
    const websocket_options others = options_of(c, c.other_role());
    actor.at_most = others.ping_interval + others.pong_timeout;
    unacknowledged(c, actor);
    return;
  }
  const websocket_options how = options_of(c, c.actor);
  actor.clean = true;
  actor.initiator = initiator::local;
  actor.or_else_initiator = initiator::remote;
  actor.sent = actor.received = {1000, "bye"};
  actor.tcp = tcp_end::timed_out;
  actor.teardown_timed_out = true;
  actor.from = expectation::since::last_close;
  actor.at_least = actor.at_most = how.linger;
  actor.unless_closing_for = how.close_timeout;
}

}  // namespace

pair_matrix all_pairs() {
  pair_matrix out;
  for (int what = 0; what <= static_cast<int>(act::swallow); ++what)
    for (int data = 0; data <= static_cast<int>(sent_before::half_a_message); ++data)
      for (const carrier over : {carrier::tcp, carrier::tls, carrier::unix_socket})
        for (const role actor : {role::client, role::server})
          for (const app other : {app::receiving, app::busy})
            for (const pings keepalive : {pings::off, pings::on}) {
              const pair_cell next{over,
                                   actor,
                                   static_cast<act>(what),
                                   static_cast<sent_before>(data),
                                   other,
                                   keepalive};
              if (next.drops_packets() && !next.is_ip()) {
                ++out.left_out["a Unix socket has no packets to drop"];
              } else {
                out.cells.push_back(next);
              }
            }
  return out;
}

websocket_options options_of(const pair_cell& in, role whose) {
  websocket_options out;
  out.close_timeout = in.drops_packets() ? 400ms : 8000ms;
  out.linger = in.drops_packets() ? 200ms : 8000ms;
  out.ping_interval = in.keepalive == pings::on ? 200ms : 0ms;
  out.pong_timeout = in.drops_packets() ? 500ms : 8000ms;
  // What a busy app does not answer is answered for it after this (D11).
  const bool answers = whose != in.actor && in.other == app::busy;
  if (answers && !in.drops_packets()) out.close_timeout = 500ms;
  return out;
}

std::string to_string(const pair_cell& in) {
  constexpr std::array<std::string_view, 7> acts{
      "close", "close_output", "both_close", "abort", "destroy", "black_hole", "swallow"};
  constexpr std::array<std::string_view, 3> data{"nothing", "messages", "half a message"};
  return fmt::format("pair, {}, {} acts, {}, {} before, other {}, pings {}",
                     to_string(in.over),
                     in.actor == role::client ? "client" : "server",
                     acts[static_cast<std::size_t>(in.what)],
                     data[static_cast<std::size_t>(in.data)],
                     in.other == app::receiving ? "receiving" : "busy",
                     in.keepalive == pings::on ? "on" : "off");
}

pair_expectation expect(const pair_cell& in) {
  pair_expectation out;
  switch (in.what) {
    case act::close:
    case act::close_output:
    case act::both_close: clean(in, out); break;
    case act::abort:
      out.actor.cause = cause::local_abort;
      out.actor.tcp = as_a_reset(in);
      out.other.cause = in.is_ip() ? cause::peer_reset : cause::peer_vanished;
      out.other.tcp = in.is_ip() ? tcp_end::reset_received : tcp_end::peer_fin_first;
      if (!in.is_ip()) {  // closed over bytes that were not read yet: that is told
        out.other.or_else_cause = cause::peer_reset;
        out.other.or_else_tcp = tcp_end::reset_received;
      }
      unacknowledged(in, out.actor);
      unacknowledged(in, out.other);
      break;
    case act::destroy:
      out.actor.cause = cause::disposed;
      out.actor.tcp = tcp_end::our_fin_first;
      out.other.cause = cause::peer_vanished;
      out.other.tcp = tcp_end::peer_fin_first;
      unacknowledged(in, out.actor);
      unacknowledged(in, out.other);
      break;
    case act::black_hole:
      silent(in, in.actor, out.actor);
      silent(in, in.other_role(), out.other);
      break;
    case act::swallow: swallowed(in, out); break;
  }
  // P1: a message that has begun does not hold a Close back; it is lost.
  if (in.data == sent_before::half_a_message) out.actor.unsent_messages = range::exactly(1);
  unread(in, out.other);

  const bool pings = in.keepalive == pings::on;
  const bool data = in.data != sent_before::nothing;
  // A Ping of the actor's follows its data, and its Pong says that all has arrived.
  out.actor.spoke = data || out.actor.sent || pings;
  out.actor.heard = data || out.actor.received || pings;
  out.other.spoke = data || out.other.sent || pings;
  out.other.heard = data || out.other.received || pings;
  out.actor.round_trip = data || pings;
  out.other.round_trip = pings;
  for (expectation* const each : {&out.actor, &out.other}) {
    if (in.apps_must_close()) each->at_most += 1000ms;
  }
  return out;
}

std::vector<std::string> contradictions(const disconnect_record& one,
                                        const disconnect_record& two) {
  std::vector<std::string> out;
  if (one.initiator == initiator::remote && two.initiator == initiator::remote) {
    out.emplace_back("each says that the other closed first");
  }
  const auto invented = [](const disconnect_record& from, const disconnect_record& at) {
    return at.received && !(from.sent && from.sent->code == at.received->code &&
                            from.sent->reason == at.received->reason);
  };
  if (invented(one, two) || invented(two, one)) {
    out.emplace_back("a Close was received that was not sent");
  }
  return out;
}

}  // namespace adieu::test
