// Receiving: the three ways (P9), N12's pieces, order and the end (P2), the window (P3), one
// receive at a time (P8), and every cut of the input.
#include "tests/core/pair.hpp"

namespace adieu::test {
namespace {

class Receiving : public BothRoles {
 protected:
  endpoint e{self()};
};
ADIEU_BOTH_ROLES(Receiving);

TEST_P(Receiving, N12_a_receive_completes_when_the_frame_ends) {
  const ticket t = e.receive();
  EXPECT_TRUE(e.pending(t));
  const std::string wire = encode(other(self()), {text_op, "hello"});
  e.feed(wire.substr(0, wire.size() - 1));
  EXPECT_TRUE(e.pending(t));
  e.feed(wire.substr(wire.size() - 1));
  EXPECT_EQ(e.data(t), "hello");
  EXPECT_EQ(e.result(t).type, message_type::text);
  EXPECT_TRUE(e.result(t).end_of_message);
  EXPECT_FALSE(e.result(t).close_status);
}

TEST_P(Receiving, N12_or_when_the_buffer_is_full) {
  e.feed({binary_op, "abcdefgh"});
  const ticket a = e.receive(5), b = e.receive(5), c = e.receive(5);
  EXPECT_EQ(e.data(a), "abcde");
  EXPECT_FALSE(e.result(a).end_of_message);
  EXPECT_EQ(e.data(b), "fgh");
  EXPECT_TRUE(e.result(b).end_of_message);
  EXPECT_EQ(e.result(b).type, message_type::binary);
  EXPECT_TRUE(e.pending(c));
}

TEST_P(Receiving, N12_an_exactly_filled_buffer_ends_the_message) {
  for (const bool before : {true, false}) {
    endpoint x(self());
    ticket t = 0;
    if (before) t = x.receive(4);
    x.feed({text_op, "full"});
    if (!before) t = x.receive(4);
    EXPECT_TRUE(x.result(t).end_of_message);
    EXPECT_TRUE(x.pending(x.receive(4)));
  }
}

TEST_P(Receiving, N12_a_receive_never_spans_frames) {
  e.feed(encode(other(self()), {text_op, "one", false}) +
         encode(other(self()), {continuation_op, "two", true}));
  const ticket a = e.receive(), b = e.receive();
  EXPECT_EQ(e.data(a), "one");
  EXPECT_FALSE(e.result(a).end_of_message);
  EXPECT_EQ(e.data(b), "two");
  EXPECT_TRUE(e.result(b).end_of_message);
  EXPECT_EQ(e.result(b).type, message_type::text);
}

TEST_P(Receiving, N12_an_empty_buffer_waits_and_takes_nothing) {
  const ticket wait = e.receive(0);
  e.feed({ping_op, "x"});
  EXPECT_TRUE(e.pending(wait));
  e.feed({text_op, "data"});
  EXPECT_EQ(e.result(wait).count, 0U);
  EXPECT_FALSE(e.result(wait).end_of_message);
  EXPECT_EQ(e.data(e.receive()), "data");
}

TEST_P(Receiving, N12_an_empty_message_is_a_message) {
  e.feed({text_op, ""});
  const ticket t = e.receive();
  EXPECT_EQ(e.result(t).count, 0U);
  EXPECT_TRUE(e.result(t).end_of_message);
}

TEST_P(Receiving, P9_some_takes_what_is_there) {
  const ticket t = e.receive(100, receive_kind::some);
  const std::string wire = encode(other(self()), {text_op, "abcdef"});
  e.feed(wire.substr(0, wire.size() - 2));
  EXPECT_EQ(e.data(t), "abcd");
  EXPECT_FALSE(e.result(t).end_of_message);
  const ticket rest = e.receive(100, receive_kind::some);
  e.feed(wire.substr(wire.size() - 2));
  EXPECT_EQ(e.data(rest), "ef");
  EXPECT_TRUE(e.result(rest).end_of_message);
}

TEST_P(Receiving, P9_message_takes_all_fragments) {
  const ticket t = e.receive_message();
  e.feed({text_op, "one ", false});
  e.feed({ping_op, "between"});
  e.feed({continuation_op, "", false});
  e.feed({continuation_op, "two", true});
  EXPECT_EQ(e.data(t), "one two");
  EXPECT_TRUE(e.result(t).end_of_message);
}

TEST_P(Receiving, P9_the_ways_may_be_mixed) {
  e.feed({text_op, "abc", false});
  e.feed({continuation_op, "def", true});
  e.feed({binary_op, "next"});
  EXPECT_EQ(e.data(e.receive(2)), "ab");
  EXPECT_EQ(e.data(e.receive_message()), "cdef");  // what is left of it
  EXPECT_EQ(e.data(e.receive_message()), "next");
}

TEST_P(Receiving, P9_try_receive_never_waits) {
  std::string space(10, '?');
  const auto buffer = std::as_writable_bytes(std::span(space));
  EXPECT_FALSE(e.core.try_receive(buffer, e.now));
  e.feed({text_op, "now"});
  const auto got = e.core.try_receive(buffer, e.now);
  ASSERT_TRUE(got);
  EXPECT_EQ(got->received.count, 3U);
  std::string message;
  EXPECT_FALSE(e.core.try_receive_message(message, e.now));
  e.feed({text_op, "whole"});
  ASSERT_TRUE(e.core.try_receive_message(message, e.now));
  EXPECT_EQ(message, "whole");
  const ticket t = e.receive();
  const auto refused = e.core.try_receive(buffer, e.now);
  ASSERT_TRUE(refused);
  EXPECT_EQ(refused->error, errc::operation_in_progress);
  EXPECT_TRUE(e.pending(t));
}

TEST_P(Receiving, P9_messages_are_shown_where_they_lie) {
  e.feed({text_op, "before"});  // from before message mode
  e.core.show_messages(true);
  e.feed(encode(other(self()), {text_op, "a"}) + encode(other(self()), {text_op, "b", false}) +
         encode(other(self()), {ping_op, "p"}) + encode(other(self()), {continuation_op, "c"}) +
         encode(other(self()), {binary_op, ""}) +
         encode(other(self()), {close_op, close_payload_bytes(1000)}));
  EXPECT_EQ(e.shown, (std::vector<std::string>{"before", "a", "bc", ""}));
  EXPECT_EQ(e.core.state(), state::close_received);
  EXPECT_EQ(e.result(e.receive()).close_status, close_status::normal_closure);
}

TEST_P(Receiving, P9_a_large_message_is_read_where_it_will_lie) {
  std::string large(500'000, '\0'), rest(200'000, 'r');
  for (std::size_t i = 0; i < large.size(); ++i) large[i] = static_cast<char>(i * 7 + i / 255);
  const std::string wire =
      encode(other(self()), {text_op, "before"}) +
      encode(other(self()), {binary_op, large, false}) + encode(other(self()), {ping_op, "p"}) +
      encode(other(self()), {continuation_op, rest}) + encode(other(self()), {text_op, "after"});
  for (const bool shown : {true, false}) {
    for (const std::size_t at_a_time : {997U, 65'536U, 250'000U, 1'000'000U}) {
      endpoint x(self());
      x.core.show_messages(shown);
      std::vector<std::string> got;
      ticket t = shown ? 0 : x.receive_message();
      std::size_t in_place = 0;
      for (std::string_view left = wire; !left.empty();) {
        const endpoint::read one = x.feed_some(left, at_a_time);
        left.remove_prefix(one.size);
        if (one.in_place) in_place += one.size;
        for (; !shown && !x.pending(t); t = x.receive_message()) got.push_back(x.data(t));
      }
      if (shown) got = x.shown;
      EXPECT_TRUE(got == (std::vector<std::string>{"before", large + rest, "after"})) << at_a_time;
      EXPECT_EQ(in_place != 0, at_a_time < wire.size());
    }
  }
}

TEST_P(Receiving, P4_memory_that_was_offered_for_a_read_is_no_data) {
  endpoint x(self());
  x.core.show_messages(true);
  const std::string wire = encode(other(self()), {binary_op, std::string(300'000, 'b')});
  x.feed(wire.substr(0, 1000));
  const auto came = static_cast<std::uint64_t>(1000 - (wire.size() - 300'000));
  const auto before = x.core.fingerprint(x.now);
  EXPECT_EQ(x.core.read_space().size(), 256U * 1024);
  EXPECT_EQ(x.core.read_space().size(), 256U * 1024);  // of the first one nothing was used
  EXPECT_TRUE(x.core.fingerprint(x.now) == before);
  x.feed(wire.substr(1000, 500));  // read elsewhere
  (void)x.core.read_space();
  x.fin();
  x.advance(20s);
  EXPECT_EQ(x.record().lost.unread_bytes, came + 500);
  EXPECT_EQ(x.record().lost.unread_messages, 1U);
}

TEST_P(Receiving, P3_no_memory_is_offered_where_pieces_are_received) {
  endpoint x(self());
  const std::string wire = encode(other(self()), {binary_op, std::string(300'000, 'b')});
  x.feed(wire.substr(0, 1000));
  EXPECT_TRUE(x.core.read_space().empty());
}

TEST_P(Receiving, P9_a_message_over_the_limit_is_refused_with_1009) {
  websocket_options o;
  o.max_message_size = 10;
  for (const bool shown : {false, true}) {
    endpoint x(self(), o);
    x.core.show_messages(shown);
    const ticket t = shown ? x.receive() : x.receive_message();
    x.feed({text_op, "12345", false});
    EXPECT_TRUE(x.pending(t));
    // Known from the header on, before the payload comes.
    x.feed(encode(other(self()), {continuation_op, "678901", true}).substr(0, 7));
    EXPECT_EQ(x.error(t), errc::message_too_big);
    EXPECT_EQ(x.frames().at(0).payload.substr(0, 2), close_payload_bytes(1009));
    EXPECT_EQ(x.core.state(), state::aborted);
    EXPECT_EQ(x.record().cause, cause::message_too_big);
  }
}

TEST_P(Receiving, P9_a_message_of_the_limit_passes) {
  websocket_options o;
  o.max_message_size = 10;
  endpoint x(self(), o);
  const ticket t = x.receive_message();
  x.feed({text_op, "1234567890"});
  EXPECT_EQ(x.data(t), "1234567890");
}

TEST_P(Receiving, P9_a_message_over_the_limit_before_the_peers_close_is_told_then_the_close) {
  websocket_options o;
  o.max_message_size = 10;
  endpoint x(self(), o);
  x.feed({text_op, "123456789012"});
  x.feed_close(1001);
  EXPECT_EQ(x.error(x.receive_message()), errc::message_too_big);
  const ticket last = x.receive_message();
  EXPECT_EQ(x.error(last), errc::success);
  EXPECT_EQ(x.result(last).type, message_type::close);
  x.close_output(1001), x.fin();
  EXPECT_TRUE(x.record().clean);
  EXPECT_EQ(x.record().lost.discarded_messages, 1U);
  EXPECT_EQ(x.record().lost.discarded_bytes, 12U);
}

TEST_P(Receiving, P9_a_waiting_message_over_the_limit_fails_the_receive_at_once) {
  websocket_options o;
  o.max_message_size = 10;
  endpoint x(self(), o);
  x.room = 0;  // the Close can't go out yet
  x.feed({text_op, "123456789012"});
  EXPECT_EQ(x.error(x.receive_message()), errc::message_too_big);
  EXPECT_EQ(x.error(x.receive()), errc::invalid_state);
}

TEST_P(Receiving, P9_a_message_of_many_frames_costs_what_it_weighs) {
  const ticket t = e.receive_message();
  std::string wire = encode(other(self()), {binary_op, "x", false});
  for (int i = 0; i < 20000; ++i) wire += encode(other(self()), {continuation_op, "", false});
  wire += encode(other(self()), {continuation_op, "y", true});
  e.feed(wire);
  EXPECT_EQ(e.data(t), "xy");
}

TEST_P(Receiving, P8_a_second_receive_is_in_progress) {
  const ticket first = e.receive(), second = e.receive();
  EXPECT_EQ(e.error(second), errc::operation_in_progress);
  e.feed({text_op, "for the first"});
  EXPECT_EQ(e.data(first), "for the first");
}

TEST_P(Receiving, P2_what_arrived_comes_first_then_the_end_once) {
  e.feed({text_op, "data"});
  e.feed_close(4000, "why");
  EXPECT_EQ(e.core.state(), state::close_received);
  EXPECT_EQ(e.data(e.receive()), "data");
  const ticket close = e.receive();  // N5
  EXPECT_EQ(e.result(close).type, message_type::close);
  EXPECT_EQ(e.result(close).count, 0U);
  EXPECT_TRUE(e.result(close).end_of_message);
  EXPECT_EQ(e.result(close).close_status, close_status(4000));
  EXPECT_EQ(e.result(close).close_description, "why");
  EXPECT_EQ(e.core.close_status(), close_status(4000));
  EXPECT_EQ(e.core.close_description(), "why");
  EXPECT_EQ(e.error(e.receive()), errc::invalid_state);
  EXPECT_EQ(e.error(e.receive_message()), errc::invalid_state);
}

TEST_P(Receiving, P2_an_error_too_comes_after_the_data_and_once) {
  e.feed({text_op, "data"});
  e.input_ended(input_end::reset);
  EXPECT_EQ(e.core.state(), state::aborted);
  EXPECT_EQ(e.data(e.receive()), "data");
  EXPECT_EQ(e.error(e.receive()), errc::connection_closed_prematurely);
  EXPECT_EQ(e.error(e.receive()), errc::invalid_state);
}

TEST_P(Receiving, P2_a_frame_that_was_cut_short_is_counted_and_not_given_as_whole) {
  const std::string wire = encode(other(self()), {text_op, "unfinished"});
  e.feed(wire.substr(0, wire.size() - 4));
  e.fin();
  const ticket t = e.receive();
  EXPECT_EQ(e.error(t), errc::connection_closed_prematurely);
  EXPECT_EQ(e.record().lost.unread_bytes, 6U);
  EXPECT_EQ(e.record().lost.unread_messages, 1U);
}

TEST_P(Receiving, D2_a_close_without_a_code_reads_1005) {
  e.feed({close_op, ""});
  const ticket t = e.receive();
  EXPECT_EQ(e.result(t).close_status, close_status::no_status_received);
  ASSERT_TRUE(e.record().received);
  EXPECT_FALSE(e.record().received->code);  // never invented
  EXPECT_EQ(e.record().derived_code(), close_status::no_status_received);
}

TEST_P(Receiving, D1_the_close_is_noticed_without_a_receive) {
  e.feed_close(1001);
  EXPECT_EQ(e.core.state(), state::close_received);
}

// ── The window ────────────────────────────────────────────────────────────────────────────────

websocket_options small_window() {
  websocket_options o;
  o.receive_window = 100;
  return o;
}

TEST_P(Receiving, P3_a_full_window_stops_reading_and_a_receive_resumes_it) {
  endpoint x(self(), small_window());
  EXPECT_GT(x.core.read_allowance(), 0U);
  x.feed({binary_op, std::string(100, 'a')});
  EXPECT_EQ(x.core.read_allowance(), 0U);
  EXPECT_EQ(x.data(x.receive()).size(), 100U);
  EXPECT_EQ(x.core.read_allowance(), 100U);
}

TEST_P(Receiving, P3_behind_a_full_window_pongs_tell_the_peer_that_we_live) {
  endpoint x(self(), small_window());
  x.feed({binary_op, std::string(100, 'a')});
  x.advance(5s);
  x.advance(5s);
  const auto sent = x.frames();
  ASSERT_EQ(sent.size(), 2U);
  EXPECT_EQ(sent[0].op, pong_op);
  EXPECT_EQ(sent[0].payload, "");
}

TEST_P(Receiving, P3_empty_frames_fill_the_window_too) {
  endpoint x(self(), small_window());
  for (int i = 0; i < 20; ++i) x.feed({binary_op, ""});
  EXPECT_EQ(x.core.read_allowance(), 0U);
}

TEST_P(Receiving, P3_a_receive_larger_than_the_window_is_filled) {
  pair p(small_window(), small_window());
  endpoint& to = p.side(self());
  p.peer_of(to).send(std::string(1000, 'z'));
  const ticket t = to.receive(1000), whole = to.last() + 1;
  p.settle();
  EXPECT_EQ(to.data(t).size(), 1000U);
  EXPECT_EQ(to.receive_message(), whole);
  p.peer_of(to).send(std::string(5000, 'y'));
  p.settle();
  EXPECT_EQ(to.data(whole).size(), 5000U);
}

TEST_P(Receiving, P3_a_receive_is_filled_through_the_smallest_window) {
  websocket_options smallest;
  smallest.receive_window = 1;
  pair p(smallest, smallest);
  endpoint& to = p.side(self());
  p.peer_of(to).send(std::string(1000, 'z'));
  for (const std::size_t size : {1U, 2U, 20U, 30U, 947U}) {
    const ticket t = to.receive(size);
    p.settle();
    EXPECT_EQ(to.data(t).size(), size);
  }
}

TEST_P(Receiving, P3_who_only_tries_gets_what_there_is_when_reading_stands_still) {
  pair p(small_window(), small_window());
  endpoint& to = p.side(self());
  p.peer_of(to).send(std::string(1000, 'z'));
  std::string all, space(4096, '?');
  for (int turn = 0; turn < 100 && all.size() < 1000; ++turn) {
    p.settle();
    const auto got = to.core.try_receive(std::as_writable_bytes(std::span(space)), to.now);
    if (got) all += space.substr(0, got->received.count);
  }
  EXPECT_EQ(all, std::string(1000, 'z'));
}

TEST_P(Receiving, P3_a_paused_reader_asks_for_the_peers_pulse) {
  endpoint x(self(), small_window());
  x.feed({binary_op, std::string(100, 'a')});
  x.advance(16s);
  EXPECT_EQ(x.probes, 3);  // every five seconds
  x.core.peer_gone(x.now);
  EXPECT_GT(x.core.read_allowance(), 100U);  // what the kernel holds is read now
  x.feed({binary_op, std::string(500, 'b')});
  x.fin();
  EXPECT_EQ(x.core.state(), state::aborted);
  EXPECT_TRUE(x.record().receive_paused);
  EXPECT_EQ(x.record().lost.unread_bytes, 600U);
  EXPECT_EQ(x.data(x.receive()).size(), 100U);
  EXPECT_EQ(x.data(x.receive()).size(), 500U);
  EXPECT_EQ(x.error(x.receive()), errc::connection_closed_prematurely);
}

TEST_P(Receiving, P3_a_slow_app_is_not_accused) {
  endpoint x(self(), small_window());
  x.feed({binary_op, std::string(100, 'a')});
  x.advance(1h);
  EXPECT_EQ(x.core.state(), state::open);
  for (const frame& sent : x.frames()) EXPECT_EQ(sent.op, pong_op);  // no Ping
  const std::size_t pongs = x.frames().size();
  x.receive();
  x.advance(19s);
  EXPECT_EQ(x.frames().size(), pongs);
  x.advance(1s);
  EXPECT_EQ(x.frames().size(), pongs + 1);
  EXPECT_EQ(x.frames().back().op, ping_op);
}

TEST_P(Receiving, P3_a_probe_interval_of_zero_asks_never) {
  websocket_options o = small_window();
  o.probe_interval = 0s;
  endpoint x(self(), o);
  x.feed({binary_op, std::string(100, 'a')});
  x.advance(1h);
  EXPECT_EQ(x.probes, 0);
}

// ── Every cut ─────────────────────────────────────────────────────────────────────────────────

std::string conversation(role from) {
  return encode(from, {text_op, "caf\xC3\xA9"}) + encode(from, {ping_op, "one"}) +
         encode(from, {binary_op, std::string(130, 'b'), false}) + encode(from, {ping_op, ""}) +
         encode(from, {continuation_op, "", false}) + encode(from, {pong_op, "unasked"}) +
         encode(from, {continuation_op, std::string("\0\xFF", 2), true}) +
         encode(from, {text_op, ""}) + encode(from, {close_op, close_payload_bytes(3001, "bye")});
}

struct outcome {
  std::vector<std::string> messages;
  std::string written, record;
  friend bool operator==(const outcome&, const outcome&) = default;
  friend void PrintTo(const outcome& o, std::ostream* out) {
    for (const std::string& m : o.messages) *out << '[' << printable(m) << "] ";
    *out << printable(o.written) << ' ' << o.record;
  }
};

// Feeds `wire` in the given pieces; an app answers what it receives as the article's loop does.
outcome run_conversation(role self, const std::vector<std::string>& pieces, bool shown) {
  endpoint e(self);
  outcome out;
  e.core.show_messages(shown);
  ticket t = shown ? e.receive() : e.receive_message();
  for (const std::string& piece : pieces) {
    e.feed(piece);
    while (!e.pending(t) && e.error(t) == errc::success &&
           e.result(t).type != message_type::close) {
      out.messages.push_back(e.data(t));
      t = e.receive_message();
    }
  }
  EXPECT_EQ(e.result(t).close_description, "bye");
  e.close_output(3001, "bye");
  e.fin();
  e.advance(2s);
  if (shown) out.messages = e.shown;
  for (const frame& f : e.frames()) out.written += std::to_string(f.op) + f.payload + ";";
  out.record = timeless(e.record());
  EXPECT_TRUE(e.record().clean);
  return out;
}

TEST_P(Receiving, P9_messages_from_before_message_mode_are_shown_first) {
  e.feed({text_op, "early"});
  EXPECT_TRUE(e.core.has_unread());
  e.core.show_messages(true);
  e.feed({text_op, "late"});
  EXPECT_EQ(e.shown, (std::vector<std::string>{"early", "late"}));
  EXPECT_FALSE(e.core.has_unread());
}

TEST_P(Receiving, every_cut_of_the_input_gives_the_same) {
  const std::string wire = conversation(other(self()));
  for (const bool shown : {false, true}) {
    const outcome whole = run_conversation(self(), {wire}, shown);
    ASSERT_EQ(whole.messages.size(), 3U);
    for (std::size_t cut = 1; cut < wire.size(); ++cut) {
      EXPECT_EQ(run_conversation(self(), {wire.substr(0, cut), wire.substr(cut)}, shown), whole)
          << "cut at " << cut;
    }
    std::vector<std::string> single;
    for (const char c : wire) single.emplace_back(1, c);
    EXPECT_EQ(run_conversation(self(), single, shown), whole);
  }
}

TEST_P(Receiving, short_messages_in_one_read_meet_the_rules_that_they_meet_alone) {
  const role peer = other(self());
  const std::string good = encode(peer, {text_op, "caf\xC3\xA9"});
  for (const frame& next : std::vector<frame>{{text_op, ""},
                                              {binary_op, std::string(20, 'l')},
                                              {binary_op, std::string(21, 'l')},
                                              {text_op, "bad \xC3"},
                                              {text_op, "un", false},
                                              {continuation_op, "expected"},
                                              {ping_op, "between"},
                                              {close_op, close_payload_bytes(1000)}}) {
    websocket_options o;
    o.max_message_size = 20;
    const std::string last = encode(peer, next);
    endpoint apart(self(), o), together(self(), o);
    for (endpoint* x : {&apart, &together}) x->core.show_messages(true);
    for (const std::string& piece : {good, good, last, good}) apart.feed(piece);
    together.feed(good + good + last + good);
    SCOPED_TRACE(testing::Message() << next.op << " of " << next.payload.size());
    EXPECT_EQ(together.shown, apart.shown);
    EXPECT_GE(together.shown.size(), 2U);
    EXPECT_EQ(together.frames(), apart.frames());
    EXPECT_EQ(together.core.phase(), apart.core.phase());
    for (endpoint* x : {&apart, &together}) x->abort();
    EXPECT_EQ(timeless(together.record()), timeless(apart.record()));
  }
}

}  // namespace
}  // namespace adieu::test
