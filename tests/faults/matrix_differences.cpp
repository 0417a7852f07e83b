// The comparison of a record with its expectation, field by field; and what must be true of every
// record: the order of its times, and that its Closes are those that were on the wire.
#include <fmt/format.h>

#include "tests/faults/matrix_expectation.hpp"

namespace adieu::test {
namespace {

using namespace std::chrono_literals;
using since = expectation::since;

constexpr auto tolerance = 15ms;  // of clocks against each other
constexpr auto busy = 1500ms;     // beyond what the loop's own lag explains

class comparison {
 public:
  template <typename Value>
  void same(std::string_view field, const Value& expected, const Value& was) {
    if (!(expected == was)) add(field, say(expected), say(was));
  }
  void within(std::string_view field, const range& expected, std::uint64_t was) {
    if (was < expected.least || was > expected.most) add(field, say(expected), say(was));
  }
  void holds(bool so, std::string_view what, const std::string& was) {
    if (!so) found.push_back(fmt::format("{}: was {}", what, was));
  }
  void add(std::string_view field, const std::string& expected, const std::string& was) {
    found.push_back(fmt::format("{}: expected {}, was {}", field, expected, was));
  }
  std::vector<std::string> found;

 private:
  static std::string say(bool value) { return value ? "yes" : "no"; }
  static std::string say(std::uint64_t value) { return fmt::format("{}", value); }
  static std::string say(unsigned value) { return fmt::format("{}", value); }
  static std::string say(int value) { return fmt::format("{}", value); }
  static std::string say(const std::string& value) { return '"' + value + '"'; }
  static std::string say(const range& value) {
    if (value.least == value.most) return fmt::format("{}", value.least);
    return fmt::format("{} to {}", value.least, value.most);
  }
  template <typename Enum>
  requires std::is_enum_v<Enum>
  static std::string say(Enum value) { return std::string(to_string(value)); }
  template <typename Value>
  static std::string say(const std::optional<Value>& value) {
    return value ? say(*value) : "nothing";
  }
};

std::string close_text(const std::optional<close_frame>& frame) {
  if (!frame) return "none";
  return fmt::format(
      "{} \"{}\"", frame->code ? fmt::format("{}", *frame->code) : "no code", frame->reason);
}

void compare_close(comparison& all,
                   std::string_view which,
                   const std::optional<expected_close>& right,
                   const std::optional<close_frame>& was) {
  const std::string expected =
      right ? fmt::format("{} \"{}\"", right->code, right->reason) : "none";
  all.same(which, expected, close_text(was));
}

std::string ms(core::duration length) {
  return fmt::format("{:.1f} ms", std::chrono::duration<double, std::milli>(length).count());
}

void compare_times(comparison& all,
                   const expectation& right,
                   const disconnect_record& was,
                   const trial_notes& seen) {
  const auto ordered = [&](std::string_view what, std::optional<core::duration> at) {
    if (at) all.holds(*at >= 0ns && *at <= was.ended, what, ms(*at) + ", ended " + ms(was.ended));
  };
  const auto at = [](const std::optional<close_frame>& frame) {
    return frame ? std::optional(frame->at) : std::nullopt;
  };
  ordered("sent between opened and ended", at(was.sent));
  ordered("received between opened and ended", at(was.received));
  ordered("last byte received between opened and ended", was.last_byte_received);
  ordered("last byte sent between opened and ended", was.last_byte_sent);
  ordered("round trip shorter than the connection", was.round_trip);
  if (was.sent && was.last_byte_sent) {
    all.holds(was.sent->at <= *was.last_byte_sent, "our Close is sent bytes", ms(was.sent->at));
  }
  if (was.received && was.last_byte_received) {
    all.holds(was.received->at <= *was.last_byte_received,
              "the peer's Close is received bytes",
              ms(was.received->at));
  }
  if (was.sent && was.received) {
    const bool ours_first = was.sent->at <= was.received->at;
    all.holds(was.initiator == (ours_first ? initiator::local : initiator::remote) ||
                  was.sent->at == was.received->at,
              "who closed first, by the times",
              std::string(to_string(was.initiator)));
  }

  const auto opened = was.opened;
  all.holds(
      opened >= seen.began - tolerance && opened <= seen.faulted + tolerance + busy + seen.loop_lag,
      "opened between the beginning and the fault",
      ms(opened - seen.began));
  const auto ended = opened + was.ended;
  std::chrono::system_clock::time_point from = seen.faulted;
  if (right.step) from = seen.began;
  switch (right.from) {
    case since::fault: break;
    case since::app_closed: from = seen.app_closed.value_or(from); break;
    case since::our_close:
      if (was.sent) from = opened + was.sent->at;
      break;
    case since::last_close:
      if (was.received) from = opened + was.received->at;
      if (was.sent)
        from = std::max(from, std::chrono::system_clock::time_point(opened + was.sent->at));
      break;
    case since::last_heard: from = opened + was.last_byte_received.value_or(0ns); break;
    case since::last_spoken: from = opened + was.last_byte_sent.value_or(0ns); break;
  }
  const bool time_was_up = right.unless_closing_for != 0ms && seen.app_closed &&
                           ended >= *seen.app_closed + right.unless_closing_for - tolerance;
  all.holds(ended >= from + right.at_least - tolerance || time_was_up,
            "ended too early",
            ms(ended - from));
  all.holds(ended <= std::max(from, seen.faulted) + right.at_most + busy + seen.loop_lag,
            "ended too late",
            ms(ended - from));
}

// What the peer read is what the record says we sent.
void compare_wire(comparison& all,
                  const cell& in,
                  const disconnect_record& was,
                  const trial_notes& seen) {
  if (!seen.peer) return;
  const peer_notes& peer = *seen.peer;
  all.holds(peer.closes <= 1, "a second Close on the wire", fmt::format("{}", peer.closes));
  if (peer.closes != 0) {
    all.holds(
        was.sent && was.sent->code == peer.close_code && was.sent->reason == peer.close_reason,
        fmt::format(
            "the peer read our Close {} \"{}\"", peer.close_code.value_or(0), peer.close_reason),
        close_text(was.sent));
  } else if (seen.peer_read_to_the_end) {
    all.holds(!was.sent, "the peer read no Close of ours, to the end", close_text(was.sent));
  }
  // Plain TCP: what was written and is not in the peer's kernel is what was not acknowledged.
  const bool stuck = in.where == place::unsent_data || in.how == fault::zero_window;
  const bool holds_on = in.how == fault::half_close || in.how == fault::garbage ||
                        in.how == fault::trickle || in.how == fault::zero_window ||
                        in.how == fault::black_hole;
  if (stuck && holds_on && in.over == carrier::tcp && was.lost.unacknowledged_bytes) {
    const std::uint64_t header = 10 + (in.we == role::client ? 4 : 0);
    const std::uint64_t written = too_much - was.lost.unsent_bytes + header;
    const std::uint64_t pongs = in.how == fault::zero_window && is_paused(in) ? 200 : 0;
    all.within("unacknowledged, by what lies in the peer's kernel",
               {written - std::min<std::uint64_t>(written, peer.left_unread),
                written - std::min<std::uint64_t>(written, peer.left_unread) + pongs},
               *was.lost.unacknowledged_bytes);
  }
}

}  // namespace

std::vector<std::string> differences(const cell& in,
                                     const expectation& right,
                                     const disconnect_record& was,
                                     const trial_notes& seen) {
  comparison all;
  all.same("role", in.we, was.local_role);
  all.same("clean", right.clean, was.clean);
  if (was.initiator != right.or_else_initiator) {
    all.same("initiator", right.initiator, was.initiator);
  }
  if (was.cause != right.or_else_cause) all.same("cause", right.cause, was.cause);
  compare_close(all, "sent", right.sent, was.sent);
  compare_close(all, "received", right.received, was.received);
  all.same("broken_rule", right.broken_rule, was.broken_rule);
  all.same("broken_at", right.broken_at, was.broken_at);
  all.same("timeout_phase", right.timeout_phase, was.timeout_phase);
  all.same("os_error", right.os_error, was.os_error);
  const auto step = was.connect ? std::optional(was.connect->step) : std::nullopt;
  all.same("connect step", right.step, step);
  if (was.connect) {
    all.same("http_status", right.http_status, was.connect->http_status);
    all.holds(!was.connect->detail.empty(), "a detail", "none");
  }
  if (was.tcp != right.or_else_tcp) all.same("tcp", right.tcp, was.tcp);
  all.same("teardown_timed_out", right.teardown_timed_out, was.teardown_timed_out);
  const bool reset_instead =
      right.or_else_tcp == tcp_end::reset_received && was.tcp == right.or_else_tcp;
  all.same("close_notify_missing",
           right.close_notify_missing && !reset_instead,
           was.close_notify_missing);
  all.within("unsent messages", right.unsent_messages, was.lost.unsent_messages);
  all.within("unsent bytes", right.unsent_bytes, was.lost.unsent_bytes);
  all.same("unacknowledged known",
           right.unacknowledged.has_value(),
           was.lost.unacknowledged_bytes.has_value());
  if (right.unacknowledged && was.lost.unacknowledged_bytes) {
    all.within("unacknowledged", *right.unacknowledged, *was.lost.unacknowledged_bytes);
  }
  all.within("discarded messages", right.discarded_messages, was.lost.discarded_messages);
  all.within("discarded bytes", right.discarded_bytes, was.lost.discarded_bytes);
  all.within("unread messages", right.unread_messages, was.lost.unread_messages);
  all.within("unread bytes", right.unread_bytes, was.lost.unread_bytes);
  if (right.heard) {
    all.same("a byte was received", *right.heard, was.last_byte_received.has_value());
  }
  if (right.spoke) all.same("a byte was sent", *right.spoke, was.last_byte_sent.has_value());
  all.same("round trip known", right.round_trip, was.round_trip.has_value());
  all.same("receive_paused", right.receive_paused, was.receive_paused);
  compare_times(all, right, was, seen);
  compare_wire(all, in, was, seen);
  if (seen.close_answer) {  // S5
    all.same("async_close succeeded", right.clean, !*seen.close_answer);
  }
  if (in.we == role::client && right.step) {
    all.holds(seen.connect_answer && *seen.connect_answer == right.connect_error,
              fmt::format("async_connect: expected {}", to_string(right.connect_error)),
              seen.connect_answer ? seen.connect_answer->message() : "no answer");
  }
  return all.found;
}

}  // namespace adieu::test
