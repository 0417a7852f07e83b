// Deadlines in virtual time: P5's total and idle limits, D11's answer, D9's second, a trickling
// peer, and what the record says about which phase was waited in.
#include "tests/core/pair.hpp"

namespace adieu::test {
namespace {

class Deadlines : public BothRoles {
 protected:
  endpoint e{self()};
};
ADIEU_BOTH_ROLES(Deadlines);

TEST_P(Deadlines, D6_P5_close_times_out_after_ten_seconds_with_a_reset) {
  const ticket close = e.close(1000), r = e.receive();
  e.advance(9999ms);
  EXPECT_TRUE(e.pending(close));
  e.advance(1ms);
  EXPECT_EQ(e.error(close), errc::close_timeout);
  EXPECT_EQ(e.error(r), errc::close_timeout);
  EXPECT_EQ(e.obeyed, (std::vector{command::reset}));
  EXPECT_EQ(e.record().cause, cause::close_timeout);
  EXPECT_EQ(e.record().timeout_phase, close_phase::awaiting_peer_close);
  EXPECT_EQ(e.record().tcp, tcp_end::reset_sent);
  EXPECT_FALSE(e.record().clean);
}

TEST_P(Deadlines, P5_the_phase_says_when_our_close_could_not_be_sent) {
  e.room = 0;
  const ticket close = e.close(1000);
  e.advance(10s);
  EXPECT_EQ(e.error(close), errc::close_timeout);
  EXPECT_EQ(e.record().timeout_phase, close_phase::sending_close);
  EXPECT_FALSE(e.record().sent);
}

TEST_P(Deadlines, P5_the_call_may_bring_its_own_limit) {
  const ticket close = e.close(1000, {}, 3s);
  e.advance(3s);
  EXPECT_EQ(e.error(close), errc::close_timeout);
}

TEST_P(Deadlines, P5_a_trickling_peer_cannot_extend_it) {
  const ticket close = e.close(1000);
  const std::string wire = encode(other(self()), {binary_op, std::string(100, 't')});
  for (int i = 0; i < 20 && e.pending(close); ++i) {
    e.feed(wire.substr(static_cast<std::size_t>(i), 1));
    e.advance(1s);
  }
  EXPECT_EQ(e.error(close), errc::close_timeout);
  EXPECT_EQ(e.record().ended, 10s);
}

TEST_P(Deadlines, P5_the_total_covers_the_teardown) {
  const ticket close = e.close(1000);
  e.advance(9500ms);
  e.feed_close(1000);
  e.advance(499ms);
  EXPECT_TRUE(e.pending(close));
  e.advance(1ms);  // and not a second after the Close
  EXPECT_EQ(e.error(close), errc::success);
  EXPECT_TRUE(e.record().clean);
}

TEST_P(Deadlines, P5_a_shutdown_may_hurry_a_close_that_is_under_way) {
  const ticket close = e.close(1000);
  e.core.hurry(e.now + 2s);
  e.advance(1999ms);
  EXPECT_TRUE(e.pending(close));
  e.advance(1ms);
  EXPECT_EQ(e.error(close), errc::close_timeout);
}

TEST_P(Deadlines, P5_a_shutdown_may_hurry_a_teardown_that_is_under_way) {
  websocket_options o;
  o.linger = 5s;
  endpoint x(self(), o);
  const ticket close = x.close(1000);
  x.feed_close(1000);
  x.core.hurry(x.now + 2s);
  x.advance(1999ms);
  EXPECT_TRUE(x.pending(close));
  x.advance(1ms);
  EXPECT_EQ(x.error(close), errc::success);
  EXPECT_TRUE(x.record().clean);
}

TEST_P(Deadlines, P5_after_close_output_a_long_drain_is_not_cut) {
  e.close_output(1000);
  for (int i = 0; i < 100; ++i) {
    e.advance(9s);
    e.feed({text_op, "still going"});
    e.receive();
  }
  EXPECT_EQ(e.core.state(), state::close_sent);
  e.advance(9999ms);
  EXPECT_EQ(e.core.state(), state::close_sent);
  e.advance(1ms);
  EXPECT_EQ(e.core.state(), state::aborted);
  EXPECT_EQ(e.record().cause, cause::close_timeout);
  EXPECT_EQ(e.record().timeout_phase, close_phase::awaiting_peer_close);
}

TEST_P(Deadlines, P5_after_close_output_what_the_peer_reads_is_no_silence) {
  e.room = 0;
  const ticket big = e.send(std::string(30, 'b')), half = e.close_output(1000);
  for (int i = 0; i < 20; ++i) e.advance(9s), e.room = 1, e.pump();
  EXPECT_TRUE(e.pending(big));
  e.room = no_limit, e.pump();
  EXPECT_EQ(e.error(half), errc::success);
  e.advance(9999ms);
  EXPECT_EQ(e.core.state(), state::close_sent);
  e.advance(1ms);
  EXPECT_EQ(e.core.state(), state::aborted);
}

TEST_P(Deadlines, P5_the_silence_of_a_peer_that_we_do_not_read_does_not_count) {
  websocket_options o;
  o.receive_window = 50;
  endpoint x(self(), o);
  x.close_output(1000);
  x.feed({binary_op, std::string(50, 'x')});
  x.advance(1h);
  EXPECT_EQ(x.core.state(), state::close_sent);
  x.receive();
  x.advance(10s);
  EXPECT_EQ(x.core.state(), state::aborted);
}

TEST_P(Deadlines, P5_close_after_close_output_brings_the_total) {
  e.close_output(1000);
  e.advance(5s);
  const ticket close = e.close(1000);
  for (int i = 0; i < 9; ++i) e.feed({pong_op, ""}), e.advance(1s);
  EXPECT_TRUE(e.pending(close));
  e.advance(1s);
  EXPECT_EQ(e.error(close), errc::close_timeout);
}

TEST_P(Deadlines, P5_our_answer_has_a_deadline) {
  e.feed_close(1000);
  e.room = 0;
  const ticket answer = e.close_output(1000);
  e.advance(10s);
  EXPECT_EQ(e.error(answer), errc::close_timeout);
  EXPECT_EQ(e.record().timeout_phase, close_phase::sending_close);
}

TEST_P(Deadlines, P5_a_queued_close_that_became_the_answer_has_one_too) {
  websocket_options o;
  o.write_timeout = 0s;  // nothing else would end it
  endpoint x(self(), o);
  x.room = 0;
  const ticket half = x.close_output(1000);
  x.advance(4s);
  x.feed_close(1000);
  ASSERT_TRUE(x.core.deadline());
  x.advance(10s);
  EXPECT_EQ(x.error(half), errc::close_timeout);
}

TEST_P(Deadlines, D11_a_close_that_nobody_answers_is_answered) {
  e.feed_close(4321, "hello?");
  e.advance(9999ms);
  EXPECT_EQ(e.core.state(), state::close_received);
  EXPECT_EQ(e.all_out, "");
  e.advance(1ms);
  EXPECT_EQ(e.frames().at(0).payload, close_payload_bytes(4321));
  EXPECT_EQ(e.core.state(), state::closed);
  e.fin(), e.advance(1s);
  EXPECT_TRUE(e.record().clean);
  EXPECT_EQ(e.record().initiator, initiator::remote);
  EXPECT_EQ(e.result(e.receive()).close_status, close_status(4321));  // P2: still to be had
}

TEST_P(Deadlines, D11_a_close_without_a_code_is_answered_without_a_code) {
  e.feed({close_op, ""});
  e.advance(10s);
  EXPECT_EQ(e.frames(), (std::vector<frame>{{close_op, ""}}));
}

TEST_P(Deadlines, D11_an_app_that_still_sends_is_given_time) {
  e.feed_close(1000);
  e.advance(6s);
  e.send("not finished yet");
  e.advance(9999ms);
  EXPECT_EQ(e.core.state(), state::close_received);
  e.advance(1ms);
  EXPECT_EQ(e.core.state(), state::closed);
}

TEST_P(Deadlines, D11_an_answer_that_cannot_be_written_has_a_deadline) {
  e.room = 0;
  e.feed_close(1000);
  e.advance(20s);
  EXPECT_TRUE(e.core.ended());
  EXPECT_EQ(e.record().cause, cause::close_timeout);
}

TEST_P(Deadlines, D11_destroyed_just_before_the_answer_is_due) {
  websocket_options o;
  o.linger = 5s;
  endpoint x(self(), o);
  x.feed_close(1000);
  x.advance(9s);
  x.destroy();
  x.advance(5s);  // once this never came back
  EXPECT_TRUE(x.core.ended());
  EXPECT_EQ(x.record().cause, cause::disposed);
}

TEST_P(Deadlines, zero_switches_clocks_off) {
  websocket_options o;
  o.ping_interval = 0s;
  o.write_timeout = 0s;
  endpoint x(self(), o);
  x.room = 0;
  x.send("x");
  EXPECT_FALSE(x.core.deadline());
}

TEST_P(Deadlines, nothing_is_due_after_the_end) {
  e.abort();
  EXPECT_FALSE(e.core.deadline());
  e.advance(1h);
}

TEST_P(Deadlines, a_tick_without_anything_due_changes_nothing) {
  for (int i = 0; i < 100; ++i) e.tick();
  EXPECT_EQ(e.all_out, "");
  EXPECT_EQ(e.core.state(), state::open);
}

}  // namespace
}  // namespace adieu::test
