// P1, P8: sends in order, writers, back-pressure, what a close does to them.
#include "tests/net/worlds.hpp"

namespace adieu::test {
namespace {

template <typename World>
class Sending : public in_both_worlds<World> {
 protected:
  std::string next_message(websocket& from) {
    message into;
    answer got;
    from.async_receive_message(into, to(got));
    EXPECT_TRUE(this->world.run_until([&] { return got.come(); }));
    if (!got.good()) return "error: " + got.ec.message();
    return got.received.type == message_type::close ? "close" : into.payload;
  }
};
TYPED_TEST_SUITE(Sending, both_worlds, world_names);

TYPED_TEST(Sending, P8_an_awaited_send_blocks_until_the_peer_reads) {
  websocket_options small = this->quick();
  small.receive_window = 1024;
  ends pair = this->open(this->quick(), small);
  const std::string big(12'000'000, 'p');
  answer sent, behind;
  pair.client.async_send(big, to(sent));
  pair.client.async_send("behind", to(behind));
  this->world.settle();
  this->world.settle();
  EXPECT_FALSE(sent.come());
  EXPECT_EQ(this->next_message(pair.server).size(), big.size());
  ADIEU_UNTIL(sent.come() && behind.come());
  EXPECT_TRUE(sent.good() && behind.good());
  EXPECT_EQ(this->next_message(pair.server), "behind");
}

TYPED_TEST(Sending, P8_a_writer_holds_its_place_and_control_frames_pass_between_its_pieces) {
  ends pair = this->open(this->quick(), this->quick());
  answer piece, pinged, other, end;
  message_writer writer = pair.client.begin_message(message_type::text);
  pair.client.async_send("second", to(other));
  writer.async_write(asio::buffer("fi", 2), to(piece));
  ADIEU_UNTIL(piece.come());
  pair.client.async_ping(to(pinged));
  ADIEU_UNTIL(pinged.come());
  EXPECT_TRUE(pinged.good());
  EXPECT_GE(pinged.round_trip, 0ns);
  EXPECT_FALSE(other.come());
  writer.async_finish(asio::buffer("rst", 3), to(end));
  ADIEU_UNTIL(end.come() && other.come());
  EXPECT_EQ(this->next_message(pair.server), "first");
  EXPECT_EQ(this->next_message(pair.server), "second");
}

TYPED_TEST(Sending, P8_a_writer_that_is_dropped_unused_gives_its_place_up) {
  ends pair = this->open(this->quick(), this->quick());
  answer other;
  {
    const message_writer writer = pair.client.begin_message(message_type::text);
    pair.client.async_send("goes", to(other));
    this->world.settle();
    EXPECT_FALSE(other.come());
  }
  EXPECT_EQ(this->next_message(pair.server), "goes");
}

TYPED_TEST(Sending, P8_a_writer_whose_finish_was_built_and_never_started_gives_its_place_up) {
  ends pair = this->open();
  {
    message_writer writer = pair.client.begin_message(message_type::text);
    const auto never_started = writer.async_finish();
  }
  pair.client.send("next");
  reading got;
  receive(pair.server, got);
  ADIEU_UNTIL(got.come());
  EXPECT_TRUE(got.is_text("next")) << got.ec.message();
}

TYPED_TEST(Sending, P8_a_writer_that_is_dropped_in_the_middle_closes_with_1011) {
  ends pair = this->open(this->quick(), this->quick());
  answer piece;
  {
    message_writer writer = pair.client.begin_message(message_type::text);
    writer.async_write(asio::buffer("torn", 4), to(piece));
    ADIEU_UNTIL(piece.come());
  }
  ADIEU_UNTIL(pair.server.state() == state::close_received);
  EXPECT_EQ(pair.server.close_status(), close_status::internal_server_error);
  answer answered;
  pair.server.async_close_output(close_status::normal_closure, "", to(answered));
  ADIEU_UNTIL_BOTH_ENDED(pair);
  EXPECT_EQ(pair.client.record()->cause, cause::handler_error);
  EXPECT_FALSE(pair.client.record()->clean);
}

TYPED_TEST(Sending, P1_sends_accepted_before_a_close_go_out_before_it_and_later_ones_are_invalid) {
  websocket_options patient = this->quick();
  patient.close_timeout = 3s;
  ends pair = this->open(patient, patient);
  answer before, closed, after, ping;
  const std::string big(2'000'000, 'x');
  pair.client.async_send(big, to(before));
  pair.client.async_close(close_status::normal_closure, "", to(closed));
  pair.client.async_send("too late", to(after));
  pair.client.async_ping(to(ping));
  EXPECT_EQ(this->next_message(pair.server).size(), big.size());
  EXPECT_EQ(this->next_message(pair.server), "close");
  ADIEU_UNTIL(before.come() && after.come() && ping.come());
  EXPECT_TRUE(before.good());
  EXPECT_TRUE(after.is(errc::invalid_state)) << after.ec.message();
  EXPECT_TRUE(ping.is(errc::invalid_state));
  answer answered;
  pair.server.async_close_output(close_status::normal_closure, "", to(answered));
  ADIEU_UNTIL(closed.come());
  EXPECT_TRUE(closed.good());
}

TYPED_TEST(Sending, P1_an_unfinished_message_does_not_block_the_close_and_is_counted) {
  ends pair = this->open(this->quick(), this->quick());
  answer piece, closed, answered;
  message_writer writer = pair.client.begin_message(message_type::text);
  writer.async_write(asio::buffer("unfini", 6), to(piece));
  ADIEU_UNTIL(piece.come());
  pair.client.async_close(close_status::normal_closure, "", to(closed));
  ADIEU_UNTIL(pair.server.state() == state::close_received);
  pair.server.async_close_output(close_status::normal_closure, "", to(answered));
  ADIEU_UNTIL(closed.come());
  EXPECT_TRUE(closed.good()) << closed.ec.message();
  EXPECT_EQ(pair.client.record()->lost.unsent_messages, 1U);
}

TYPED_TEST(Sending, P8_copied_sends_of_every_kind_arrive_in_order) {
  ends pair = this->open(this->quick(), this->quick());
  {
    std::string temporary = "one";
    pair.client.send(temporary);
    temporary = "overwritten";
  }
  pair.client.send(std::as_bytes(std::span("two", 3)));
  pair.client.send(message_view{message_type::text, std::as_bytes(std::span("three", 5))});
  const message whole(message_type::binary, "four");
  answer sent;
  pair.client.async_send(whole, to(sent));
  for (const char* expected : {"one", "two", "three", "four"}) {
    EXPECT_EQ(this->next_message(pair.server), expected);
  }
}

// A large message goes to the transport out of the handler's memory, and what is left is copied.
TYPED_TEST(Sending, P8_what_a_handler_sends_may_be_overwritten_however_large_it_is) {
  websocket_options slow = this->quick();
  slow.receive_window = 1024;
  ends pair = this->open(slow, this->quick());
  pair.server.on_message([&](const message_view& asked) {
    for (const std::size_t size : {100U, 70'000U, 3'000'000U, 70'000U, 100U}) {
      std::string answer(size, asked.text().front());
      pair.server.send(answer);
      answer.assign(size, '!');
    }
  });
  pair.client.send("a");
  pair.client.send("b");
  for (const char which : {'a', 'b'}) {
    for (const std::size_t size : {100U, 70'000U, 3'000'000U, 70'000U, 100U}) {
      EXPECT_TRUE(this->next_message(pair.client) == std::string(size, which)) << which << size;
    }
  }
}

TYPED_TEST(Sending, P6_abort_wakes_everybody_within_fifty_milliseconds) {
  websocket_options small = this->quick();
  small.receive_window = 1024;
  ends pair = this->open(this->quick(), small);
  const std::string big(12'000'000, 'p');
  answer sent, queued, pinged, closed, output, ended;
  reading got;
  pair.client.async_send(big, to(sent));
  pair.client.async_send("queued", to(queued));
  pair.client.async_ping(to(pinged));
  receive(pair.client, got);
  pair.client.async_close(close_status::normal_closure, "", to(closed));
  pair.client.async_wait_closed(to(ended));
  this->world.settle();
  const auto began = std::chrono::steady_clock::now();
  pair.client.abort();
  EXPECT_FALSE(got.come());
  ADIEU_UNTIL(sent.come() && queued.come() && got.come() && closed.come() && ended.come());
  EXPECT_LT(std::chrono::steady_clock::now() - began, 50ms);
  for (const answer* each : std::initializer_list<const answer*>{&sent, &queued, &got, &closed}) {
    EXPECT_TRUE(each->is(errc::aborted)) << each->ec.message();
  }
  EXPECT_TRUE(pinged.come());
  EXPECT_TRUE(ended.good());
  EXPECT_EQ(ended.record.cause, cause::local_abort);
  EXPECT_EQ(ended.record.lost.unsent_messages, 2U);
  EXPECT_EQ(ended.record.tcp, tcp_end::reset_sent);
}

}  // namespace
}  // namespace adieu::test
