// How TCP is taken down behind the Closes (D9, N10), and whole conversations cut at every byte.
#include "tests/core/pair.hpp"

namespace adieu::test {
namespace {

class Teardown : public BothRoles {};
ADIEU_BOTH_ROLES(Teardown);

TEST(TeardownOfBoth, D9_N10_the_server_closes_tcp_first_and_the_client_waits) {
  pair p;
  p.client.close(1000), p.settle();
  p.server.close_output(1000);
  EXPECT_EQ(p.server.obeyed, (std::vector{command::shut_output}));
  p.settle();
  EXPECT_EQ(p.client.obeyed, (std::vector{command::cut}));
  EXPECT_EQ(p.server.obeyed, (std::vector{command::shut_output, command::cut}));
  EXPECT_EQ(p.client.record().tcp, tcp_end::peer_fin_first);
  EXPECT_EQ(p.server.record().tcp, tcp_end::our_fin_first);
}

TEST_P(Teardown, D9_a_fin_that_does_not_come_is_noted_and_stays_clean) {
  endpoint e(self());
  const ticket t = e.close(1000);
  e.feed_close(1000);
  e.advance(999ms);
  EXPECT_FALSE(e.core.ended());
  EXPECT_TRUE(e.pending(t));
  e.advance(1ms);
  EXPECT_EQ(e.obeyed.back(), command::cut);
  EXPECT_EQ(e.error(t), errc::success);
  EXPECT_TRUE(e.record().clean);
  EXPECT_TRUE(e.record().teardown_timed_out);
  EXPECT_EQ(e.record().tcp, tcp_end::timed_out);
}

TEST_P(Teardown, D9_a_reset_after_both_closes_stays_clean) {
  endpoint e(self());
  const ticket t = e.close(1000);
  e.feed_close(1000);
  e.input_ended(input_end::reset);
  EXPECT_EQ(e.error(t), errc::success);
  EXPECT_TRUE(e.record().clean);
  EXPECT_EQ(e.record().tcp, tcp_end::reset_received);
}

TEST_P(Teardown, a_peer_that_closes_tcp_right_after_its_close_still_gets_ours) {
  endpoint e(self());
  e.feed_close(1000), e.fin();
  EXPECT_EQ(e.core.state(), state::close_received);
  e.close_output(1000);
  EXPECT_TRUE(e.core.ended());
  EXPECT_TRUE(e.record().clean);
  EXPECT_EQ(e.record().tcp, tcp_end::peer_fin_first);
}

TEST_P(Teardown, D9_a_missing_close_notify_after_both_closes_is_noted_and_stays_clean) {
  endpoint e(self());
  e.close(1000), e.feed_close(1000);
  e.core.note_missing_close_notify();
  e.fin(), e.advance(2s);
  EXPECT_TRUE(e.record().clean);
  EXPECT_TRUE(e.record().close_notify_missing);
}

TEST_P(Teardown, P6_a_transport_that_knows_no_reset_ends_with_a_fin) {
  endpoint e(self());
  e.core.abort(e.now);
  EXPECT_EQ(e.core.take_command(), command::reset);
  e.core.transport_closed({}, e.now);
  EXPECT_EQ(e.record().tcp, tcp_end::our_fin_first);
}

// ── Every cut of the network ────────────────────────────────────────────────────────────────

TEST_P(Teardown, every_cut_of_a_whole_conversation_gives_the_same_records) {
  const auto talk = [&](std::size_t piece) {
    pair p;
    p.piece = piece;
    endpoint& a = p.side(self());
    endpoint& b = p.peer_of(a);
    a.send("question"), a.send(std::string(300, 'q'), false), a.send("end");
    const ticket close = a.close(1000, "thanks");
    std::string heard;
    for (ticket t = b.receive();;) {
      p.settle();
      if (b.result(t).type == message_type::close) break;
      heard += b.data(t) + "|";
      t = b.receive();
    }
    b.send("answer");
    b.close_output(1000, "thanks");
    p.settle();
    EXPECT_EQ(a.error(close), errc::success);
    return heard + timeless(a.record()) + timeless(b.record());
  };
  const std::string whole = talk(no_limit);
  for (std::size_t piece = 1; piece < 400; ++piece) EXPECT_EQ(talk(piece), whole) << piece;
}

}  // namespace
}  // namespace adieu::test
