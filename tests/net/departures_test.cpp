// Where Adieu departs from .NET (D1, D5–D8, D10–D13, D15, D17), in memory and on TCP. D2–D4, D9,
// D14 and D16 need a raw peer: misbehaviour_test.cpp.
#include <boost/json/parse.hpp>

#include "tests/net/worlds.hpp"

namespace adieu::test {
namespace {

template <typename World>
class Departures : public in_both_worlds<World> {};
TYPED_TEST_SUITE(Departures, both_worlds, world_names);

TYPED_TEST(Departures, D1_state_turns_without_any_receive) {
  ends pair = this->open(this->quick(), this->quick());
  answer half;
  pair.server.async_close_output(close_status::normal_closure, "", to(half));
  ADIEU_UNTIL(pair.client.state() == state::close_received);
  EXPECT_EQ(pair.client.close_status(), close_status::normal_closure);

  ends other = this->open(this->quick(), this->quick());
  other.server.abort();
  ADIEU_UNTIL(other.client.state() == state::aborted);
  EXPECT_TRUE(other.client.record().has_value());

  ends third = this->open(this->quick(), this->quick());
  third.server = websocket();
  ADIEU_UNTIL(third.client.state() == state::aborted);
}

TYPED_TEST(Departures, D6_a_close_that_nobody_answers_ends_at_its_deadline) {
  websocket_options never = this->quick();
  never.close_timeout = 20s;
  ends pair = this->open(this->quick(), never);
  reading got;
  answer closed;
  receive(pair.client, got);
  pair.client.async_close(close_status::normal_closure, "", to(closed));
  ADIEU_UNTIL(closed.come() && got.come());
  EXPECT_TRUE(closed.is(errc::close_timeout));
  EXPECT_TRUE(got.is(errc::close_timeout)) << got.ec.message();
  ADIEU_UNTIL_BOTH_ENDED(pair);
  EXPECT_EQ(pair.server.record()->cause, cause::peer_reset);
}

TYPED_TEST(Departures, D7_sends_in_parallel_are_queued_and_a_second_receive_is_told) {
  ends pair = this->open(this->quick(), this->quick());
  answer sent[20];
  std::string expected, got;
  std::vector<std::string> texts(20);
  for (int i = 0; i < 20; ++i) texts[static_cast<std::size_t>(i)] = std::to_string(i) + ";";
  for (std::size_t i = 0; i < 20; ++i) {
    pair.client.async_send(texts[i], to(sent[i]));
    expected += texts[i];
  }
  reading first, second;
  receive(pair.server, first);
  receive(pair.server, second);
  ADIEU_UNTIL(first.come() && second.come());
  EXPECT_TRUE(second.is(errc::operation_in_progress)) << second.ec.message();
  got = first.text();
  while (got.size() < expected.size()) {
    reading next;
    receive(pair.server, next);
    ADIEU_UNTIL(next.come());
    ASSERT_TRUE(next.good());
    got += next.text();
  }
  EXPECT_EQ(got, expected);
}

TYPED_TEST(Departures, D8_close_output_and_a_receive_loop_lose_nothing) {
  websocket_options patient = this->quick();
  patient.close_timeout = 3s;
  ends pair = this->open(patient, patient);
  const std::string big(50'000, 'b');
  answer sent[10], half, answered;
  pair.client.async_close_output(close_status::normal_closure, "", to(half));
  ADIEU_UNTIL(pair.server.state() == state::close_received);
  for (answer& each : sent) pair.server.async_send(big, to(each));
  pair.server.async_close_output(close_status::normal_closure, "", to(answered));
  std::size_t total = 0;
  for (;;) {
    reading got;
    receive(pair.client, got);
    ADIEU_UNTIL(got.come());
    ASSERT_TRUE(got.good()) << got.ec.message();
    if (got.received.type == message_type::close) break;
    total += got.received.count;
  }
  EXPECT_EQ(total, 500'000U);
  ADIEU_UNTIL_BOTH_ENDED(pair);
  EXPECT_EQ(pair.client.record()->lost.discarded_bytes, 0U);
  EXPECT_TRUE(pair.client.record()->clean && pair.server.record()->clean);
}

TYPED_TEST(Departures, D11_a_close_that_the_app_never_answers_is_answered) {
  websocket_options patient = this->quick();
  patient.close_timeout = 3s;
  websocket_options forgetful = this->quick();
  forgetful.close_timeout = 100ms;
  ends pair = this->open(patient, forgetful);
  answer closed;
  pair.client.async_close(close_status{3456}, "", to(closed));
  ADIEU_UNTIL(closed.come());
  EXPECT_TRUE(closed.good()) << closed.ec.message();
  EXPECT_EQ(pair.client.record()->received->code, 3456);
  EXPECT_GE(pair.client.record()->ended, 100ms);
  ADIEU_UNTIL_BOTH_ENDED(pair);
  EXPECT_TRUE(pair.server.record()->clean);
  reading got;
  receive(pair.server, got);
  ADIEU_UNTIL(got.come());
  EXPECT_TRUE(got.is_close(3456) || got.is(errc::invalid_state)) << got.ec.message();
}

using LongDepartures = in_both_worlds<memory_world>;

TEST_F(LongDepartures, D11_the_clock_of_the_answer_starts_again_with_every_send) {
  websocket_options options = this->quick();
  options.close_timeout = 10s;
  websocket_options patient = options;
  patient.close_timeout = 1min;
  ends pair = this->open(patient, options);
  answer half;
  pair.client.async_close_output(close_status::normal_closure, "", to(half));
  ADIEU_UNTIL(pair.server.state() == state::close_received);
  for (int i = 0; i < 5; ++i) {
    this->world.pass(8s);
    ASSERT_EQ(pair.server.state(), state::close_received) << i;
    pair.server.send("not done yet");
  }
  this->world.pass(9s);
  EXPECT_EQ(pair.server.state(), state::close_received);
  this->world.pass(2s);
  EXPECT_TRUE(pair.server.record() && pair.server.record()->clean);
}

TYPED_TEST(Departures, D12_one_record_as_a_line_and_as_json_that_outlives_the_websocket) {
  ends pair = this->open(this->quick(), this->quick());
  const connection_handle handle = pair.client.handle();
  EXPECT_FALSE(handle.record().has_value());
  EXPECT_EQ(handle.state(), state::open);
  int told = 0, told_late = 0;
  pair.client.on_end([&](const disconnect_record& record) {
    ++told;
    EXPECT_TRUE(record.clean);
  });
  answer closed, answered;
  pair.client.async_close(close_status::normal_closure,
                          "b\"y\x01"
                          "e",
                          to(closed));
  ADIEU_UNTIL(pair.server.state() == state::close_received);
  pair.server.async_close_output(close_status::normal_closure, "", to(answered));
  ADIEU_UNTIL(closed.come() && told == 1);
  pair.client.on_end([&](const disconnect_record&) { ++told_late; });
  ADIEU_UNTIL(told_late == 1);
  pair.client = websocket();
  this->world.settle();
  EXPECT_EQ(told, 1);
  ASSERT_TRUE(handle.record().has_value());
  EXPECT_EQ(handle.state(), state::closed);
  const std::string line = to_line(*handle.record());
  EXPECT_EQ(line.find('\n'), std::string::npos);
  EXPECT_EQ(line.find('\x01'), std::string::npos) << line;
  EXPECT_NE(line.find("1000"), std::string::npos) << line;
  const auto json = boost::json::parse(to_json(*handle.record())).as_object();
  EXPECT_TRUE(json.at("clean").as_bool());
  EXPECT_EQ(json.at("initiator").as_string(), "local");
  EXPECT_EQ(json.at("cause").as_string(), "handshake");
}

TYPED_TEST(Departures, D13_every_code_that_may_be_on_the_wire_can_be_sent_and_1005_sends_none) {
  for (const unsigned code : {1000U, 1003U, 1007U, 1014U, 3000U, 4999U, 1005U}) {
    ends pair = this->open(this->quick(), this->quick());
    answer half;
    reading got;
    receive(pair.server, got);
    pair.client.async_close_output(close_status{static_cast<std::uint16_t>(code)}, "", to(half));
    ADIEU_UNTIL(got.come() && half.come());
    EXPECT_TRUE(half.good()) << code;
    EXPECT_TRUE(got.is_close(static_cast<std::uint16_t>(code))) << code;
  }
}

TYPED_TEST(Departures, D15_after_a_half_close_the_peers_close_closes_tcp) {
  ends pair = this->open(this->quick(), this->quick());
  answer half, answered, ended;
  pair.client.async_close_output(close_status::normal_closure, "", to(half));
  pair.client.async_wait_closed(to(ended));
  ADIEU_UNTIL(pair.server.state() == state::close_received);
  pair.server.async_close_output(close_status::normal_closure, "", to(answered));
  ADIEU_UNTIL(ended.come());  // without any further call
  EXPECT_TRUE(ended.record.clean);
  reading got;
  receive(pair.client, got);
  ADIEU_UNTIL(got.come());
  EXPECT_TRUE(got.is_close(1000)) << got.ec.message();  // P2: delivered once, though all is over
}

TYPED_TEST(Departures, D17_close_output_as_an_answer_does_not_wait_for_tcp) {
  ends pair = this->open(this->quick(), this->quick());
  answer closed;
  pair.server.async_close(close_status::normal_closure, "", to(closed));
  ADIEU_UNTIL(pair.client.state() == state::close_received);
  bool ended_by_then = true;
  bool done = false;
  pair.client.async_close_output(close_status::normal_closure, "", [&](error_code ec) {
    EXPECT_FALSE(ec);
    ended_by_then = pair.client.record().has_value();
    done = true;
  });
  ADIEU_UNTIL(done);
  EXPECT_FALSE(ended_by_then);
  ADIEU_UNTIL_BOTH_ENDED(pair);
}

}  // namespace
}  // namespace adieu::test
