// The limits of a connection: each at its border and one over it, with the Close that answers, the
// error, and the cause in the record (docs/limits.md).
#include "tests/core/pair.hpp"

namespace adieu::test {
namespace {

class Limits : public BothRoles {
 protected:
  void expect_over(endpoint& e, cause which, unsigned code, errc error) {
    EXPECT_EQ(e.core.state(), state::aborted);
    EXPECT_EQ(e.record().cause, which);
    ASSERT_FALSE(e.frames().empty());
    const frame close = e.frames().back();
    EXPECT_EQ(close.op, close_op);
    EXPECT_EQ(close.payload.substr(0, 2), close_payload_bytes(code));
    EXPECT_GT(close.payload.size(), 10U) << "the reason says which limit";
    ticket last = e.receive();
    while (!e.pending(last) && e.error(last) == errc::success) last = e.receive();
    EXPECT_EQ(e.error(last), error);
  }
  websocket_options options;
};
ADIEU_BOTH_ROLES(Limits);

TEST_P(Limits, max_frame_size_is_known_from_the_header) {
  options.max_frame_size = 100;
  endpoint e(self(), options);
  e.feed({binary_op, std::string(100, 'x'), false});
  EXPECT_EQ(e.core.state(), state::open);
  e.feed(encode(other(self()), {continuation_op, std::string(101, 'x')}).substr(0, 8));
  expect_over(e, cause::frame_too_big, 1009, errc::message_too_big);
}

TEST_P(Limits, max_fragments_counts_the_frames_of_one_message) {
  options.max_fragments = 3;
  endpoint e(self(), options);
  for (int message = 0; message < 2; ++message) {
    e.feed({text_op, "", false}), e.feed({continuation_op, "", false});
    e.feed({ping_op, "does not count"});
    e.feed({continuation_op, "x"});
  }
  EXPECT_EQ(e.core.state(), state::open);
  for (int i = 0; i < 4; ++i) e.feed({i == 0 ? text_op : continuation_op, "", false});
  expect_over(e, cause::too_many_fragments, 1009, errc::message_too_big);
}

TEST_P(Limits, max_control_frames_per_second_is_a_rate) {
  options.max_control_frames_per_second = 10;
  endpoint e(self(), options);
  for (int second = 0; second < 5; ++second) {
    for (int i = 0; i < 10; ++i) e.feed({i % 2 == 0 ? ping_op : pong_op, ""});
    e.advance(1s);
  }
  EXPECT_EQ(e.core.state(), state::open);
  for (int i = 0; i < 10; ++i) e.feed({ping_op, ""});
  e.feed({text_op, "not lost"});
  e.feed({pong_op, ""});
  expect_over(e, cause::too_many_control_frames, 1008, errc::faulted);
  EXPECT_EQ(e.record().lost.discarded_bytes, 0U);
}

TEST_P(Limits, a_close_is_never_one_control_frame_too_many) {
  options.max_control_frames_per_second = 1;
  endpoint e(self(), options);
  e.feed({ping_op, ""});
  e.feed_close(1000);
  EXPECT_EQ(e.core.state(), state::close_received);
}

TEST_P(Limits, max_inflate_ratio_counts_above_a_mebibyte) {
  options.deflate.emplace();
  options.max_inflate_ratio = 100;
  options.receive_window = 10'000'000;
  core::compressor with(core::deflate_settings{});
  const auto deflated = [&](std::size_t size) {
    std::vector<std::byte> out;
    const std::string text(size, 'z');
    with.compress(core::as_bytes(text), core::compressor::flush::end_of_message, out);
    return frame{binary_op, std::string(core::as_text(out)), true, 4};
  };
  endpoint e(self(), options);
  e.feed(deflated(1'000'000));
  EXPECT_EQ(e.core.state(), state::open);
  e.feed(deflated(2'000'000));
  expect_over(e, cause::inflated_too_much, 1009, errc::message_too_big);
}

TEST_P(Limits, max_message_size_of_whole_messages) {
  options.max_message_size = 100;
  endpoint e(self(), options);
  const ticket fits = e.receive_message();
  e.feed({text_op, std::string(100, 'x')});
  EXPECT_EQ(e.result(fits).count, 100U);
  const ticket over = e.receive_message();
  e.feed({text_op, std::string(60, 'x'), false}), e.feed({continuation_op, std::string(41, 'x')});
  EXPECT_EQ(e.error(over), errc::message_too_big);
  expect_over(e, cause::message_too_big, 1009, errc::invalid_state);
}

TEST_P(Limits, zero_switches_a_limit_off) {
  options.max_frame_size = options.max_fragments = 0;
  options.max_control_frames_per_second = 0;
  endpoint e(self(), options);
  for (int i = 0; i < 5000; ++i) e.feed({pong_op, ""});
  EXPECT_EQ(e.core.state(), state::open);
}

// RFC 6455 §5.5.3: of Pings that pile up because the peer does not read, the latest are answered.
TEST_P(Limits, pongs_that_nobody_reads_do_not_pile_up) {
  endpoint e(self(), options);
  e.room = 0;
  for (int i = 0; i < 900; ++i) e.feed({ping_op, std::to_string(i)});
  e.room = no_limit, e.pump();
  EXPECT_LT(e.frames().size(), 140U);
  EXPECT_EQ(e.frames().back(), (frame{pong_op, "899"}));
}

TEST_P(Limits, max_waiting_pongs_are_kept) {
  options.max_waiting_pongs = 3;
  endpoint e(self(), options);
  std::string at_once;
  for (int i = 0; i < 9; ++i) at_once += encode(other(self()), {ping_op, std::to_string(i)});
  e.feed(at_once);
  EXPECT_EQ(e.frames(), (std::vector<frame>{{pong_op, "6"}, {pong_op, "7"}, {pong_op, "8"}}));
}

// The same at a trickle: whatever is committed to the wire goes, and what waits stays bounded.
TEST_P(Limits, pings_without_a_read_do_not_grow_what_waits) {
  options.max_control_frames_per_second = 0;
  endpoint e(self(), options);
  const std::string payload(125, 'p');
  std::size_t most = 0;
  for (int i = 0; i < 20'000; ++i) {
    e.room = i % 50 == 0 ? 1 : 0;
    e.feed({ping_op, payload});
    std::size_t waits = 0;
    for (const auto piece : e.core.output(e.now)) waits += piece.size();
    most = std::max(most, waits);
  }
  const std::size_t written = e.all_out.size();
  e.room = no_limit, e.pump();
  EXPECT_LT(most, 64U * 1024U + 200U);
  EXPECT_LT(e.all_out.size() - written, 64U * 1024U + 129U * 131U);
}

// send() has nobody to tell that the peer reads too slowly: what it took goes out, then a Close.
TEST_P(Limits, too_much_buffered_closes_with_1008_behind_what_was_taken) {
  endpoint e(self(), options);
  e.room = 3;
  const ticket taken = e.send("taken before");
  const ticket end = e.receive();
  e.core.count_unsent({1, 500});
  e.core.send_overflowed(e.now), e.pump();
  e.core.send_overflowed(e.now), e.pump();
  EXPECT_EQ(e.core.send_refusal(), errc::invalid_state);
  EXPECT_TRUE(e.pending(end));
  e.room = no_limit, e.pump();
  EXPECT_EQ(e.error(taken), errc::success);
  ASSERT_EQ(e.frames().size(), 2U);
  EXPECT_EQ(e.frames()[0].payload, "taken before");
  EXPECT_EQ(e.frames()[1].payload.substr(0, 2), close_payload_bytes(1008));
  e.feed_close(1008), e.fin();
  e.advance(1s);
  EXPECT_EQ(e.record().cause, cause::too_much_buffered);
  EXPECT_FALSE(e.record().clean);
  EXPECT_EQ(e.record().initiator, initiator::local);
  EXPECT_EQ(e.record().lost.unsent_messages, 1U);
  EXPECT_EQ(e.record().lost.unsent_bytes, 500U);
}

TEST_P(Limits, too_much_buffered_ends_within_the_close_timeout_when_the_peer_never_reads) {
  endpoint e(self(), options);
  e.room = 3;
  const ticket stuck = e.send("stuck");
  const ticket end = e.receive();
  e.core.send_overflowed(e.now), e.pump();
  e.advance(options.close_timeout);
  EXPECT_EQ(e.record().cause, cause::too_much_buffered);
  EXPECT_EQ(e.record().tcp, tcp_end::reset_sent);
  EXPECT_EQ(e.error(stuck), errc::too_much_buffered);
  EXPECT_EQ(e.error(end), errc::too_much_buffered);
}

// A close that is under way says what there is to say.
TEST_P(Limits, too_much_buffered_changes_nothing_once_a_close_was_called) {
  endpoint e(self(), options);
  e.room = 3;
  e.send("stuck");
  e.close(1000);
  e.core.send_overflowed(e.now), e.pump();
  e.room = no_limit, e.pump();
  EXPECT_EQ(e.frames().back().payload, close_payload_bytes(1000));
  e.feed_close(1000), e.fin();
  e.advance(1s);
  EXPECT_TRUE(e.record().clean);
}

}  // namespace
}  // namespace adieu::test
