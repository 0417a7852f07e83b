// Keep-alive on a whole connection (N14, D10, P3): who is asked when, who is believed dead, and who
// is not accused.
#include "tests/core/pair.hpp"

namespace adieu::test {
namespace {

class KeepAlive : public BothRoles {
 protected:
  endpoint e{self()};
};
ADIEU_BOTH_ROLES(KeepAlive);

TEST_P(KeepAlive, D10_a_silent_peer_is_asked_after_20_seconds_and_given_up_after_20_more) {
  const ticket r = e.receive(), s = (e.core.begin_message(1), e.send("held back"));
  e.advance(19999ms);
  EXPECT_EQ(e.frames().size(), 0U);
  e.advance(1ms);
  ASSERT_EQ(e.frames().size(), 1U);
  EXPECT_EQ(e.frames()[0].op, ping_op);
  EXPECT_EQ(e.frames()[0].payload.size(), 8U);
  e.advance(19999ms);
  EXPECT_EQ(e.core.state(), state::open);
  e.advance(1ms);
  EXPECT_EQ(e.core.state(), state::aborted);
  EXPECT_EQ(e.error(r), errc::keepalive_timeout);
  EXPECT_EQ(e.error(s), errc::keepalive_timeout);
  EXPECT_EQ(e.record().cause, cause::keepalive_timeout);
  EXPECT_EQ(e.obeyed, (std::vector{command::reset}));
  EXPECT_EQ(e.record().ended, 40s);
}

TEST_P(KeepAlive, P3_any_byte_proves_life) {
  e.advance(30s);
  e.feed(encode(other(self()), {text_op, "long"}).substr(0, 1));
  e.advance(19999ms);
  EXPECT_EQ(e.frames().size(), 1U);
  EXPECT_EQ(e.core.state(), state::open);
}

TEST_P(KeepAlive, D1_two_idle_apps_stay_connected) {
  pair p;
  p.run(1h);
  EXPECT_EQ(p.client.core.state(), state::open);
  EXPECT_EQ(p.server.core.state(), state::open);
  EXPECT_TRUE(p.side(self()).record().round_trip || p.peer_of(p.side(self())).record().round_trip);
}

TEST_P(KeepAlive, P3_the_clock_starts_when_the_ping_is_written) {
  websocket_options o;
  o.write_timeout = 0s;
  endpoint x(self(), o);
  x.room = 0;
  x.advance(1h);
  EXPECT_EQ(x.core.state(), state::open);
  x.room = no_limit, x.pump();
  x.advance(19999ms);
  EXPECT_EQ(x.core.state(), state::open);
  x.advance(1ms);
  EXPECT_EQ(x.core.state(), state::aborted);
}

TEST_P(KeepAlive, P3_a_timer_that_fires_far_too_late_is_no_verdict) {
  e.advance(20s);
  e.now += 600s;  // this process stood still
  e.tick();
  EXPECT_EQ(e.core.state(), state::open);
  EXPECT_EQ(e.frames().size(), 2U);  // one fresh Ping
  e.advance(20s);
  EXPECT_EQ(e.core.state(), state::aborted);
}

TEST_P(KeepAlive, P3_after_the_machine_slept_one_fresh_ping) {
  e.advance(20s);
  e.now += 19s;
  e.core.woke_up(e.now);
  e.pump();
  EXPECT_EQ(e.frames().size(), 2U);
  e.advance(19s);
  EXPECT_EQ(e.core.state(), state::open);
  e.advance(1s);
  EXPECT_EQ(e.core.state(), state::aborted);
}

TEST_P(KeepAlive, P3_waking_up_gives_a_stuck_write_new_time) {
  e.room = 0;
  e.send("stuck");
  e.now += 59s;
  e.core.woke_up(e.now);
  e.advance(59s);
  EXPECT_EQ(e.core.state(), state::open);
  e.advance(1s);
  EXPECT_EQ(e.record().cause, cause::peer_not_reading);
}

TEST_P(KeepAlive, a_slightly_late_timer_is_still_a_verdict) {
  e.advance(20s);
  e.now += 21s;
  e.tick();
  EXPECT_EQ(e.core.state(), state::aborted);
}

TEST_P(KeepAlive, a_pong_answers_earlier_pings_too) {
  const ticket a = e.ping(), b = e.ping(), c = e.ping();
  const auto f = e.frames();
  e.feed({pong_op, f.at(1).payload});
  EXPECT_EQ(e.error(a), errc::success);
  EXPECT_EQ(e.error(b), errc::success);
  EXPECT_TRUE(e.pending(c));
  e.feed({pong_op, "unasked!"});
  EXPECT_TRUE(e.pending(c));
  e.abort();
  EXPECT_EQ(e.error(c), errc::aborted);
}

TEST_P(KeepAlive, a_pending_ping_ends_with_the_connection) {
  for (const int how : {0, 1, 2, 3}) {
    endpoint x(self());
    const ticket t = x.ping();
    if (how == 0) x.fin();
    if (how == 1) x.feed({3, ""});
    if (how == 2) x.feed_close(1000);
    if (how == 3) x.output_failed(input_end::reset);
    EXPECT_NE(x.error(t), errc::success) << how;
  }
}

TEST_P(KeepAlive, a_ping_that_was_cut_in_the_middle_names_no_strange_ticket) {
  e.room = 4;
  const ticket t = e.ping(), s = e.send("behind");
  e.abort();  // the notebook checks the tickets
  EXPECT_EQ(e.error(t), errc::aborted);
  EXPECT_EQ(e.error(s), errc::aborted);
  EXPECT_EQ(e.done.size(), 2U);
}

TEST_P(KeepAlive, no_ping_before_its_pong_can_count) {
  e.room = 0;
  const ticket t = e.ping();
  e.feed({pong_op, std::string("\0\0\0\0\0\0\0\1", 8)});  // guessed
  EXPECT_TRUE(e.pending(t));
  EXPECT_FALSE(e.record().round_trip);
}

// A stream may have sent what it has not confirmed yet.
TEST_P(KeepAlive, N14_a_pong_may_come_before_its_ping_is_confirmed) {
  e.room = 0;
  const ticket asked = e.ping();
  std::size_t size = 0;
  for (const core::const_bytes piece : e.core.output(e.now)) size += piece.size();
  e.core.output_in_flight(e.now);
  e.now += 30ms;
  e.feed({pong_op, std::string(7, '\0') + '\1'});
  EXPECT_EQ(e.error(asked), errc::success);
  EXPECT_EQ(e.done.at(asked).round_trip, 30ms);
  e.core.wrote(size, e.now);
  e.pump();
  EXPECT_EQ(e.record().round_trip, 30ms);
}

TEST_P(KeepAlive, nothing_but_it_runs_on_a_quiet_connection) {
  EXPECT_TRUE(e.core.quiet());
  e.room = 0;
  e.send("stuck");
  EXPECT_FALSE(e.core.quiet());
  e.room = no_limit, e.pump();
  EXPECT_TRUE(e.core.quiet());
  e.close();
  EXPECT_FALSE(e.core.quiet());
}

}  // namespace
}  // namespace adieu::test
