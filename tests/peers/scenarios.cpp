// The scenarios, and what our own side must make of each.
#include "tests/peers/scenarios.hpp"

namespace peers {

link open(adieu_side& side, peer& with, way what, json::object how, route by) {
  link out(with, what);
  const auto via = [&](std::uint16_t port) {
    if (by == route::direct) return port;
    out.between = std::make_unique<relay>(side.loop(), port);
    return out.between->port();
  };
  switch (what) {
    case way::client:
      how["url"] = url_of(via(side.serve()));
      out.tell("connect", how);
      out.ours = side.accepted();
      break;
    case way::server: {
      out.tell("listen", how);
      const auto port = json::value_to<std::uint16_t>(out.event("listening").at("port"));
      out.ours = side.connect(url_of(via(port)));
      break;
    }
    case way::adopted_client:
      how["port"] = via(side.listen_to_adopt());
      out.tell("adopt_connect", how);
      out.ours = side.adopt_accepted();
      break;
    case way::adopted_server: {
      out.tell("adopt_listen", how);
      const auto port = json::value_to<std::uint16_t>(out.event("listening").at("port"));
      out.ours = side.adopt_connected(via(port));
      break;
    }
  }
  out.event("open");
  return out;
}

void expect_frame(const std::optional<adieu::close_frame>& frame, const expected_close& expected) {
  ASSERT_TRUE(frame);
  EXPECT_EQ(frame->code.has_value(), expected.code.has_value());
  EXPECT_EQ(frame->code.value_or(std::uint16_t{0}), expected.code.value_or(0));
  EXPECT_EQ(frame->reason, expected.reason);
}

void expect_nothing_lost(const disconnect_record& record) {
  EXPECT_EQ(record.lost.unsent_messages, 0u);
  EXPECT_EQ(record.lost.unsent_bytes, 0u);
  EXPECT_EQ(record.lost.discarded_messages, 0u);
  EXPECT_EQ(record.lost.discarded_bytes, 0u);
}

void expect_clean(const disconnect_record& record,
                  initiator who,
                  const expected_close& sent,
                  const expected_close& got,
                  tcp_end tcp) {
  EXPECT_TRUE(record.clean);
  EXPECT_EQ(record.cause, cause::handshake) << to_string(record.cause);
  EXPECT_EQ(record.initiator, who) << to_string(record.initiator);
  EXPECT_EQ(record.tcp, tcp) << to_string(record.tcp);
  EXPECT_FALSE(record.teardown_timed_out);
  EXPECT_LT(record.ended, std::chrono::seconds(20));
  expect_frame(record.sent, sent);
  expect_frame(record.received, got);
  expect_nothing_lost(record);
}

void expect_unclean(const disconnect_record& record, cause why, tcp_end tcp) {
  EXPECT_FALSE(record.clean);
  EXPECT_EQ(record.cause, why) << to_string(record.cause);
  EXPECT_EQ(record.initiator, initiator::nobody) << to_string(record.initiator);
  EXPECT_EQ(record.tcp, tcp) << to_string(record.tcp);
  EXPECT_FALSE(record.sent);
  EXPECT_FALSE(record.received);
  expect_nothing_lost(record);
}

void expect_close_received(const received& got, unsigned code, const std::string& reason) {
  EXPECT_FALSE(got.ec) << got.ec.message();
  ASSERT_EQ(got.result.type, message_type::close);
  EXPECT_EQ(got.result.count, 0u);  // N5
  EXPECT_TRUE(got.result.end_of_message);
  EXPECT_EQ(static_cast<unsigned>(got.result.close_status.value()), code);
  EXPECT_EQ(got.result.close_description, reason);
}

json::object we_let_go(link& with) {
  with.ours->release();
  const disconnect_record record = with.ours->record();
  if (with.peer_is == way::client) {
    expect_clean(record, initiator::local, {1000, ""}, {1000, ""}, with.usual_tcp_end());
  } else {
    expect_unclean(record, cause::disposed, tcp_end::our_fin_first);
  }
  return with.end();
}

void expect_over(our_end& ours) {
  EXPECT_EQ(ours.receive().ec, errc::invalid_state);
  EXPECT_EQ(ours.send({message_type::text, "too late"}), errc::invalid_state);
  EXPECT_EQ(ours.close(close_status::normal_closure, ""), errc::invalid_state);
}

void exchange_echoes(link& with) {
  for (const std::size_t size : {0u, 1u, 125u, 126u, 65535u, 65536u, 1024u * 1024u}) {
    for (const message_type type : {message_type::text, message_type::binary}) {
      SCOPED_TRACE(testing::Message() << size << " bytes, " << to_string(type));
      std::string payload(size, 'a');
      for (std::size_t i = 0; i < size; ++i) {
        payload[i] = static_cast<char>(type == message_type::text ? 'a' + i % 26 : i % 251 + 4);
      }
      auto sending = with.ours->start_send({type, payload});
      const received back = with.ours->receive();
      EXPECT_FALSE(wait_for(std::move(sending), "a send"));
      ASSERT_FALSE(back.ec) << back.ec.message();
      EXPECT_EQ(back.message.type, type);
      EXPECT_TRUE(back.message.payload == payload) << back.message.payload.size();
    }
  }
  std::string pieces = "Grüße, ";
  pieces.append(70'000, 'p').append(" 你好");
  EXPECT_FALSE(with.ours->send_pieces(message_type::text, pieces, 7));
  const received back = with.ours->receive();
  EXPECT_EQ(back.message.type, message_type::text);
  EXPECT_TRUE(back.message.payload == pieces) << back.message.payload.size();

  const auto [ec, round_trip] = with.ours->ping();
  EXPECT_FALSE(ec) << ec.message();
  EXPECT_GT(round_trip.count(), 0);
  EXPECT_LT(round_trip, std::chrono::seconds(10));
}

void exchange_compressed(link& with) {
  exchange_echoes(with);
  for (int i = 0; i < 50; ++i) {  // which a context makes small
    const std::string text = "{\"item\": " + std::to_string(i) + std::string(300, ' ') + "}";
    EXPECT_FALSE(with.ours->send({message_type::text, text}));
    EXPECT_EQ(with.ours->receive().message.payload, text);
  }
  EXPECT_FALSE(with.ours->close(close_status::normal_closure, "enough"));
  EXPECT_TRUE(with.ours->record().clean);
  with.end();
}

void receive_fragments(link& with) {
  with.tell("send", {{"count", 2}, {"size", 30'000}, {"pieces", 5}});
  for (int i = 0; i < 2; ++i) {
    const received got = with.ours->receive();
    EXPECT_EQ(got.message.type, message_type::text);
    EXPECT_EQ(got.message.payload.substr(0, 3), std::to_string(i) + ":x");
    EXPECT_EQ(got.message.payload.size(), 30'000u);
  }
  with.event("sent");
}

json::object we_close(link& with) {
  auto receiving = with.ours->start_receive();
  EXPECT_FALSE(with.ours->close(close_status{4001}, "bye"));
  expect_close_received(wait_for(std::move(receiving), "the Close"), 4001, "bye");
  expect_clean(
      with.ours->record(), initiator::local, {4001, "bye"}, {4001, "bye"}, with.usual_tcp_end());
  expect_over(*with.ours);
  return with.end();
}

json::object we_close_without_code(link& with, const expected_close& answer) {
  EXPECT_FALSE(with.ours->close(close_status::no_status_received, ""));
  expect_clean(with.ours->record(), initiator::local, {}, answer, with.usual_tcp_end());
  return with.end();
}

json::object peer_closes(link& with, std::optional<tcp_end> tcp) {
  auto receiving = with.ours->start_receive();
  with.tell("close", {{"code", 4002}, {"reason", "see you, 再见"}});
  const received got = wait_for(std::move(receiving), "the Close");
  expect_close_received(got, 4002, "see you, 再见");
  EXPECT_EQ(with.ours->state(), adieu::state::close_received);
  EXPECT_FALSE(with.ours->close_output(*got.result.close_status, got.result.close_description));
  expect_clean(with.ours->record(),
               initiator::remote,
               {4002, "see you, 再见"},
               {4002, "see you, 再见"},
               tcp.value_or(with.usual_tcp_end()));
  expect_over(*with.ours);
  return with.end();
}

json::object peer_closes_without_code(link& with) {
  auto receiving = with.ours->start_receive();
  with.tell("close");
  const received got = wait_for(std::move(receiving), "the Close");
  expect_close_received(got, 1005, "");
  EXPECT_FALSE(with.ours->close_output(*got.result.close_status, got.result.close_description));
  expect_clean(with.ours->record(), initiator::remote, {}, {}, with.usual_tcp_end());
  return with.end();
}

json::object closes_cross(link& with, std::optional<tcp_end> tcp) {
  with.between->hold(with.towards_peer());
  with.between->hold(with.towards_us());
  with.tell("close", {{"code", 4002}, {"reason", "theirs"}});
  with.between->wait_held(with.towards_us());
  auto closing = with.ours->start_close(close_status{4001}, "ours");
  with.between->wait_held(with.towards_peer());
  with.between->release(with.towards_us());
  with.between->release(with.towards_peer());
  EXPECT_FALSE(wait_for(std::move(closing), "the close"));
  expect_clean(with.ours->record(),
               initiator::local,
               {4001, "ours"},
               {4002, "theirs"},
               tcp.value_or(with.usual_tcp_end()));
  return with.end();
}

json::object closes_race(link& with) {
  with.tell("close", {{"code", 4002}, {"reason", "theirs"}});
  EXPECT_FALSE(with.ours->close(close_status{4001}, "ours"));
  const disconnect_record record = with.ours->record();
  EXPECT_TRUE(record.clean);
  EXPECT_EQ(record.cause, cause::handshake) << to_string(record.cause);
  EXPECT_NE(record.initiator, initiator::nobody);
  EXPECT_FALSE(record.teardown_timed_out);
  expect_frame(record.sent, {4001, "ours"});
  if (record.received && record.received->code == 4001) {
    EXPECT_EQ(record.initiator, initiator::local);
    expect_frame(record.received, {4001, "ours"});
  } else {
    expect_frame(record.received, {4002, "theirs"});
  }
  return with.end();
}

json::object peer_drops(link& with, const std::string& how) {
  auto receiving = with.ours->start_receive();
  with.tell("drop", {{"how", how}});
  const received got = wait_for(std::move(receiving), "the error");
  EXPECT_EQ(got.ec, errc::connection_closed_prematurely) << got.ec.message();  // S9
  const bool reset = how == "reset";
  // At a FIN without a Close there is nothing to wait for: our side answers with its own (N9).
  expect_unclean(with.ours->record(),
                 reset ? cause::peer_reset : cause::peer_vanished,
                 reset ? tcp_end::reset_received : tcp_end::peer_fin_first);
  expect_over(*with.ours);
  return with.end();
}

json::object we_abort(link& with) {
  auto receiving = with.ours->start_receive();
  with.ours->abort();
  EXPECT_EQ(wait_for(std::move(receiving), "the error").ec, errc::aborted);
  expect_unclean(with.ours->record(), cause::local_abort, tcp_end::reset_sent);
  return with.end();
}

void receive_many(our_end& ours) {
  for (int i = 0; i < many; ++i) {
    const received got = ours.receive();
    ASSERT_FALSE(got.ec) << got.ec.message() << " at message " << i;
    ASSERT_EQ(got.message.type, message_type::text);
    ASSERT_EQ(got.message.payload.size(), 2000u);
    ASSERT_EQ(got.message.payload.substr(0, got.message.payload.find(':')), std::to_string(i));
  }
}

json::object peer_sends_after_our_close(link& with) {
  with.between->hold(with.towards_peer());
  EXPECT_FALSE(with.ours->close_output(close_status{4003}, "half"));
  EXPECT_EQ(with.ours->state(), adieu::state::close_sent);
  with.between->wait_held(with.towards_peer());
  with.tell("send", {{"count", many}, {"size", 2000}});
  receive_many(*with.ours);
  with.between->release(with.towards_peer());
  expect_close_received(with.ours->receive(), 4003, "half");
  expect_clean(with.ours->record(),
               initiator::local,
               {4003, "half"},
               {4003, "half"},
               with.usual_tcp_end());  // D15: no further call
  return with.end();
}

json::object peer_hears_after_its_close(link& with, std::string_view by, int heard) {
  auto receiving = with.ours->start_receive();
  with.tell(by, {{"code", 4002}, {"reason", "half"}});
  expect_close_received(wait_for(std::move(receiving), "the Close"), 4002, "half");
  for (int i = 0; i < many; ++i) {
    EXPECT_FALSE(with.ours->send({message_type::text, std::string(2000, 't')}));
  }
  EXPECT_FALSE(with.ours->close_output(close_status{4002}, "heard"));
  expect_clean(with.ours->record(),
               initiator::remote,
               {4002, "heard"},
               {4002, "half"},
               with.usual_tcp_end());
  const json::object told = with.end();
  EXPECT_EQ(text(told, "messages"), std::to_string(heard));
  EXPECT_EQ(text(told, "bytes"), std::to_string(heard * 2000));
  EXPECT_EQ(text(told, "code"), "4002");
  EXPECT_EQ(text(told, "reason"), "heard");
  return told;
}

json::object peer_sends_and_closes(link& with) {
  with.tell("send", {{"count", many}, {"size", 2000}});
  with.tell("close", {{"code", 1000}, {"reason", "all said"}});
  return we_hear_it_out(with);
}

json::object we_hear_it_out(link& with) {
  receive_many(*with.ours);
  expect_close_received(with.ours->receive(), 1000, "all said");
  EXPECT_FALSE(with.ours->close_output(close_status::normal_closure, "all heard"));
  expect_clean(with.ours->record(),
               initiator::remote,
               {1000, "all heard"},
               {1000, "all said"},
               with.usual_tcp_end());
  return with.end();
}

json::object we_send_and_close(link& with) {
  for (int i = 0; i < many; ++i) {
    EXPECT_FALSE(with.ours->send({message_type::binary, std::string(2000, 'b')}));
  }
  EXPECT_FALSE(with.ours->close(close_status::normal_closure, "all said"));
  expect_clean(with.ours->record(),
               initiator::local,
               {1000, "all said"},
               {1000, "all said"},
               with.usual_tcp_end());
  const json::object told = with.end();
  EXPECT_EQ(text(told, "messages"), std::to_string(many));
  EXPECT_EQ(text(told, "bytes"), std::to_string(many * 2000));
  return told;
}

}  // namespace peers
