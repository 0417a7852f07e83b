// The .NET facts N1–N13 and N18 through the public API, in memory and on TCP.
#include "tests/net/worlds.hpp"

namespace adieu::test {
namespace {

template <typename World>
class States : public in_both_worlds<World> {};
TYPED_TEST_SUITE(States, both_worlds, world_names);

TYPED_TEST(States, N1_close_received_allows_send_and_close_only) {
  websocket_options patient = this->quick();
  patient.close_timeout = 10s;
  ends pair = this->open(patient, patient);
  answer closed, sent, pinged;
  reading got, late;
  pair.server.async_close(close_status::normal_closure, "", to(closed));
  ADIEU_UNTIL(pair.client.state() == state::close_received);
  pair.client.async_send("still valid", to(sent));
  pair.client.async_ping(to(pinged));
  receive(pair.client, got);
  ADIEU_UNTIL(sent.come() && pinged.come() && got.come());
  EXPECT_TRUE(sent.good());
  EXPECT_TRUE(got.is_close(1000));
  EXPECT_TRUE(pinged.is(errc::invalid_state));
  EXPECT_NE(pinged.ec.message().find("ping"), std::string::npos) << pinged.ec.message();
  EXPECT_NE(pinged.ec.message().find("close_received"), std::string::npos) << pinged.ec.message();
  receive(pair.client, late);
  ADIEU_UNTIL(late.come());
  EXPECT_TRUE(late.is(errc::invalid_state));
  answer answered;
  pair.client.async_close(close_status::normal_closure, "", to(answered));
  ADIEU_UNTIL(closed.come() && answered.come());
  EXPECT_TRUE(closed.good() && answered.good());
}

TYPED_TEST(States, N1_close_sent_allows_receive_and_close_only) {
  websocket_options patient = this->quick();
  patient.close_timeout = 10s;
  ends pair = this->open(patient, patient);
  answer half, send, ping, output, joined, answered;
  pair.client.async_close_output(close_status::normal_closure, "", to(half));
  ADIEU_UNTIL(half.come());
  pair.client.async_send("x", to(send));
  pair.client.async_ping(to(ping));
  pair.client.async_close_output(close_status::normal_closure, "", to(output));
  ADIEU_UNTIL(send.come() && ping.come() && output.come());
  for (const answer* each : {&send, &ping, &output}) {
    EXPECT_TRUE(each->is(errc::invalid_state));
    EXPECT_NE(each->ec.message().find("close_sent"), std::string::npos) << each->ec.message();
  }
  EXPECT_NE(send.ec.message().find("open and close_received"), std::string::npos);
  reading got;
  receive(pair.client, got);
  pair.client.async_close(close_status::normal_closure, "", to(joined));
  ADIEU_UNTIL(pair.server.state() == state::close_received);
  pair.server.async_close_output(close_status::normal_closure, "", to(answered));
  ADIEU_UNTIL(joined.come() && got.come());
  EXPECT_TRUE(joined.good());
  EXPECT_TRUE(got.is_close(1000));
}

TYPED_TEST(States, N1_a_websocket_that_was_never_connected_is_none) {
  websocket none;
  EXPECT_EQ(none.state(), state::none);
  EXPECT_FALSE(none.record().has_value());
  EXPECT_FALSE(none);
  answer send, close;
  none.async_send("x", asio::bind_executor(this->world.executor(), to(send)));
  none.async_close(
      close_status::normal_closure, "", asio::bind_executor(this->world.executor(), to(close)));
  EXPECT_FALSE(send.come());
  ADIEU_UNTIL(send.come() && close.come());
  EXPECT_TRUE(send.is(errc::invalid_state));
  EXPECT_NE(send.ec.message().find("none: send"), std::string::npos) << send.ec.message();
  EXPECT_NE(close.ec.message().find("none: close"), std::string::npos) << close.ec.message();
  none.abort();
  none.send("nobody");
  EXPECT_THROW((void)none.try_receive({}), system_error);
  EXPECT_THROW((void)none.begin_message(message_type::text), system_error);
}

TYPED_TEST(States, N2_sent_and_received_are_two_facts) {
  ends pair = this->open(this->quick(), this->quick());
  EXPECT_EQ(pair.client.state(), state::open);
  answer half, answered;
  pair.client.async_close_output(close_status::normal_closure, "", to(half));
  ADIEU_UNTIL(pair.server.state() == state::close_received);
  EXPECT_EQ(pair.client.state(), state::close_sent);
  pair.server.async_close_output(close_status::normal_closure, "", to(answered));
  ADIEU_UNTIL(pair.server.state() == state::closed && pair.client.state() == state::closed);
}

TYPED_TEST(States, N3_close_in_close_sent_sends_nothing_again) {
  ends pair = this->open(this->quick(), this->quick());
  answer half, joined, too, answered;
  pair.client.async_close_output(close_status::normal_closure, "first", to(half));
  ADIEU_UNTIL(half.come());
  pair.client.async_close(close_status::endpoint_unavailable, "second", to(joined));
  pair.client.async_close(close_status::endpoint_unavailable, "third", to(too));
  ADIEU_UNTIL(pair.server.state() == state::close_received);
  EXPECT_EQ(pair.server.close_description(), "first");
  pair.server.async_close_output(close_status::normal_closure, "", to(answered));
  ADIEU_UNTIL(joined.come() && too.come());
  EXPECT_TRUE(joined.good() && too.good());
  EXPECT_EQ(pair.client.record()->sent->reason, "first");
}

TYPED_TEST(States, N4_close_throws_away_what_nobody_receives_and_counts_it) {
  websocket_options patient = this->quick();
  patient.close_timeout = 3s;
  ends pair = this->open(patient, patient);
  answer sent[3], closed, answered;
  pair.client.async_close(close_status::normal_closure, "", to(closed));
  ADIEU_UNTIL(pair.server.state() == state::close_received);
  for (answer& each : sent) pair.server.async_send("12345", to(each));
  pair.server.async_close_output(close_status::normal_closure, "", to(answered));
  ADIEU_UNTIL(closed.come());
  EXPECT_TRUE(closed.good());
  EXPECT_EQ(pair.client.record()->lost.discarded_messages, 3U);
  EXPECT_EQ(pair.client.record()->lost.discarded_bytes, 15U);
  EXPECT_EQ(pair.client.record()->lost.unread_messages, 0U);
  reading after;
  receive(pair.client, after);
  ADIEU_UNTIL(after.come());
  EXPECT_TRUE(after.is(errc::invalid_state)) << after.ec.message();  // P2: close was the delivery
}

TYPED_TEST(States, N5_a_received_close_sets_status_and_description) {
  ends pair = this->open(this->quick(), this->quick());
  EXPECT_FALSE(pair.client.close_status().has_value());
  EXPECT_EQ(pair.client.close_description(), "");
  answer closed;
  pair.server.async_close(close_status::policy_violation, "gr\xC3\xBC\xC3\x9F", to(closed));
  ADIEU_UNTIL(pair.client.state() == state::close_received);
  EXPECT_EQ(pair.client.close_status(), close_status::policy_violation);
  EXPECT_EQ(pair.client.close_description(), "gr\xC3\xBC\xC3\x9F");
  reading got;
  receive(pair.client, got);
  ADIEU_UNTIL(got.come());
  EXPECT_TRUE(got.is_close(1008, "gr\xC3\xBC\xC3\x9F"));
}

TYPED_TEST(States, N7_bad_close_arguments_fail_before_anything_is_sent) {
  ends pair = this->open(this->quick(), this->quick());
  for (const unsigned code : {0U, 999U, 1004U, 1006U, 1015U, 1016U, 2999U, 5000U, 65535U}) {
    answer close, output;
    pair.client.async_close(close_status{static_cast<std::uint16_t>(code)}, "", to(close));
    pair.client.async_close_output(close_status{static_cast<std::uint16_t>(code)}, "", to(output));
    ADIEU_UNTIL(close.come() && output.come());
    EXPECT_TRUE(close.is(errc::invalid_argument)) << code;
    EXPECT_TRUE(output.is(errc::invalid_argument)) << code;
  }
  answer with_empty, too_long;
  pair.client.async_close(close_status::no_status_received, "reason", to(with_empty));
  pair.client.async_close(close_status::normal_closure, std::string(124, 'x'), to(too_long));
  ADIEU_UNTIL(with_empty.come() && too_long.come());
  EXPECT_TRUE(with_empty.is(errc::invalid_argument));
  EXPECT_TRUE(too_long.is(errc::invalid_argument));
  EXPECT_EQ(pair.client.state(), state::open);
  answer sent;
  pair.client.async_send("unharmed", to(sent));
  reading got;
  receive(pair.server, got);
  ADIEU_UNTIL(got.come());
  EXPECT_TRUE(got.is_text("unharmed"));
  answer closed;
  reading theirs;
  receive(pair.server, theirs);
  pair.client.async_close(close_status::normal_closure, std::string(123, 'y'), to(closed));
  ADIEU_UNTIL(theirs.come());
  EXPECT_TRUE(theirs.is_close(1000, std::string(123, 'y')));
}

TYPED_TEST(States, N11_abort_after_both_closes_changes_nothing) {
  ends pair = this->open(this->quick(), this->quick());
  answer closed, answered;
  pair.client.async_close(close_status::normal_closure, "", to(closed));
  ADIEU_UNTIL(pair.server.state() == state::close_received);
  pair.server.async_close_output(close_status::normal_closure, "", to(answered));
  ADIEU_UNTIL(pair.client.state() == state::closed);
  pair.client.abort();
  ADIEU_UNTIL(closed.come());
  EXPECT_TRUE(closed.good()) << closed.ec.message();
  EXPECT_EQ(pair.client.state(), state::closed);
  EXPECT_TRUE(pair.client.record()->clean);
  pair.client.abort();
  this->world.settle();
  EXPECT_TRUE(pair.client.record()->clean);
}

TYPED_TEST(States, N12_an_empty_buffer_waits_without_taking_and_pieces_end_with_frames) {
  ends pair = this->open(this->quick(), this->quick());
  reading nothing, first, second, third;
  char small[4];
  pair.client.async_receive(asio::mutable_buffer(), to(nothing));
  this->world.settle();
  EXPECT_FALSE(nothing.come());
  answer a, b;
  pair.server.async_send(
      asio::buffer("abcdef", 6), message_type::binary, end_of_message::no, to(a));
  ADIEU_UNTIL(nothing.come());
  EXPECT_TRUE(nothing.good());
  EXPECT_EQ(nothing.received.count, 0U);
  EXPECT_FALSE(nothing.received.end_of_message);
  pair.client.async_receive(asio::buffer(small), to(first));
  ADIEU_UNTIL(first.come());
  EXPECT_EQ(std::string(small, first.received.count), "abcd");
  EXPECT_FALSE(first.received.end_of_message);
  receive(pair.client, second);
  ADIEU_UNTIL(second.come());
  EXPECT_EQ(second.text(), "ef");  // the frame ends; it never spans frames
  EXPECT_FALSE(second.received.end_of_message);
  pair.server.async_send(asio::buffer("gh", 2), message_type::binary, end_of_message::yes, to(b));
  receive(pair.client, third);
  ADIEU_UNTIL(third.come());
  EXPECT_EQ(third.text(), "gh");
  EXPECT_TRUE(third.received.end_of_message);
  EXPECT_EQ(third.received.type, message_type::binary);
}

TYPED_TEST(States, N13_text_binary_and_pieces_but_no_close_as_a_message) {
  ends pair = this->open(this->quick(), this->quick());
  answer wrong, text, binary, empty;
  pair.client.async_send(asio::buffer("x", 1), message_type::close, end_of_message::yes, to(wrong));
  pair.client.async_send("text", to(text));
  pair.client.async_send(
      asio::buffer("bin", 3), message_type::binary, end_of_message::yes, to(binary));
  pair.client.async_send("", to(empty));
  ADIEU_UNTIL(wrong.come() && text.come() && binary.come() && empty.come());
  EXPECT_TRUE(wrong.is(errc::invalid_message_type)) << wrong.ec.message();
  message got;
  answer one, two, three;
  pair.server.async_receive_message(got, to(one));
  ADIEU_UNTIL(one.come());
  EXPECT_EQ(got.text(), "text");
  EXPECT_EQ(got.type, message_type::text);
  pair.server.async_receive_message(got, to(two));
  ADIEU_UNTIL(two.come());
  EXPECT_EQ(got.text(), "bin");
  EXPECT_EQ(got.type, message_type::binary);
  pair.server.async_receive_message(got, to(three));
  ADIEU_UNTIL(three.come());
  EXPECT_EQ(got.text(), "");
  EXPECT_TRUE(three.received.end_of_message);
}

TEST(Errors, N18_dotnets_numbers_and_conditions) {
  EXPECT_EQ(static_cast<int>(errc::success), 0);
  EXPECT_EQ(static_cast<int>(errc::faulted), 2);
  EXPECT_EQ(static_cast<int>(errc::header_error), 7);
  EXPECT_EQ(static_cast<int>(errc::connection_closed_prematurely), 8);
  EXPECT_EQ(static_cast<int>(errc::invalid_state), 9);
  for (int value = 1; value < 206; ++value) {
    const errc code{value};
    if (to_string(code).empty()) continue;
    const error_code ec = make_error_code(code);
    EXPECT_TRUE(ec == code);
    EXPECT_FALSE(ec == errc::success);
    EXPECT_FALSE(ec.message().empty());
    EXPECT_STREQ(ec.category().name(), "adieu");
    EXPECT_FALSE(ec == errc::invalid_state && code != errc::invalid_state);
  }
  core::completion done;
  done.error = errc::invalid_state;
  done.what = core::operation::send;
  done.seen = state::aborted;
  const error_code detailed = make_error_code(done);
  EXPECT_TRUE(detailed == errc::invalid_state);
  EXPECT_NE(detailed.message().find("aborted"), std::string::npos);
  EXPECT_NE(detailed.message().find("send"), std::string::npos);
  done.cancelled = true;
  EXPECT_EQ(make_error_code(done), asio::error::operation_aborted);
}

}  // namespace
}  // namespace adieu::test
