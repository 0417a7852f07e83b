// The article's rows S1–S9 through the public API, in memory and on TCP.
#include "tests/net/worlds.hpp"

namespace adieu::test {
namespace {

template <typename World>
class Closing : public in_both_worlds<World> {};
TYPED_TEST_SUITE(Closing, both_worlds, world_names);

TYPED_TEST(Closing, S1_both_closes_pass_and_then_the_server_ends_tcp_first) {
  ends pair = this->open(this->quick(), this->quick());
  answer closed;
  reading got;
  receive(pair.server, got);
  pair.client.async_close(close_status::normal_closure, "bye", to(closed));
  ADIEU_UNTIL(got.come());
  EXPECT_TRUE(got.is_close(1000, "bye"));
  EXPECT_EQ(pair.server.state(), state::close_received);
  answer answered;
  pair.server.async_close_output(close_status::normal_closure, "well", to(answered));
  ADIEU_UNTIL_BOTH_ENDED(pair);
  ADIEU_UNTIL(closed.come() && answered.come());
  EXPECT_TRUE(closed.good()) << closed.ec.message();
  EXPECT_TRUE(answered.good()) << answered.ec.message();

  const disconnect_record ours = *pair.client.record();
  EXPECT_TRUE(ours.clean);
  EXPECT_EQ(ours.local_role, role::client);
  EXPECT_EQ(ours.initiator, initiator::local);
  EXPECT_EQ(ours.cause, cause::handshake);
  ASSERT_TRUE(ours.sent && ours.received);
  EXPECT_EQ(ours.sent->code, 1000);
  EXPECT_EQ(ours.sent->reason, "bye");
  EXPECT_EQ(ours.received->code, 1000);
  EXPECT_EQ(ours.received->reason, "well");
  EXPECT_LE(ours.sent->at, ours.received->at);
  EXPECT_LE(ours.received->at, ours.ended);
  EXPECT_EQ(ours.tcp, tcp_end::peer_fin_first);
  EXPECT_FALSE(ours.teardown_timed_out);
  EXPECT_FALSE(ours.connect.has_value());
  EXPECT_EQ(ours.lost.unsent_messages + ours.lost.discarded_messages + ours.lost.unread_messages,
            0U);
  EXPECT_FALSE(ours.lost.unacknowledged_bytes.has_value());

  const disconnect_record theirs = *pair.server.record();
  EXPECT_TRUE(theirs.clean);
  EXPECT_EQ(theirs.local_role, role::server);
  EXPECT_EQ(theirs.initiator, initiator::remote);
  EXPECT_EQ(theirs.cause, cause::handshake);
  EXPECT_EQ(theirs.tcp, tcp_end::our_fin_first);
  EXPECT_EQ(theirs.received->reason, "bye");
  EXPECT_EQ(theirs.sent->reason, "well");
  EXPECT_EQ(theirs.derived_code(), close_status::normal_closure);
  EXPECT_EQ(pair.client.state(), state::closed);
  EXPECT_EQ(pair.server.state(), state::closed);
}

TYPED_TEST(Closing, S1_the_server_closes_first_with_another_code) {
  ends pair = this->open(this->quick(), this->quick());
  answer closed, answered;
  reading got;
  receive(pair.client, got);
  pair.server.async_close(close_status{4321}, "server's", to(closed));
  ADIEU_UNTIL(got.come());
  EXPECT_TRUE(got.is_close(4321, "server's"));
  pair.client.async_close(close_status{3000}, "client's", to(answered));
  ADIEU_UNTIL(closed.come() && answered.come());
  EXPECT_TRUE(closed.good());
  EXPECT_TRUE(answered.good());
  EXPECT_EQ(pair.server.record()->initiator, initiator::local);
  EXPECT_EQ(pair.client.record()->initiator, initiator::remote);
  EXPECT_EQ(pair.server.record()->received->code, 3000);
  EXPECT_EQ(pair.server.record()->tcp, tcp_end::our_fin_first);
  EXPECT_EQ(pair.client.record()->tcp, tcp_end::peer_fin_first);
}

TYPED_TEST(Closing, S2_close_completes_after_tcp_is_closed) {
  ends pair = this->open(this->quick(), this->quick());
  bool record_was_there = false;
  state seen = state::none;
  bool done = false;
  pair.client.async_close(close_status::normal_closure, "", [&](error_code ec) {
    EXPECT_FALSE(ec) << ec.message();
    record_was_there = pair.client.record().has_value();
    seen = pair.client.state();
    done = true;
  });
  EXPECT_FALSE(done) << "a handler ran inside the call that started it";
  ADIEU_UNTIL(pair.server.state() == state::close_received);
  EXPECT_FALSE(done);
  EXPECT_EQ(pair.client.state(), state::close_sent);
  answer answered;
  pair.server.async_close_output(close_status::normal_closure, "", to(answered));
  ADIEU_UNTIL(done);
  EXPECT_TRUE(record_was_there);
  EXPECT_EQ(seen, state::closed);
}

TYPED_TEST(Closing, S3_close_output_answers_and_tcp_is_closed_behind_it) {
  ends pair = this->open(this->quick(), this->quick());
  answer closed, answered, ended;
  pair.server.async_close(close_status::normal_closure, "", to(closed));
  ADIEU_UNTIL(pair.client.state() == state::close_received);
  pair.client.async_close_output(close_status::normal_closure, "", to(answered));
  pair.client.async_wait_closed(to(ended));
  ADIEU_UNTIL(answered.come() && closed.come() && ended.come());
  EXPECT_TRUE(answered.good());
  EXPECT_TRUE(closed.good());
  EXPECT_TRUE(ended.record.clean);
}

TYPED_TEST(Closing, S3_a_half_close_goes_on_receiving_and_ends_by_itself) {
  ends pair = this->open(this->quick(), this->quick());
  answer half, sent[3], answered;
  pair.client.async_close_output(close_status::normal_closure, "no more", to(half));
  ADIEU_UNTIL(half.come() && pair.server.state() == state::close_received);
  EXPECT_TRUE(half.good());
  EXPECT_EQ(pair.client.state(), state::close_sent);
  for (answer& each : sent) pair.server.async_send("still here", to(each));
  for (int i = 0; i < 3; ++i) {
    reading got;
    receive(pair.client, got);
    ADIEU_UNTIL(got.come());
    EXPECT_TRUE(got.is_text("still here"));
  }
  pair.server.async_close_output(close_status::normal_closure, "", to(answered));
  reading last;
  receive(pair.client, last);
  ADIEU_UNTIL(last.come());
  EXPECT_TRUE(last.is_close(1000));
  ADIEU_UNTIL_BOTH_ENDED(pair);
  for (const answer& each : sent) EXPECT_TRUE(each.good());
  EXPECT_TRUE(pair.client.record()->clean);
  EXPECT_TRUE(pair.server.record()->clean);
  EXPECT_EQ(pair.client.record()->initiator, initiator::local);
}

TYPED_TEST(Closing, S4_abort_skips_the_handshake) {
  ends pair = this->open(this->quick(), this->quick());
  reading ours, theirs;
  receive(pair.client, ours);
  receive(pair.server, theirs);
  this->world.settle();
  pair.client.abort();
  ADIEU_UNTIL(ours.come() && theirs.come());
  EXPECT_TRUE(ours.is(errc::aborted)) << ours.ec.message();
  EXPECT_TRUE(theirs.is(errc::connection_closed_prematurely)) << theirs.ec.message();
  ADIEU_UNTIL_BOTH_ENDED(pair);
  EXPECT_EQ(pair.client.state(), state::aborted);
  EXPECT_EQ(pair.server.state(), state::aborted);
  EXPECT_FALSE(pair.client.record()->clean);
  EXPECT_EQ(pair.client.record()->cause, cause::local_abort);
  EXPECT_EQ(pair.client.record()->tcp, tcp_end::reset_sent);
  EXPECT_EQ(pair.client.record()->initiator, initiator::nobody);
  EXPECT_FALSE(pair.client.record()->sent || pair.client.record()->received);
  EXPECT_EQ(pair.server.record()->cause, cause::peer_reset);
  EXPECT_EQ(pair.server.record()->tcp, tcp_end::reset_received);
  EXPECT_EQ(pair.server.record()->derived_code(), close_status::abnormal_closure);
}

TYPED_TEST(Closing, S4_the_destructor_cuts_tcp_without_a_close_frame) {
  ends pair = this->open(this->quick(), this->quick());
  reading theirs;
  receive(pair.server, theirs);
  const connection_handle handle = pair.client.handle();
  int told = 0;
  pair.client.on_end([&](const disconnect_record& record) {
    ++told;
    EXPECT_EQ(record.cause, cause::disposed);
  });
  pair.client = websocket();
  ADIEU_UNTIL(theirs.come() && handle.record());
  EXPECT_TRUE(theirs.is(errc::connection_closed_prematurely));
  EXPECT_EQ(handle.record()->cause, cause::disposed);
  EXPECT_EQ(handle.state(), state::closed);  // N11
  EXPECT_EQ(pair.server.record()->cause, cause::peer_vanished);
  EXPECT_EQ(pair.server.record()->tcp, tcp_end::peer_fin_first);
  EXPECT_EQ(told, 1);
}

TYPED_TEST(Closing, S5_close_succeeds_iff_the_handshake_was_clean) {
  {
    ends pair = this->open(this->quick(), this->quick());
    answer closed;
    pair.client.async_close(close_status::normal_closure, "", to(closed));
    ADIEU_UNTIL(pair.server.state() == state::close_received);
    pair.server.abort();
    ADIEU_UNTIL(closed.come());
    EXPECT_TRUE(closed.is(errc::connection_closed_prematurely)) << closed.ec.message();
    EXPECT_FALSE(pair.client.record()->clean);
    EXPECT_EQ(pair.client.record()->cause, cause::peer_reset);
    EXPECT_EQ(pair.client.record()->initiator, initiator::local);
    EXPECT_TRUE(pair.client.record()->sent && !pair.client.record()->received);
  }
  {
    ends pair = this->open(this->quick(), this->quick());
    answer closed;
    pair.client.async_close(close_status::normal_closure, "", to(closed));
    ADIEU_UNTIL(pair.server.state() == state::close_received);
    pair.client.abort();
    ADIEU_UNTIL(closed.come());
    EXPECT_TRUE(closed.is(errc::aborted)) << closed.ec.message();
    EXPECT_FALSE(pair.client.record()->clean);
    EXPECT_EQ(pair.client.record()->cause, cause::local_abort);
  }
  {
    websocket_options never_answers = this->quick();
    never_answers.close_timeout = 10s;
    ends pair = this->open(this->quick(), never_answers);
    answer closed;
    pair.client.async_close(close_status::normal_closure, "", to(closed));
    ADIEU_UNTIL(closed.come());
    EXPECT_TRUE(closed.is(errc::close_timeout)) << closed.ec.message();
    EXPECT_FALSE(pair.client.record()->clean);
    EXPECT_EQ(pair.client.record()->cause, cause::close_timeout);
    EXPECT_EQ(pair.client.record()->timeout_phase, close_phase::awaiting_peer_close);
    EXPECT_EQ(pair.client.record()->tcp, tcp_end::reset_sent);
  }
}

// The article's loop for the side that is closed, and the websocket dies right behind it (P6).
TYPED_TEST(Closing, S6_the_articles_passive_loop_ends_cleanly) {
  ends pair = this->open(this->quick(), this->quick());
  auto passive = std::make_unique<websocket>(std::move(pair.client));
  const connection_handle handle = passive->handle();
  std::string seen;
  reading got;
  std::function<void()> loop = [&] {
    passive->async_receive(asio::buffer(got.space), [&](error_code ec, receive_result result) {
      ASSERT_FALSE(ec) << ec.message();
      if (result.type == message_type::close) {
        passive->async_close_output(
            *result.close_status, result.close_description, [&](error_code answered) {
              EXPECT_FALSE(answered);
              passive.reset();
            });
        return;
      }
      seen.append(got.space.data(), result.count);
      loop();
    });
  };
  loop();
  answer sent, closed;
  pair.server.async_send("hello", to(sent));
  pair.server.async_close(close_status::endpoint_unavailable, "going", to(closed));
  ADIEU_UNTIL(closed.come() && handle.record());
  EXPECT_EQ(seen, "hello");
  EXPECT_TRUE(closed.good()) << closed.ec.message();
  EXPECT_EQ(passive, nullptr);
  EXPECT_TRUE(handle.record()->clean);
  EXPECT_EQ(handle.record()->initiator, initiator::remote);
  EXPECT_EQ(handle.record()->sent->code, 1001);
  EXPECT_EQ(handle.record()->sent->reason, "going");
}

TYPED_TEST(Closing, S7_a_pending_receive_and_a_close_both_succeed) {
  for (const bool receive_first : {true, false}) {
    for (const bool output_only : {true, false}) {
      ends pair = this->open(this->quick(), this->quick());
      reading got, theirs;
      answer closed, answered;
      if (receive_first) receive(pair.client, got);
      if (output_only) {
        pair.client.async_close_output(close_status::normal_closure, "a", to(closed));
      } else {
        pair.client.async_close(close_status::normal_closure, "a", to(closed));
      }
      if (!receive_first) receive(pair.client, got);
      receive(pair.server, theirs);
      ADIEU_UNTIL(theirs.come());
      pair.server.async_close(close_status::normal_closure, "b", to(answered));
      ADIEU_UNTIL(closed.come() && got.come() && answered.come());
      EXPECT_TRUE(closed.good()) << closed.ec.message();
      EXPECT_TRUE(answered.good()) << answered.ec.message();
      EXPECT_TRUE(got.is_close(1000, "b")) << got.ec.message();
      EXPECT_TRUE(theirs.is_close(1000, "a"));
      ADIEU_UNTIL_BOTH_ENDED(pair);
      EXPECT_TRUE(pair.client.record()->clean);
    }
  }
}

TYPED_TEST(Closing, S7_closes_that_cross_read_local_on_both_ends_or_on_one) {
  ends pair = this->open(this->quick(), this->quick());
  answer a, b;
  pair.client.async_close(close_status::normal_closure, "c", to(a));
  pair.server.async_close(close_status::normal_closure, "s", to(b));
  ADIEU_UNTIL(a.come() && b.come());
  EXPECT_TRUE(a.good());
  EXPECT_TRUE(b.good());
  EXPECT_TRUE(pair.client.record()->clean && pair.server.record()->clean);
  EXPECT_FALSE(pair.client.record()->initiator == initiator::remote &&
               pair.server.record()->initiator == initiator::remote);
}

TYPED_TEST(Closing, S8_after_the_handshake_everything_is_invalid_for_ever) {
  ends pair = this->open(this->quick(), this->quick());
  answer closed, answered;
  reading got;
  receive(pair.server, got);
  pair.client.async_close(close_status::normal_closure, "", to(closed));
  ADIEU_UNTIL(got.come());
  pair.server.async_close_output(close_status::normal_closure, "", to(answered));
  ADIEU_UNTIL(closed.come());
  ADIEU_UNTIL_BOTH_ENDED(pair);
  for (websocket* socket : {&pair.client, &pair.server}) {
    for (int again = 0; again < 2; ++again) {
      reading piece, some, whole;
      message into;
      answer send, ping, close, close_output, ended;
      const auto all_came = [&] {
        return send.come() && ping.come() && close.come() && close_output.come() && ended.come();
      };
      receive(*socket, piece);
      ADIEU_UNTIL(piece.come());
      socket->async_receive_some(asio::buffer(some.space), to(some));
      ADIEU_UNTIL(some.come());
      socket->async_receive_message(into, to(whole));
      ADIEU_UNTIL(whole.come());
      socket->async_send("x", to(send));
      socket->async_ping(to(ping));
      socket->async_close(close_status::normal_closure, "", to(close));
      socket->async_close_output(close_status::normal_closure, "", to(close_output));
      socket->async_wait_closed(to(ended));
      ADIEU_UNTIL(all_came());
      for (const answer* each : std::initializer_list<const answer*>{
               &piece, &some, &whole, &send, &ping, &close, &close_output}) {
        EXPECT_TRUE(each->is(errc::invalid_state)) << each->ec.message();
        EXPECT_NE(each->ec.message().find("closed"), std::string::npos) << each->ec.message();
      }
      EXPECT_TRUE(ended.good());
      EXPECT_THROW((void)socket->try_receive(asio::buffer(piece.space)), system_error);
    }
  }
}

TYPED_TEST(Closing, S9_tcp_that_ends_without_a_handshake_is_premature) {
  ends pair = this->open(this->quick(), this->quick());
  reading got, after;
  answer sent;
  pair.server.async_send("last words", to(sent));
  ADIEU_UNTIL(sent.come());
  pair.server = websocket();
  ADIEU_UNTIL(pair.client.state() == state::aborted);
  receive(pair.client, got);
  ADIEU_UNTIL(got.come());
  EXPECT_TRUE(got.is_text("last words"));
  receive(pair.client, after);
  ADIEU_UNTIL(after.come());
  EXPECT_TRUE(after.is(errc::connection_closed_prematurely)) << after.ec.message();
  EXPECT_EQ(pair.client.record()->cause, cause::peer_vanished);
  EXPECT_EQ(pair.client.record()->tcp, tcp_end::peer_fin_first);
  EXPECT_EQ(pair.client.record()->initiator, initiator::nobody);
}

}  // namespace
}  // namespace adieu::test
