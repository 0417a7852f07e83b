// P7, D5: cancellation through Asio's slots stops a wait, never the connection, and loses no byte.
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "tests/net/worlds.hpp"

namespace adieu::test {
namespace {

using asio::bind_cancellation_slot;
using asio::cancellation_type;

template <typename World>
class Cancelling : public in_both_worlds<World> {};
TYPED_TEST_SUITE(Cancelling, both_worlds, world_names);

TYPED_TEST(Cancelling, P7_a_cancelled_receive_loses_nothing) {
  for (const auto type :
       {cancellation_type::terminal, cancellation_type::partial, cancellation_type::total}) {
    ends pair = this->open(this->quick(), this->quick());
    asio::cancellation_signal signal;
    reading stopped, next;
    pair.client.async_receive(asio::buffer(stopped.space),
                              bind_cancellation_slot(signal.slot(), to(stopped)));
    this->world.settle();
    EXPECT_FALSE(stopped.come());
    signal.emit(type);
    EXPECT_FALSE(stopped.come()) << "completed inside emit()";
    ADIEU_UNTIL(stopped.come());
    EXPECT_TRUE(stopped.cancelled()) << stopped.ec.message();
    EXPECT_EQ(pair.client.state(), state::open);
    pair.server.send("kept");
    receive(pair.client, next);
    ADIEU_UNTIL(next.come());
    EXPECT_TRUE(next.is_text("kept"));
    signal.emit(type);  // nothing is there to cancel
    this->world.settle();
    EXPECT_EQ(stopped.times, 1);
  }
}

TYPED_TEST(Cancelling, P7_a_message_half_given_continues_with_the_next_receive) {
  ends pair = this->open(this->quick(), this->quick());
  asio::cancellation_signal signal;
  answer sent, rest;
  reading part, stopped;
  pair.server.async_send(asio::buffer("half", 4), message_type::text, end_of_message::no, to(sent));
  receive(pair.client, part);
  ADIEU_UNTIL(part.come());
  message whole;
  pair.client.async_receive_message(whole, bind_cancellation_slot(signal.slot(), to(stopped)));
  this->world.settle();
  signal.emit(cancellation_type::terminal);
  ADIEU_UNTIL(stopped.come());
  EXPECT_TRUE(stopped.cancelled());
  pair.server.async_send(asio::buffer("way", 3), message_type::text, end_of_message::yes, to(rest));
  reading next;
  receive(pair.client, next);
  ADIEU_UNTIL(next.come());
  EXPECT_TRUE(next.is_text("way"));
  EXPECT_TRUE(next.received.end_of_message);
}

TYPED_TEST(Cancelling, P7_a_send_that_has_not_begun_is_withdrawn_and_one_that_has_completes) {
  websocket_options small = this->quick();
  small.receive_window = 1024;
  ends pair = this->open(this->quick(), small);
  const std::string big(8'000'000, 'b');
  asio::cancellation_signal begun, waiting;
  answer first, second, third;
  pair.client.async_send(big, bind_cancellation_slot(begun.slot(), to(first)));
  pair.client.async_send("withdrawn", bind_cancellation_slot(waiting.slot(), to(second)));
  pair.client.async_send("last", to(third));
  this->world.settle();
  EXPECT_FALSE(first.come());
  begun.emit(cancellation_type::terminal);
  waiting.emit(cancellation_type::terminal);
  ADIEU_UNTIL(second.come());
  EXPECT_TRUE(second.cancelled()) << second.ec.message();
  EXPECT_FALSE(first.come());
  message got, last;
  answer one, two;
  pair.server.async_receive_message(got, to(one));
  ADIEU_UNTIL(one.come() && first.come());
  EXPECT_TRUE(first.good()) << first.ec.message();
  EXPECT_EQ(got.payload.size(), big.size());
  pair.server.async_receive_message(last, to(two));
  ADIEU_UNTIL(two.come());
  EXPECT_EQ(last.text(), "last");
}

TYPED_TEST(Cancelling, P7_a_cancelled_close_stops_waiting_and_the_handshake_goes_on) {
  websocket_options patient = this->quick();
  patient.close_timeout = 3s;
  ends pair = this->open(patient, patient);
  asio::cancellation_signal signal;
  answer closed, answered, ping_stopped, end_stopped;
  pair.client.async_close(
      close_status::normal_closure, "", bind_cancellation_slot(signal.slot(), to(closed)));
  ADIEU_UNTIL(pair.server.state() == state::close_received);
  signal.emit(cancellation_type::terminal);
  ADIEU_UNTIL(closed.come());
  EXPECT_TRUE(closed.cancelled());
  EXPECT_EQ(pair.client.state(), state::close_sent);
  asio::cancellation_signal end;
  pair.client.async_wait_closed(bind_cancellation_slot(end.slot(), to(end_stopped)));
  this->world.settle();
  end.emit(cancellation_type::terminal);
  ADIEU_UNTIL(end_stopped.come());
  EXPECT_TRUE(end_stopped.cancelled());
  pair.server.async_close_output(close_status::normal_closure, "", to(answered));
  ADIEU_UNTIL_BOTH_ENDED(pair);
  EXPECT_TRUE(pair.client.record()->clean);
}

// A call's memory is used again at once: a late signal must not hit the next call in its place.
TYPED_TEST(Cancelling, P7_a_late_signal_never_hits_the_next_call) {
  ends pair = this->open(this->quick(), this->quick());
  asio::cancellation_signal signal;
  reading second;
  bool first_came = false;
  char space[16];
  pair.client.async_receive(
      asio::buffer(space),
      bind_cancellation_slot(signal.slot(), [&](error_code ec, receive_result) {
        EXPECT_FALSE(ec);
        first_came = true;
        receive(pair.client, second);  // likely at the same address
        signal.emit(cancellation_type::terminal);
      }));
  pair.server.send("one");
  ADIEU_UNTIL(first_came);
  signal.emit(cancellation_type::terminal);
  this->world.settle();
  EXPECT_FALSE(second.come()) << second.ec.message();
  pair.server.send("two");
  ADIEU_UNTIL(second.come());
  EXPECT_TRUE(second.is_text("two"));
}

TYPED_TEST(Cancelling, D5_a_receive_that_times_out_in_a_coroutine) {
  using namespace asio::experimental::awaitable_operators;
  ends pair = this->open(this->quick(), this->quick());
  std::string got;
  int timeouts = 0;
  bool done = false;
  auto talk = [&]() -> asio::awaitable<void> {
    message into;
    for (int i = 0; i < 3; ++i) {
      asio::steady_timer timer(this->world.executor(), 1ms);
      const auto which = co_await (pair.client.async_receive_message(into, asio::use_awaitable) ||
                                   timer.async_wait(asio::use_awaitable));
      if (which.index() == 1) ++timeouts;
    }
    pair.server.send("in time");
    asio::steady_timer timer(this->world.executor(), 2s);
    const auto which = co_await (pair.client.async_receive_message(into, asio::use_awaitable) ||
                                 timer.async_wait(asio::use_awaitable));
    if (which.index() == 0) got = into.text();
    done = true;
  };
  asio::co_spawn(this->world.executor(), talk(), asio::detached);
  const auto latest = std::chrono::steady_clock::now() + 4s;
  while (!done && std::chrono::steady_clock::now() < latest) {
    this->world.context().restart();
    this->world.context().run_one_for(10ms);
  }
  EXPECT_TRUE(done);
  EXPECT_EQ(timeouts, 3);
  EXPECT_EQ(got, "in time");
  EXPECT_EQ(pair.client.state(), state::open);
}

TYPED_TEST(Cancelling, P7_ping_and_close_output_can_be_cancelled_too) {
  websocket_options small = this->quick();
  small.receive_window = 1024;
  ends pair = this->open(this->quick(), small);
  const std::string big(8'000'000, 'b');
  answer sent, pinged, half;
  asio::cancellation_signal ping, output;
  pair.client.async_send(big, to(sent));
  this->world.settle();
  pair.client.async_ping(bind_cancellation_slot(ping.slot(), to(pinged)));
  pair.client.async_close_output(
      close_status::normal_closure, "", bind_cancellation_slot(output.slot(), to(half)));
  this->world.settle();
  ping.emit(cancellation_type::terminal);
  output.emit(cancellation_type::terminal);
  ADIEU_UNTIL(pinged.come() && half.come());
  EXPECT_TRUE(half.cancelled()) << half.ec.message();
  EXPECT_TRUE(pinged.cancelled()) << pinged.ec.message();
  message got;
  answer one, end;
  pair.server.async_receive_message(got, to(one));
  ADIEU_UNTIL(one.come());
  EXPECT_EQ(got.payload.size(), big.size());
  pair.server.async_receive_message(got, to(end));
  ADIEU_UNTIL(end.come());
  EXPECT_EQ(end.received.type, message_type::close);  // the Close goes out all the same
}

}  // namespace
}  // namespace adieu::test
