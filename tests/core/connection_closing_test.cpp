// The closing handshake between two connections, and between one and the bare wire: S1–S9, crossing
// Closes, P1, P2, P4, D15, D17, and what the article's loop needs.
#include "tests/core/pair.hpp"

namespace adieu::test {
namespace {

class Closing : public BothRoles {
 protected:
  pair net;
  endpoint& us = net.side(self());
  endpoint& them = net.peer_of(us);

  void expect_clean(initiator ours, initiator theirs, unsigned code) {
    EXPECT_TRUE(net.both_ended());
    for (endpoint* e : {&us, &them}) {
      EXPECT_TRUE(e->record().clean) << to_line(e->record());
      EXPECT_EQ(e->core.state(), state::closed);
      EXPECT_EQ(e->record().cause, cause::handshake);
      ASSERT_TRUE(e->record().sent && e->record().received);
    }
    EXPECT_EQ(us.record().initiator, ours);
    EXPECT_EQ(them.record().initiator, theirs);
    EXPECT_EQ(us.record().sent->code, code);
    EXPECT_EQ(them.record().received->code, code);
    EXPECT_EQ(us.record().sent->reason, them.record().received->reason);
    EXPECT_EQ(us.record().received->code, them.record().sent->code);
  }
};
ADIEU_BOTH_ROLES(Closing);

TEST_P(Closing, S1_S2_close_completes_when_both_closes_passed_and_tcp_is_closed) {
  const ticket close = us.close(1000, "bye"), got = them.receive();
  EXPECT_EQ(us.core.state(), state::close_sent);
  net.settle();
  EXPECT_TRUE(us.pending(close));
  EXPECT_EQ(them.result(got).close_description, "bye");  // S6
  them.close_output(1000, "bye");
  net.settle();
  EXPECT_EQ(us.error(close), errc::success);
  expect_clean(initiator::local, initiator::remote, 1000);
}

TEST_P(Closing, S3_D17_close_output_in_close_received_completes_when_written) {
  us.close(3000);
  net.settle();
  EXPECT_EQ(them.core.state(), state::close_received);
  const ticket answer = them.close_output(3000);
  EXPECT_EQ(them.error(answer), errc::success);  // before anything else moves
  EXPECT_FALSE(them.core.ended());
  net.settle();
  expect_clean(initiator::local, initiator::remote, 3000);
}

TEST_P(Closing, S3_D15_a_half_close_goes_on_receiving_and_ends_by_itself) {
  const ticket half = us.close_output(1000, "no more from me");
  EXPECT_EQ(us.error(half), errc::success);
  EXPECT_EQ(us.core.state(), state::close_sent);
  net.settle();
  them.send("still this");
  net.settle();
  EXPECT_EQ(us.data(us.receive()), "still this");
  them.close_output(1000);
  net.settle();
  expect_clean(initiator::local, initiator::remote, 1000);
  EXPECT_EQ(us.result(us.receive()).type, message_type::close);
  EXPECT_EQ(us.error(us.receive()), errc::invalid_state);
}

TEST_P(Closing, S5_close_succeeds_iff_clean) {
  for (const int how : {0, 1, 2, 3}) {
    endpoint e(self());
    const ticket t = e.close(1000);
    if (how == 0) e.feed_close(1000), e.fin(), e.advance(1s);
    if (how == 1) e.fin();
    if (how == 2) e.input_ended(input_end::reset);
    if (how == 3) e.feed_close(1002, "you broke it"), e.fin(), e.advance(1s);
    EXPECT_TRUE(e.core.ended());
    EXPECT_EQ(e.record().clean, how == 0);
    EXPECT_EQ(e.error(t) == errc::success, how == 0);
  }
}

TEST_P(Closing, S6_the_articles_passive_loop_ends_cleanly_also_when_destroyed_right_after) {
  const ticket got = us.receive();
  const ticket close = them.close(4001, "done");
  net.settle();
  const receive_result r = us.result(got);
  us.room = 3;  // our Close is only partly written when the websocket goes out of scope
  us.close_output(static_cast<unsigned>(*r.close_status), r.close_description);
  us.destroy();
  us.room = no_limit;
  net.settle();
  EXPECT_EQ(them.error(close), errc::success);
  expect_clean(initiator::remote, initiator::local, 4001);
}

TEST_P(Closing, S7_a_pending_receive_and_a_close_both_succeed) {
  for (const bool output_only : {false, true}) {
    pair p;
    endpoint& a = p.side(self());
    endpoint& b = p.peer_of(a);
    const ticket receive = a.receive();
    const ticket close = output_only ? a.close_output(1000) : a.close(1000);
    p.settle();
    EXPECT_TRUE(a.pending(receive));
    b.close_output(1001, "fine");
    p.settle();
    EXPECT_EQ(a.error(close), errc::success);
    EXPECT_EQ(a.error(receive), errc::success);
    EXPECT_EQ(a.result(receive).close_status, close_status(1001));
    EXPECT_EQ(a.error(a.receive()), errc::invalid_state);
  }
}

TEST_P(Closing, S8_after_the_end_every_call_is_invalid_for_ever) {
  us.close(1000), net.settle();
  them.close_output(1000), net.settle();
  for (int i = 0; i < 2; ++i) {
    EXPECT_EQ(us.error(us.send("x")), errc::invalid_state);
    EXPECT_EQ(us.error(us.receive()), errc::invalid_state);
    EXPECT_EQ(us.error(us.receive_message()), errc::invalid_state);
    EXPECT_EQ(us.error(us.ping()), errc::invalid_state);
    EXPECT_EQ(us.error(us.close(1000)), errc::invalid_state);
    EXPECT_EQ(us.error(us.close_output(1000)), errc::invalid_state);
    us.now += 1h;
  }
}

TEST_P(Closing, S9_tcp_cut_without_a_handshake) {
  for (const input_end how : {input_end::fin, input_end::reset, input_end::truncated}) {
    endpoint e(self());
    const ticket r = e.receive();
    e.input_ended(how);
    EXPECT_EQ(e.error(r), errc::connection_closed_prematurely);
    EXPECT_EQ(e.core.state(), state::aborted);
    EXPECT_EQ(e.record().cause,
              how == input_end::fin     ? cause::peer_vanished
              : how == input_end::reset ? cause::peer_reset
                                        : cause::tls_truncated);
    EXPECT_EQ(e.record().tcp,
              how == input_end::reset ? tcp_end::reset_received : tcp_end::peer_fin_first);
    EXPECT_EQ(e.record().derived_code(), close_status::abnormal_closure);
  }
}

TEST_P(Closing, crossing_closes_read_local_on_both_ends) {
  const ticket a = us.close(1000, "a"), b = them.close(3999, "b");
  net.settle();
  EXPECT_EQ(us.error(a), errc::success);
  EXPECT_EQ(them.error(b), errc::success);
  expect_clean(initiator::local, initiator::local, 1000);
  EXPECT_EQ(us.record().received->code, 3999);
}

TEST_P(Closing, a_close_that_the_transport_still_holds_counts_as_ours) {
  endpoint e(self());
  e.room = 0;
  e.close(1000);
  e.core.output_in_flight(e.now);  // the transport has all of it, and has not said so yet
  e.feed_close(1000);
  EXPECT_EQ(e.record().initiator, initiator::local);
}

TEST_P(Closing, a_close_in_flight_when_the_websocket_goes_is_in_the_record_once_it_is_written) {
  endpoint e(self());
  e.room = 0;
  e.close(1000, "bye");
  std::size_t size = 0;
  for (const core::const_bytes piece : e.core.output(e.now)) size += piece.size();
  e.core.output_in_flight(e.now);
  e.destroy();
  EXPECT_FALSE(e.record().sent);
  e.core.wrote(size, e.now);
  e.pump();
  ASSERT_TRUE(e.record().sent);
  EXPECT_EQ(e.record().sent->reason, "bye");
  EXPECT_EQ(e.record().initiator, initiator::local);
  EXPECT_EQ(e.record().cause, cause::disposed);
  EXPECT_EQ(e.core.phase(), phase::draining);
}

TEST_P(Closing, P1_a_pong_that_is_held_up_does_not_follow_both_closes) {
  endpoint e(self());
  e.close_output(1000);
  const std::size_t written = e.all_out.size();
  e.room = 1;
  e.feed({ping_op, "are you there?"});
  e.feed_close(1000);
  EXPECT_EQ(e.core.phase(), phase::closed);
  e.room = no_limit, e.pump();
  EXPECT_EQ(e.all_out.size(), written + 1) << "the rest of the Pong, behind our FIN perhaps";
  e.fin();
  EXPECT_TRUE(e.record().clean);
}

TEST_P(Closing, a_close_that_waits_when_the_peers_is_read_is_an_answer) {
  endpoint e(self());
  e.room = 0;
  const ticket t = e.close_output(1000);
  e.feed_close(1001);
  EXPECT_EQ(e.core.state(), state::close_received);
  e.room = no_limit, e.pump();
  EXPECT_EQ(e.error(t), errc::success);
  EXPECT_EQ(e.record().initiator, initiator::remote);
}

TEST_P(Closing, N3_close_in_close_sent_only_waits) {
  us.close_output(1000);
  const ticket close = us.close(3000, "not sent");
  net.settle();
  EXPECT_TRUE(us.pending(close));
  them.close_output(1000), net.settle();
  EXPECT_EQ(us.error(close), errc::success);
  expect_clean(initiator::local, initiator::remote, 1000);
  EXPECT_EQ(us.frames().size(), 1U);
}

TEST_P(Closing, two_closes_of_one_side_both_succeed) {
  const ticket a = us.close(1000), b = us.close(1001);
  net.settle(), them.close_output(1000), net.settle();
  EXPECT_EQ(us.error(a), errc::success);
  EXPECT_EQ(us.error(b), errc::success);
  EXPECT_EQ(us.frames().size(), 1U);
}

TEST_P(Closing, N7_D13_bad_arguments_fail_at_once_and_send_nothing) {
  for (const unsigned code : {0U, 999U, 1004U, 1006U, 1015U, 1016U, 2999U, 5000U, 65535U}) {
    EXPECT_EQ(us.error(us.close(code)), errc::invalid_argument) << code;
    EXPECT_EQ(us.error(us.close_output(code)), errc::invalid_argument) << code;
  }
  EXPECT_EQ(us.error(us.close(1005, "x")), errc::invalid_argument);
  EXPECT_EQ(us.error(us.close(1000, std::string(124, 'x'))), errc::invalid_argument);
  EXPECT_EQ(us.error(us.close(1000, "\xFF")), errc::invalid_argument);
  EXPECT_EQ(us.core.state(), state::open);
  EXPECT_EQ(us.all_out, "");
}

TEST_P(Closing, D13_1005_sends_a_close_without_a_payload) {
  us.close(1005), net.settle();
  EXPECT_EQ(us.frames(), (std::vector<frame>{{close_op, ""}}));
  EXPECT_FALSE(us.record().sent->code);
  EXPECT_EQ(them.core.close_status(), close_status::no_status_received);
}

// ── P1 ──────────────────────────────────────────────────────────────────────────────────────

TEST_P(Closing, P1_sends_are_invalid_from_the_call_and_earlier_ones_go_out_first) {
  us.room = 0;
  const ticket early = us.send("early");
  us.close_output(1000);
  EXPECT_EQ(us.core.state(), state::open);  // the wire's truth
  EXPECT_EQ(us.error(us.send("late")), errc::invalid_state);
  us.room = no_limit, us.pump();
  EXPECT_EQ(us.error(early), errc::success);
  EXPECT_EQ(us.frames(),
            (std::vector<frame>{{text_op, "early"}, {close_op, close_payload_bytes(1000)}}));
}

TEST_P(Closing, P1_pongs_go_out_after_our_close_until_the_peers_comes) {
  us.close_output(1000);
  us.feed({ping_op, "alive?"});
  EXPECT_EQ(us.frames().back(), (frame{pong_op, "alive?"}));
  us.room = 0;
  us.feed({ping_op, "queued"});
  us.feed({ping_op, "never"});
  us.feed_close(1000);
  us.room = no_limit, us.pump();
  EXPECT_NE(us.frames().back().payload, "never");
  EXPECT_EQ(us.error(us.ping()), errc::invalid_state);
}

TEST_P(Closing, P1_no_ping_follows_our_close) {
  us.room = 0;
  us.close(1000);
  EXPECT_EQ(us.error(us.ping()), errc::invalid_state);
  us.room = no_limit, us.pump();
  us.advance(9s);
  EXPECT_EQ(us.frames().size(), 1U);
}

TEST_P(Closing, P1_an_unfinished_message_does_not_block_the_close) {
  us.send("half", false);
  us.core.begin_message(3);
  const ticket blocked = us.send("blocked", true, 3);
  us.close(1000);
  EXPECT_EQ(us.error(blocked), errc::message_abandoned);
  net.settle(), them.close_output(1000), net.settle();
  EXPECT_TRUE(us.record().clean);
  EXPECT_EQ(us.record().lost.unsent_messages, 2U);
  EXPECT_EQ(us.record().lost.unsent_bytes, 7U);
}

TEST_P(Closing, P1_an_empty_place_or_an_unbegun_fragment_does_not_cost_the_messages_behind) {
  us.room = 1;
  us.send("first");
  us.core.begin_message(3);
  us.core.begin_message(4);
  const ticket fragment = us.queue("fragment", false, 4), whole = us.queue("whole");
  us.close(1000);
  us.room = no_limit, us.pump();
  EXPECT_EQ(us.error(whole), errc::success);
  EXPECT_EQ(us.error(fragment), errc::message_abandoned);
  ASSERT_EQ(us.frames().size(), 3U);
  EXPECT_EQ(us.frames()[1].payload, "whole");
}

TEST_P(Closing, P1_nothing_is_parsed_after_the_peers_close) {
  us.feed(encode(other(self()), {close_op, ""}) + "\xFF\xFF garbage");
  EXPECT_EQ(us.core.state(), state::close_received);
  us.close_output(1000);
  EXPECT_EQ(us.core.state(), state::closed);
}

// ── P4 ──────────────────────────────────────────────────────────────────────────────────────

websocket_options small_window() {
  websocket_options o;
  o.receive_window = 100;
  return o;
}

TEST_P(Closing, N4_P4_close_throws_away_what_nobody_takes_and_counts_it) {
  pair p(small_window(), small_window());
  endpoint& a = p.side(self());
  endpoint& b = p.peer_of(a);
  for (int i = 0; i < 10; ++i) b.send(std::string(50, 'd'));
  p.settle();
  EXPECT_EQ(a.core.read_allowance(), 0U);  // full before the call
  const ticket close = a.close(1000);
  p.settle();
  b.close_output(1000), p.settle();
  EXPECT_EQ(a.error(close), errc::success);
  EXPECT_EQ(a.record().lost.discarded_messages, 10U);
  EXPECT_EQ(a.record().lost.discarded_bytes, 500U);
  EXPECT_EQ(a.record().lost.unread_messages, 0U);
  EXPECT_EQ(a.error(a.receive()), errc::invalid_state);  // P2: close was the delivery
}

TEST_P(Closing, P4_a_receive_that_waits_gets_its_data_during_a_close) {
  const ticket r = us.receive();
  const ticket close = us.close(1000);
  them.send("one"), them.send("two"), net.settle();
  EXPECT_EQ(us.data(r), "one");
  EXPECT_EQ(us.data(us.receive()), "two");
  const ticket last = us.receive();
  them.close_output(1000), net.settle();
  EXPECT_EQ(us.result(last).type, message_type::close);
  EXPECT_EQ(us.error(close), errc::success);
  EXPECT_EQ(us.record().lost.discarded_messages, 0U);
}

TEST_P(Closing, D8_close_output_and_a_receive_loop_lose_nothing) {
  pair p(small_window(), small_window());
  endpoint& a = p.side(self());
  endpoint& b = p.peer_of(a);
  a.close_output(1000);
  for (int i = 0; i < 10; ++i) b.send(std::string(50, 'd'));
  b.close_output(1000);
  p.settle();
  std::size_t total = 0;
  for (int i = 0; i < 10; ++i, p.settle()) total += a.data(a.receive()).size();
  EXPECT_EQ(total, 500U);
  EXPECT_EQ(a.result(a.receive()).type, message_type::close);
  EXPECT_EQ(a.record().lost.discarded_bytes, 0U);
  EXPECT_TRUE(a.record().clean);
}

TEST_P(Closing, P4_a_torn_message_is_counted_once) {
  endpoint e(self(), small_window());
  e.feed({binary_op, std::string(60, 'a'), false});
  e.close(1000);
  e.feed({continuation_op, std::string(60, 'b'), false});  // full: thrown away
  e.feed({continuation_op, std::string(60, 'c'), true});
  e.feed({binary_op, "next"});
  e.feed_close(1000), e.fin(), e.advance(1s);
  EXPECT_TRUE(e.record().clean);
  EXPECT_EQ(e.record().lost.discarded_messages, 2U);
  EXPECT_EQ(e.record().lost.discarded_bytes, 184U);
}

TEST_P(Closing, P4_after_a_cancelled_receive_the_window_does_not_hide_the_close) {
  endpoint e(self(), small_window());
  const ticket r = e.receive(1000);
  e.feed(encode(other(self()), {binary_op, std::string(900, 'a')}).substr(0, 500));
  e.close(1000);
  e.cancel(r);
  EXPECT_GT(e.core.read_allowance(), 0U);
}

}  // namespace
}  // namespace adieu::test
