// Cancellation (P7), abort and the destructor in every phase (P6).
#include "tests/core/pair.hpp"

namespace adieu::test {
namespace {

class Cancelling : public BothRoles {
 protected:
  endpoint e{self()};
  void expect_cancelled(const endpoint& x, ticket t) {
    EXPECT_EQ(x.error(t), errc::success);
    EXPECT_TRUE(!x.pending(t) && x.done.at(t).cancelled);
  }
};
ADIEU_BOTH_ROLES(Cancelling);

TEST_P(Cancelling, D5_P7_a_cancelled_receive_loses_no_byte_wherever_it_comes) {
  const std::string wire = encode(other(self()), {text_op, "all of it", false}) +
                           encode(other(self()), {continuation_op, " and more", true});
  for (const receive_kind kind : {receive_kind::piece, receive_kind::some, receive_kind::message}) {
    for (std::size_t cut = 0; cut <= wire.size(); ++cut) {
      endpoint x(self());
      std::string got;
      const auto start = [&] {
        return kind == receive_kind::message ? x.receive_message() : x.receive(100, kind);
      };
      ticket t = start();
      x.feed(wire.substr(0, cut));
      if (x.pending(t)) {
        x.cancel(t);
        expect_cancelled(x, t);
      } else {
        got += x.data(t);
      }
      x.feed(wire.substr(cut));
      while (!x.pending(t = start())) got += x.data(t);
      EXPECT_EQ(got, "all of it and more") << "cut at " << cut;
      EXPECT_EQ(x.core.state(), state::open);
    }
  }
}

TEST_P(Cancelling, P7_a_send_is_withdrawn_if_nothing_of_its_message_has_begun) {
  e.room = 1;
  const ticket begun = e.send("begun"), waits = e.queue("waits"), stays = e.queue("stays");
  e.cancel(begun);
  EXPECT_TRUE(e.pending(begun));
  e.cancel(waits);
  expect_cancelled(e, waits);
  e.room = no_limit, e.pump();
  EXPECT_EQ(e.error(begun), errc::success);
  EXPECT_FALSE(e.done.at(begun).cancelled);
  EXPECT_EQ(e.error(stays), errc::success);
  EXPECT_EQ(e.frames(), (std::vector<frame>{{text_op, "begun"}, {text_op, "stays"}}));
}

TEST_P(Cancelling, P7_a_later_piece_of_a_message_that_has_begun_completes) {
  e.send("one ", false);
  e.room = 0;
  const ticket two = e.send("two ", false), three = e.queue("three", true);
  e.cancel(two), e.cancel(three);
  EXPECT_TRUE(e.pending(two) && e.pending(three));
  e.room = no_limit, e.pump();
  EXPECT_EQ(e.frames().size(), 3U);
}

TEST_P(Cancelling, P7_a_close_stops_waiting_and_the_handshake_goes_on) {
  const ticket t = e.close(1000);
  e.cancel(t);
  expect_cancelled(e, t);
  EXPECT_EQ(e.core.state(), state::close_sent);
  e.feed_close(1000), e.fin(), e.advance(1s);
  EXPECT_TRUE(e.record().clean);
  endpoint x(self());
  x.cancel(x.close(1000));
  x.advance(10s);
  EXPECT_EQ(x.record().cause, cause::close_timeout);  // to its deadline
}

TEST_P(Cancelling, P7_pings_and_waits_can_be_cancelled_and_unknown_tickets_do_nothing) {
  const ticket ping = e.ping(), wait = e.wait_closed();
  e.cancel(ping), e.cancel(wait), e.cancel(4711);
  expect_cancelled(e, ping);
  expect_cancelled(e, wait);
  EXPECT_EQ(e.done.size(), 2U);
  EXPECT_EQ(e.core.state(), state::open);
}

TEST_P(Cancelling, P6_abort_resets_and_every_waiter_is_aborted) {
  e.room = 1;
  const std::vector<ticket> all{
      e.receive(), e.send("x"), e.ping(), e.close_output(1000), e.close(1000)};
  const ticket wait = e.wait_closed();
  e.abort();
  EXPECT_EQ(e.obeyed, (std::vector{command::reset}));
  for (const ticket t : all) EXPECT_EQ(e.error(t), errc::aborted) << t;
  EXPECT_EQ(e.error(wait), errc::success);
  EXPECT_EQ(e.record().cause, cause::local_abort);
  EXPECT_EQ(e.record().tcp, tcp_end::reset_sent);
  EXPECT_EQ(e.record().lost.unsent_messages, 1U);
  EXPECT_EQ(e.core.state(), state::aborted);
}

TEST_P(Cancelling, P6_abort_after_both_closes_only_ends_the_teardown) {
  const ticket t = e.close(1000);
  e.feed_close(1000);
  e.abort();
  EXPECT_EQ(e.obeyed.back(), command::cut);
  EXPECT_EQ(e.error(t), errc::success);
  EXPECT_TRUE(e.record().clean);
  EXPECT_EQ(e.core.state(), state::closed);
}

// ── The destructor, phase by phase ──────────────────────────────────────────────────────────

TEST_P(Cancelling, P6_destroyed_before_both_closes_no_close_is_sent) {
  for (const int where : {0, 1, 2}) {
    endpoint x(self());
    if (where == 1) x.feed_close(1000);
    if (where == 2) x.close_output(1000);
    const std::size_t written = x.all_out.size();
    const ticket r = where == 1 ? x.wait_closed() : x.receive();
    x.destroy();
    EXPECT_EQ(x.core.state(), state::closed);  // N11
    EXPECT_EQ(x.all_out.size(), written);
    EXPECT_EQ(x.obeyed, (std::vector{command::shut_output}));  // what the kernel has is delivered
    if (where != 1) {
      EXPECT_EQ(x.error(r), errc::aborted);
    }
    x.fin();
    EXPECT_EQ(x.record().cause, cause::disposed);
    EXPECT_FALSE(x.record().clean);
    x.destroy();  // once more changes nothing
  }
}

TEST_P(Cancelling, P6_destroyed_with_a_close_waiting_it_is_not_sent) {
  e.room = 0;
  const ticket s = e.send("x"), half = e.close_output(1000), full = e.close(1000), r = e.receive();
  e.destroy();
  for (const ticket t : {s, half, full, r}) EXPECT_EQ(e.error(t), errc::aborted) << t;
  e.room = no_limit, e.pump();
  EXPECT_EQ(e.all_out, "");
  EXPECT_EQ(e.record().cause, cause::disposed);
}

TEST_P(Cancelling, P6_destroyed_with_both_closes_queued_it_ends_cleanly) {
  e.feed_close(1000);
  e.room = 0;
  const ticket t = e.close(1000);
  e.destroy();
  EXPECT_EQ(e.error(t), errc::aborted);
  e.room = no_limit, e.pump();
  e.fin(), e.advance(1s);
  EXPECT_TRUE(e.record().clean);
  EXPECT_EQ(e.frames().size(), 1U);
}

TEST_P(Cancelling, P6_destroyed_during_the_teardown_or_a_failure_changes_nothing) {
  e.close(1000), e.feed_close(1000);
  e.destroy();
  e.fin(), e.advance(1s);
  EXPECT_TRUE(e.record().clean);
  endpoint x(self());
  x.room = 0, x.feed({3, ""});
  x.destroy();
  x.room = no_limit, x.pump(), x.fin();
  EXPECT_EQ(x.record().cause, cause::protocol_error_by_peer);
  EXPECT_EQ(x.frames().size(), 1U);
}

TEST_P(Cancelling, P6_the_drain_of_a_destroyed_one_ends_within_a_second) {
  e.destroy();
  e.feed({text_op, "nobody reads this"});
  e.advance(1s);
  EXPECT_TRUE(e.core.ended());
}

TEST_P(Cancelling, P6_unread_data_of_a_destroyed_one_is_counted) {
  e.feed({text_op, "unread"});
  e.destroy();
  e.fin();
  EXPECT_EQ(e.record().lost.discarded_messages, 1U);
  EXPECT_EQ(e.record().lost.discarded_bytes, 6U);
}

TEST_P(Cancelling, P6_the_peer_of_a_destroyed_one_sees_an_unclean_end) {
  pair p;
  endpoint& us = p.side(self());
  endpoint& them = p.peer_of(us);
  us.send("last"), us.destroy();
  p.run(2s);
  EXPECT_TRUE(p.both_ended());
  EXPECT_EQ(them.data(them.receive()), "last");
  EXPECT_EQ(them.error(them.receive()), errc::connection_closed_prematurely);
  EXPECT_EQ(them.record().cause, cause::peer_vanished);
}

TEST_P(Cancelling, D11_a_close_for_a_failed_handler_is_never_clean) {
  e.core.close_for(cause::handler_error, close_status::internal_server_error, "", e.now);
  e.pump();
  e.feed_close(1011), e.fin(), e.advance(1s);
  EXPECT_EQ(e.record().sent->code, 1011);
  EXPECT_EQ(e.record().cause, cause::handler_error);
  EXPECT_FALSE(e.record().clean);
  endpoint x(self());  // but a Close that was already on its way says 1000, and is
  x.close_output(1000);
  x.core.close_for(cause::handler_error, close_status::internal_server_error, "", x.now);
  x.feed_close(1000), x.fin(), x.advance(1s);
  EXPECT_TRUE(x.record().clean);
}

}  // namespace
}  // namespace adieu::test
