// P2, P4, P9: the ways to receive, switching between them, limits, and what is lost and counted.
#include "tests/net/worlds.hpp"

namespace adieu::test {
namespace {

template <typename World>
class Receiving : public in_both_worlds<World> {};
TYPED_TEST_SUITE(Receiving, both_worlds, world_names);

TYPED_TEST(Receiving, P9_pieces_some_whole_and_try) {
  ends pair = this->open(this->quick(), this->quick());
  answer sent;
  for (int i = 0; i < 4; ++i) pair.server.send("message " + std::to_string(i));
  reading piece, some;
  char small[7];
  pair.client.async_receive(asio::buffer(small), to(piece));
  ADIEU_UNTIL(piece.come());
  EXPECT_EQ(std::string(small, 7), "message");
  EXPECT_FALSE(piece.received.end_of_message);
  pair.client.async_receive_some(asio::buffer(some.space), to(some));
  ADIEU_UNTIL(some.come());
  EXPECT_EQ(some.text(), " 0");
  EXPECT_TRUE(some.received.end_of_message);
  message whole;
  answer got;
  pair.client.async_receive_message(whole, to(got));
  ADIEU_UNTIL(got.come());
  EXPECT_EQ(whole.text(), "message 1");
  std::optional<receive_result> tried;
  char space[64];
  ADIEU_UNTIL(tried = pair.client.try_receive(asio::buffer(space)));
  EXPECT_EQ(std::string(space, tried->count), "message 2");
  ADIEU_UNTIL(tried = pair.client.try_receive_message(whole));
  EXPECT_EQ(whole.text(), "message 3");
  EXPECT_FALSE(pair.client.try_receive(asio::buffer(space)).has_value());
  EXPECT_FALSE(pair.client.try_receive_message(whole).has_value());
}

TYPED_TEST(Receiving, P9_on_message_shows_what_had_arrived_before_it_and_gives_receives_back) {
  ends pair = this->open(this->quick(), this->quick());
  pair.server.send("early");
  pair.server.send(std::as_bytes(std::span("bird", 4)));
  this->world.settle();
  std::vector<std::string> seen;
  pair.client.on_message([&](const message_view& view) {
    seen.push_back(std::string(view.text()) + (view.type == message_type::text ? "/t" : "/b"));
  });
  ADIEU_UNTIL(seen.size() == 2);
  EXPECT_EQ(seen, (std::vector<std::string>{"early/t", "bird/b"}));
  answer a, b;
  pair.server.async_send(asio::buffer("two ", 4), message_type::text, end_of_message::no, to(a));
  pair.server.async_send(asio::buffer("frames", 6), message_type::text, end_of_message::yes, to(b));
  ADIEU_UNTIL(seen.size() == 3);
  EXPECT_EQ(seen[2], "two frames/t");
  pair.client.on_message({});
  pair.server.send("for a receive");
  reading got;
  receive(pair.client, got);
  ADIEU_UNTIL(got.come());
  EXPECT_TRUE(got.is_text("for a receive"));
  EXPECT_EQ(seen.size(), 3U);
}

TYPED_TEST(Receiving, P9_on_message_answers_the_close_with_its_own_code) {
  ends pair = this->open(this->quick(), this->quick());
  int shown = 0;
  pair.client.on_message([&](const message_view&) { ++shown; });
  answer closed;
  pair.server.send("one");
  pair.server.async_close(close_status{4001}, "", to(closed));
  ADIEU_UNTIL(closed.come());
  EXPECT_TRUE(closed.good());
  EXPECT_EQ(shown, 1);
  ADIEU_UNTIL_BOTH_ENDED(pair);
  EXPECT_EQ(pair.client.record()->sent->code, 4001);
  EXPECT_TRUE(pair.client.record()->clean);
}

TYPED_TEST(Receiving, P9_on_message_may_switch_itself_off_close_and_destroy) {
  {
    ends pair = this->open(this->quick(), this->quick());
    std::string seen;
    pair.client.on_message([&](const message_view& view) {
      seen += view.text();
      pair.client.on_message({});
    });
    pair.server.send("shown");
    pair.server.send("received");
    reading got;
    ADIEU_UNTIL(!seen.empty());
    receive(pair.client, got);
    ADIEU_UNTIL(got.come());
    EXPECT_EQ(seen, "shown");
    EXPECT_TRUE(got.is_text("received"));
  }
  {
    ends pair = this->open(this->quick(), this->quick());
    const std::string big(20'000, 'v');
    std::string seen;
    int times = 0;
    pair.client.on_message([&](const message_view& view) {
      pair.client = websocket();
      seen = view.text();  // the view lives until the handler returns
      ++times;
    });
    answer a, b, c;
    pair.server.async_send(asio::buffer(big), message_type::text, end_of_message::no, to(a));
    pair.server.async_send(asio::buffer(big), message_type::text, end_of_message::yes, to(b));
    pair.server.async_send("not shown any more", to(c));
    ADIEU_UNTIL(times != 0 && pair.server.record());
    EXPECT_EQ(seen, big + big);
    EXPECT_EQ(times, 1);
  }
}

TYPED_TEST(Receiving, P9_an_on_message_that_throws_closes_with_1011_and_leaves_through_run) {
  ends pair = this->open(this->quick(), this->quick());
  pair.client.on_message([](const message_view&) { throw std::runtime_error("handler"); });
  reading theirs;
  receive(pair.server, theirs);
  pair.server.send("one");
  pair.server.send("two");
  int thrown = 0;
  while (!theirs.come()) {
    try {
      ADIEU_UNTIL(theirs.come());
    } catch (const std::runtime_error&) {
      ++thrown;
    }
  }
  EXPECT_EQ(thrown, 1);
  EXPECT_TRUE(theirs.is_close(1011, "the message handler failed"));
  answer answered;
  pair.server.async_close_output(close_status::normal_closure, "", to(answered));
  ADIEU_UNTIL_BOTH_ENDED(pair);
  EXPECT_FALSE(pair.client.record()->clean);
  EXPECT_EQ(pair.client.record()->cause, cause::handler_error);
}

TYPED_TEST(Receiving, P9_a_completion_handler_that_throws_does_not_stop_the_connection) {
  ends pair = this->open(this->quick(), this->quick());
  char space[64];
  reading second;
  pair.client.async_receive(asio::buffer(space), [&](error_code, receive_result) {
    receive(pair.client, second);
    throw std::runtime_error("completion");
  });
  pair.server.send("one");
  pair.server.send("two");
  int thrown = 0;
  while (!second.come()) {
    try {
      ADIEU_UNTIL(second.come());
    } catch (const std::runtime_error&) {
      ++thrown;
    }
  }
  EXPECT_EQ(thrown, 1);
  EXPECT_TRUE(second.is_text("two"));
}

TYPED_TEST(Receiving, P9_a_message_over_the_limit_is_refused_with_1009) {
  for (const bool shown : {true, false}) {
    websocket_options limited = this->quick();
    limited.max_message_size = 1000;
    ends pair = this->open(limited, this->quick());
    message into;
    reading end;
    if (shown) pair.client.on_message([](const message_view&) { FAIL(); });
    pair.client.async_receive_message(into, to(end));
    const std::string big(1001, 'x');
    answer sent, answered;
    pair.server.async_send(big, to(sent));
    ADIEU_UNTIL(end.come() && pair.server.state() == state::close_received);
    EXPECT_TRUE(end.is(errc::message_too_big)) << end.ec.message();
    EXPECT_EQ(pair.server.close_status(), close_status::message_too_big);
    pair.server.async_close_output(close_status::normal_closure, "", to(answered));
    ADIEU_UNTIL_BOTH_ENDED(pair);
    EXPECT_EQ(pair.client.record()->cause, cause::message_too_big);
    EXPECT_EQ(pair.server.record()->cause, cause::protocol_error_by_us);
    EXPECT_FALSE(pair.client.record()->clean || pair.server.record()->clean);
  }
  websocket_options limited = this->quick();
  limited.max_message_size = 1000;
  ends pair = this->open(limited, this->quick());
  const std::string fits(1000, 'x');
  message into;
  answer sent, got;
  pair.client.async_receive_message(into, to(got));
  pair.server.async_send(fits, to(sent));
  ADIEU_UNTIL(got.come());
  EXPECT_EQ(into.payload, fits);
}

TYPED_TEST(Receiving, P9_a_message_larger_than_the_window_arrives_whole) {
  websocket_options small = this->quick();
  small.receive_window = 2048;
  ends pair = this->open(small, this->quick());
  const std::string big(3'000'000, 'x');
  message into;
  answer sent, got;
  pair.client.async_receive_message(into, to(got));
  pair.server.async_send(big, to(sent));
  ADIEU_UNTIL(got.come() && sent.come());
  EXPECT_EQ(into.payload, big);
}

TYPED_TEST(Receiving, P2_what_arrived_is_drained_in_order_then_the_close_then_invalid_state) {
  ends pair = this->open(this->quick(), this->quick());
  answer closed;
  pair.server.send("one");
  pair.server.send("two");
  pair.server.async_close(close_status::normal_closure, "end", to(closed));
  ADIEU_UNTIL(pair.client.state() == state::close_received);
  reading a, b, c, d;
  receive(pair.client, a);
  ADIEU_UNTIL(a.come());
  EXPECT_TRUE(a.is_text("one"));
  receive(pair.client, b);
  ADIEU_UNTIL(b.come());
  EXPECT_TRUE(b.is_text("two"));
  receive(pair.client, c);
  ADIEU_UNTIL(c.come());
  EXPECT_TRUE(c.is_close(1000, "end"));
  receive(pair.client, d);
  ADIEU_UNTIL(d.come());
  EXPECT_TRUE(d.is(errc::invalid_state));
}

TYPED_TEST(Receiving, P4_a_receive_during_a_close_takes_data_and_then_the_close) {
  websocket_options patient = this->quick();
  patient.close_timeout = 3s;
  ends pair = this->open(patient, patient);
  answer closed, answered;
  pair.client.async_close(close_status::normal_closure, "", to(closed));
  ADIEU_UNTIL(pair.server.state() == state::close_received);
  pair.server.send("received");
  pair.server.send("discarded");
  reading got, end;
  receive(pair.client, got);
  ADIEU_UNTIL(got.come());
  EXPECT_TRUE(got.is_text("received"));
  pair.server.async_close_output(close_status::normal_closure, "", to(answered));
  ADIEU_UNTIL(closed.come());
  EXPECT_EQ(pair.client.record()->lost.discarded_messages, 1U);
  EXPECT_EQ(pair.client.record()->lost.discarded_bytes, 9U);
}

TYPED_TEST(Receiving, P4_a_full_window_does_not_hide_the_peers_close) {
  websocket_options small = this->quick();
  small.receive_window = 1024;
  small.close_timeout = 3s;
  ends pair = this->open(small, small);
  answer sent, closed, answered;
  const std::string big(200'000, 'x');
  pair.server.async_send(big, to(sent));
  this->world.settle();
  pair.client.async_close(close_status::normal_closure, "", to(closed));
  ADIEU_UNTIL(pair.server.state() == state::close_received);
  pair.server.async_close_output(close_status::normal_closure, "", to(answered));
  ADIEU_UNTIL(closed.come());
  EXPECT_TRUE(closed.good()) << closed.ec.message();
  EXPECT_EQ(pair.client.record()->lost.discarded_bytes, 200'000U);
  EXPECT_EQ(pair.client.record()->lost.discarded_messages, 1U);
}

}  // namespace
}  // namespace adieu::test
