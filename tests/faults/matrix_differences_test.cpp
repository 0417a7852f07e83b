// The matrix can fail: a lie in any field of a record is seen.
#include <gtest/gtest.h>

#include <functional>

#include "tests/faults/matrix_expectation.hpp"

namespace adieu::test {
namespace {

using namespace std::chrono_literals;

// A peer that fell silent behind our Close: a record with something in nearly every field.
TEST(FaultMatrix, ALieInAnyFieldIsSeen) {
  const cell in{carrier::tcp,
                role::client,
                place::our_close,
                fault::black_hole,
                amount::small,
                app::busy,
                pings::on};
  trial_notes seen;
  seen.began = std::chrono::system_clock::now();
  seen.faulted = seen.began + 250ms;
  seen.app_closed = seen.began + 210ms;
  seen.close_answer = make_error_code(errc::close_timeout);
  seen.peer.emplace();
  seen.peer->closes = 1;
  seen.peer->close_code = 1000;
  seen.peer->close_reason = "bye";

  disconnect_record truth;
  truth.local_role = role::client;
  truth.cause = cause::close_timeout;
  truth.initiator = initiator::local;
  truth.sent = {1000, "bye", 212ms};
  truth.timeout_phase = close_phase::awaiting_peer_close;
  truth.tcp = tcp_end::reset_sent;
  truth.lost.unacknowledged_bytes = 0;
  truth.opened = seen.began + 1ms;
  truth.last_byte_received = 201ms;
  truth.last_byte_sent = 212ms;
  truth.ended = 612ms;
  truth.round_trip = 100us;
  const expectation right = expect(in, seen);
  ASSERT_TRUE(differences(in, right, truth, seen).empty())
      << differences(in, right, truth, seen)[0];

  using record = disconnect_record;
  const std::vector<std::pair<std::string, std::function<void(record&)>>> lies{
      {"role", [](record& r) { r.local_role = role::server; }},
      {"clean", [](record& r) { r.clean = true; }},
      {"initiator", [](record& r) { r.initiator = initiator::remote; }},
      {"cause", [](record& r) { r.cause = cause::keepalive_timeout; }},
      {"sent, absent", [](record& r) { r.sent.reset(); }},
      {"sent, code", [](record& r) { r.sent->code = 1001; }},
      {"sent, no code", [](record& r) { r.sent->code.reset(); }},
      {"sent, reason", [](record& r) { r.sent->reason = ""; }},
      {"sent, time", [](record& r) { r.sent->at = 700ms; }},
      {"received",
       [](record& r) {
         r.received = {1000, "bye", 300ms};
       }},
      {"broken_rule", [](record& r) { r.broken_rule = core::violation::reserved_opcode; }},
      {"broken_at", [](record& r) { r.broken_at = 1; }},
      {"timeout_phase", [](record& r) { r.timeout_phase = close_phase::sending_close; }},
      {"no timeout_phase", [](record& r) { r.timeout_phase.reset(); }},
      {"os_error", [](record& r) { r.os_error = 104; }},
      {"connect", [](record& r) { r.connect.emplace(); }},
      {"tcp", [](record& r) { r.tcp = tcp_end::our_fin_first; }},
      {"teardown_timed_out", [](record& r) { r.teardown_timed_out = true; }},
      {"close_notify_missing", [](record& r) { r.close_notify_missing = true; }},
      {"unsent messages", [](record& r) { r.lost.unsent_messages = 1; }},
      {"unsent bytes", [](record& r) { r.lost.unsent_bytes = 1; }},
      {"unacknowledged", [](record& r) { r.lost.unacknowledged_bytes = 1; }},
      {"unacknowledged, absent", [](record& r) { r.lost.unacknowledged_bytes.reset(); }},
      {"discarded messages", [](record& r) { r.lost.discarded_messages = 1; }},
      {"discarded bytes", [](record& r) { r.lost.discarded_bytes = 1; }},
      {"unread messages", [](record& r) { r.lost.unread_messages = 1; }},
      {"unread bytes", [](record& r) { r.lost.unread_bytes = 1; }},
      {"opened", [](record& r) { r.opened -= 1min; }},
      {"no last byte received", [](record& r) { r.last_byte_received.reset(); }},
      {"last byte received late", [](record& r) { r.last_byte_received = 1s; }},
      {"no last byte sent", [](record& r) { r.last_byte_sent.reset(); }},
      {"last byte sent early", [](record& r) { r.last_byte_sent = 100ms; }},
      {"ended early", [](record& r) { r.ended = 300ms; }},
      {"ended late", [](record& r) { r.ended = 6s; }},
      {"no round trip", [](record& r) { r.round_trip.reset(); }},
      {"a round trip that is too long", [](record& r) { r.round_trip = 1s; }},
      {"receive_paused", [](record& r) { r.receive_paused = true; }},
  };
  for (const auto& [name, tell] : lies) {
    record lie = truth;
    tell(lie);
    EXPECT_FALSE(differences(in, right, lie, seen).empty()) << name;
  }
}

}  // namespace
}  // namespace adieu::test
