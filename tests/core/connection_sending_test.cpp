// Sending: order and places (P8), control frames between fragments, memory that lives until the
// completion, what a send is refused with (N1, N13), answers to Pings (RFC 6455 §5.5.2).
#include "tests/core/pair.hpp"

namespace adieu::test {
namespace {

class Sending : public BothRoles {
 protected:
  endpoint e{self()};
  [[nodiscard]] std::vector<std::string> payloads() const {
    std::vector<std::string> out;
    for (const frame& f : e.frames()) out.push_back(f.payload);
    return out;
  }
};
ADIEU_BOTH_ROLES(Sending);
using strings = std::vector<std::string>;

TEST_P(Sending, a_message_is_one_frame_and_completes_when_its_last_byte_is_written) {
  e.room = 5;
  const ticket t = e.send("hello");
  EXPECT_TRUE(e.pending(t));
  e.room = no_limit;
  e.pump();
  EXPECT_EQ(e.error(t), errc::success);
  EXPECT_EQ(e.frames(), (std::vector<frame>{{text_op, "hello"}}));
}

TEST_P(Sending, every_size_of_header_and_every_small_step_of_the_transport) {
  for (const std::size_t size : {0U, 1U, 125U, 126U, 2047U, 2048U, 65535U, 65536U, 200000U}) {
    endpoint x(self());
    const std::string text(size, 'm');
    const ticket t = x.queue(text, true, 0, message_type::binary);
    const std::size_t step = size < 3000 ? 1 : 7001;
    for (int guard = 0; x.pending(t) && guard < 5000; ++guard) x.room = step, x.pump();
    EXPECT_EQ(x.error(t), errc::success) << size;
    EXPECT_EQ(x.frames(), (std::vector<frame>{{binary_op, text}})) << size;
  }
}

TEST_P(Sending, a_server_gives_the_callers_memory_and_a_client_a_masked_copy) {
  const std::string text(100000, 't');
  e.core.send({1, 0, message_type::text, true, core::as_bytes(text)}, e.now);
  bool same = false;
  for (const auto piece : e.core.output(e.now)) {
    same = same || core::as_text(piece).data() == text.data();
  }
  EXPECT_EQ(same, self() == role::server);
}

TEST_P(Sending, P8_sends_go_out_in_the_order_of_their_calls) {
  e.queue("1"), e.queue("2"), e.queue("3");
  e.pump();
  EXPECT_EQ(payloads(), (strings{"1", "2", "3"}));
  EXPECT_EQ(e.order, (std::vector<ticket>{1, 2, 3}));
}

TEST_P(Sending, P8_control_frames_pass_data_between_fragments) {
  e.room = 1;  // the first fragment has begun
  e.send("frag", false);
  e.queue("ment", true);
  e.feed({ping_op, "quick"});
  const ticket ping = e.ping();
  e.room = no_limit;
  e.pump();
  const auto f = e.frames();
  ASSERT_EQ(f.size(), 4U);
  EXPECT_EQ(f[0], (frame{text_op, "frag", false}));
  EXPECT_EQ(f[1], (frame{pong_op, "quick"}));
  EXPECT_EQ(f[2].op, ping_op);
  EXPECT_EQ(f[3], (frame{continuation_op, "ment", true}));
  EXPECT_TRUE(e.pending(ping));
  e.now += 30ms;
  e.feed({pong_op, f[2].payload});
  EXPECT_EQ(e.error(ping), errc::success);
  EXPECT_EQ(e.done.at(ping).round_trip, 30ms);
  EXPECT_EQ(e.record().round_trip, 30ms);
}

TEST_P(Sending, P8_a_writer_holds_its_place) {
  e.core.begin_message(7);
  const ticket later = e.send("later");
  EXPECT_TRUE(e.pending(later));
  const ticket a = e.send("a", false, 7);
  EXPECT_EQ(e.error(a), errc::success);
  EXPECT_TRUE(e.pending(later));
  e.send("b", true, 7);
  EXPECT_EQ(e.error(later), errc::success);
  EXPECT_EQ(payloads(), (strings{"a", "b", "later"}));
  EXPECT_EQ(e.frames()[1], (frame{continuation_op, "b", true}));
}

TEST_P(Sending, P8_two_writers_never_mix) {
  e.core.begin_message(1);
  e.core.begin_message(2);
  e.send("2a", false, 2), e.send("1a", false, 1), e.send("2b", true, 2), e.send("0");
  EXPECT_EQ(payloads(), (strings{"1a"}));
  e.send("1b", true, 1);
  EXPECT_EQ(payloads(), (strings{"1a", "1b", "2a", "2b", "0"}));
}

TEST_P(Sending, P8_the_implicit_writer_keeps_other_messages_out) {
  e.send("one ", false);
  const ticket of_writer = (e.core.begin_message(9), e.send("whole", true, 9));
  EXPECT_TRUE(e.pending(of_writer));
  e.send("two", true);
  EXPECT_EQ(payloads(), (strings{"one ", "two", "whole"}));
}

TEST_P(Sending, P8_a_writer_that_wrote_nothing_gives_its_place_up) {
  e.core.begin_message(7);
  const ticket t = e.send("free");
  e.core.abandon_message(7, e.now);
  e.pump();
  EXPECT_EQ(e.error(t), errc::success);
  EXPECT_EQ(e.core.state(), state::open);
}

TEST_P(Sending, P8_a_writer_that_finished_keeps_its_place_when_it_goes) {
  e.room = 1;
  e.send("blocks");
  e.core.begin_message(7);
  e.queue("other");
  e.queue("first", true, 7);
  e.core.abandon_message(7, e.now);  // its destructor
  e.room = no_limit;
  e.pump();
  EXPECT_EQ(payloads(), (strings{"blocks", "first", "other"}));
  EXPECT_EQ(e.core.state(), state::open);
}

TEST_P(Sending, P8_an_abandoned_message_closes_with_1011) {
  e.core.begin_message(7);
  e.send("half", false, 7);
  const ticket behind = e.send("behind");
  e.core.abandon_message(7, e.now);
  e.pump();
  EXPECT_EQ(e.error(behind), errc::message_abandoned);
  EXPECT_EQ(e.frames().back().payload.substr(0, 2), close_payload_bytes(1011));
  e.feed_close(1011);
  e.fin();
  e.advance(1s);
  EXPECT_FALSE(e.record().clean);
  EXPECT_EQ(e.record().cause, cause::handler_error);
  EXPECT_EQ(e.record().lost.unsent_messages, 2U);  // the half one too
  EXPECT_EQ(e.record().lost.unsent_bytes, 6U);
}

TEST_P(Sending, P8_a_writer_abandoned_after_our_close_changes_nothing) {
  e.core.begin_message(7);
  e.send("half", false, 7);
  e.close_output(1000);
  e.core.abandon_message(7, e.now);
  e.pump();
  e.feed_close(1000);
  e.fin();
  e.advance(1s);
  EXPECT_TRUE(e.record().clean);
  EXPECT_EQ(e.record().lost.unsent_messages, 1U);
}

TEST_P(Sending, N13_a_close_is_not_a_message) {
  EXPECT_EQ((e.queue("x", true, 0, message_type::close), e.pump(), e.error(1)),
            errc::invalid_message_type);
}

TEST_P(Sending, N1_sends_are_valid_in_open_and_close_received) {
  EXPECT_EQ(e.error(e.send("open")), errc::success);
  e.feed_close(1000);
  EXPECT_EQ(e.error(e.send("close_received")), errc::success);
  e.close_output(1000);
  const ticket after = e.send("closed");
  EXPECT_EQ(e.error(after), errc::invalid_state);
  EXPECT_EQ(e.done.at(after).seen, state::closed);
  EXPECT_EQ(e.done.at(after).what, core::operation::send);
}

core::const_bytes seen(std::string_view text) { return core::as_bytes(text); }

TEST_P(Sending, P8_a_message_that_nobody_waits_for_is_copied_at_once) {
  {
    const std::string gone = "short lived";
    EXPECT_TRUE(e.core.send_copy(message_type::text, seen(gone), e.now));
  }
  EXPECT_TRUE(e.core.send_copy(message_type::binary, seen("two"), e.now));
  e.pump();
  EXPECT_EQ(e.frames(), (std::vector<frame>{{text_op, "short lived"}, {binary_op, "two"}}));
  EXPECT_TRUE(e.order.empty()) << "nobody waits";
}

TEST_P(Sending, P8_what_is_not_written_of_lent_memory_is_kept_and_an_abort_counts_it) {
  const std::string whole(100'000, 'w');
  std::string lent = whole;
  e.core.keep_unwritten();  // there is nothing yet
  e.room = 30'000;
  EXPECT_TRUE(e.core.send_copy(
      message_type::binary, seen(lent), e.now, core::outbox::payload_memory::callers));
  e.pump();
  e.core.keep_unwritten();
  lent.assign(lent.size(), '!');
  e.room = no_limit;
  e.pump();
  EXPECT_EQ(e.frames(), (std::vector<frame>{{binary_op, whole}}));

  e.room = 30'000;
  EXPECT_TRUE(e.core.send_copy(
      message_type::binary, seen(whole), e.now, core::outbox::payload_memory::callers));
  e.pump();
  e.abort();
  e.core.keep_unwritten();
  EXPECT_EQ(e.record().lost.unsent_messages, 1U);
}

TEST_P(Sending, P8_a_copy_goes_out_behind_a_pong_and_in_no_other_message) {
  const std::string ping = encode(other(self()), {ping_op, "?"});
  std::vector<std::byte> in(seen(ping).begin(), seen(ping).end());
  e.core.received(in, e.now);
  EXPECT_TRUE(e.core.send_copy(message_type::text, seen("hi"), e.now));
  e.pump();
  EXPECT_EQ(e.frames(), (std::vector<frame>{{pong_op, "?"}, {text_op, "hi"}}));
  e.send("a beginning", false);
  EXPECT_FALSE(e.core.send_copy(message_type::text, seen("no"), e.now));
}

TEST_P(Sending, P8_a_copy_is_refused_while_writes_stand_still_and_is_counted_then) {
  e.room = 0;
  EXPECT_TRUE(e.core.send_copy(message_type::text, seen("stuck"), e.now));
  e.pump();
  EXPECT_FALSE(e.core.send_copy(message_type::text, seen("later"), e.now));
  e.core.count_unsent({1, 5});
  e.abort();
  EXPECT_EQ(e.record().lost.unsent_messages, 2U);
  EXPECT_EQ(e.record().lost.unsent_bytes, 10U);
}

TEST_P(Sending, P3_a_copy_has_the_whole_write_limit_however_long_nothing_was_sent) {
  websocket_options o;
  o.ping_interval = 0s;
  endpoint x(self(), o);
  x.advance(1h);
  x.room = 0;
  EXPECT_TRUE(x.core.send_copy(message_type::text, seen("stuck"), x.now));
  x.pump();
  x.advance(59s);
  EXPECT_EQ(x.core.state(), state::open);
  x.advance(1s);
  EXPECT_EQ(x.record().cause, cause::peer_not_reading);
}

TEST_P(Sending, N1_a_copy_is_valid_in_open_and_close_received_and_puts_our_answer_off) {
  e.feed_close(1000);
  e.advance(9s);
  EXPECT_TRUE(e.core.send_copy(message_type::text, seen("still"), e.now));  // D11
  e.pump();
  e.advance(9s);
  EXPECT_EQ(e.core.state(), state::close_received);
  e.close_output();
  EXPECT_FALSE(e.core.send_copy(message_type::text, seen("too late"), e.now));
}

TEST_P(Sending, a_ping_is_answered_with_its_payload) {
  const std::string longest(125, 'p');
  e.feed({ping_op, longest});
  e.feed({ping_op, ""});
  EXPECT_EQ(e.frames(), (std::vector<frame>{{pong_op, longest}, {pong_op, ""}}));
}

TEST_P(Sending, a_flood_of_pings_keeps_the_latest_pongs) {
  e.room = 1;
  e.send("blocks");
  for (int i = 0; i < 1000; ++i) e.feed({ping_op, std::to_string(i)});
  e.room = no_limit;
  e.pump();
  EXPECT_EQ(e.frames().size(), 1U + 128U);
  EXPECT_EQ(e.frames().back().payload, "999");
}

TEST_P(Sending, P3_a_write_that_nobody_reads_ends_the_connection) {
  e.room = 3;
  const ticket t = e.send("stuck"), r = e.receive();
  e.advance(59s);
  e.feed({pong_op, ""});  // alive, and yet it does not read
  EXPECT_EQ(e.core.state(), state::open);
  e.advance(1s);
  EXPECT_EQ(e.core.state(), state::aborted);
  EXPECT_EQ(e.error(t), errc::peer_not_reading);
  EXPECT_EQ(e.error(r), errc::peer_not_reading);
  EXPECT_EQ(e.record().cause, cause::peer_not_reading);
  EXPECT_EQ(e.record().tcp, tcp_end::reset_sent);
}

TEST_P(Sending, P3_a_write_that_drains_slowly_is_not_stuck) {
  const ticket t = (e.room = 0, e.send(std::string(20, 's')));
  for (int i = 0; i < 20; ++i) {
    e.feed({pong_op, ""});
    e.advance(19s), e.feed({pong_op, ""}), e.advance(19s), e.feed({pong_op, ""}), e.advance(19s);
    e.room = 1, e.pump();
  }
  EXPECT_TRUE(e.pending(t));
  EXPECT_EQ(e.core.state(), state::open);
}

TEST_P(Sending, P3_a_write_timer_that_fires_far_too_late_is_no_verdict) {
  e.room = 0;
  e.send("stuck");
  e.now += 3600s;
  e.tick();
  EXPECT_EQ(e.core.state(), state::open);
  e.advance(60s);
  EXPECT_EQ(e.record().cause, cause::peer_not_reading);
}

TEST_P(Sending, a_failed_write_still_lets_the_peers_close_be_read) {
  const ticket t = (e.room = 2, e.send("lost")), r = e.receive();
  e.output_failed(input_end::reset);
  EXPECT_EQ(e.error(t), errc::connection_closed_prematurely);
  EXPECT_EQ(e.core.state(), state::open);
  EXPECT_EQ(e.error(e.send("more")), errc::connection_closed_prematurely);
  e.feed({text_op, "last words"});
  EXPECT_EQ(e.data(r), "last words");
  e.feed_close(1001, "going");
  EXPECT_EQ(e.result(e.receive()).close_status, close_status(1001));
  EXPECT_TRUE(e.core.ended());
  EXPECT_EQ(e.record().cause, cause::peer_reset);
  EXPECT_EQ(e.record().lost.unsent_messages, 1U);
}

TEST_P(Sending, S9_the_end_that_follows_a_reset_write_is_a_reset) {
  e.output_failed(input_end::reset, 32);
  e.input_ended(input_end::fin);
  ASSERT_TRUE(e.core.ended());
  EXPECT_EQ(e.record().cause, cause::peer_reset);
  EXPECT_EQ(e.record().tcp, tcp_end::reset_received);
}

TEST_P(Sending, a_failed_write_has_a_deadline) {
  e.output_failed(input_end::error, 110);
  e.advance(10s);
  EXPECT_TRUE(e.core.ended());
  EXPECT_EQ(e.record().cause, cause::transport_error);
  EXPECT_EQ(e.record().os_error, 110);
}

}  // namespace
}  // namespace adieu::test
