// Peers that misbehave, made of raw sockets: how each end is told, field by field.
#include <boost/asio/local/connect_pair.hpp>
#include <boost/asio/local/stream_protocol.hpp>

#include "tests/net/raw_fixture.hpp"

namespace adieu::test {
namespace {

class Misbehaviour : public with_raw_peer {
 protected:
  /// The peer sends `bytes`; the connection fails with `code` on the wire and `errc::faulted`.
  void expect_failure(std::string_view bytes, unsigned code, role self = role::client) {
    meet(self);
    reading got, after;
    receive(socket, got);
    peer.send(bytes);
    ASSERT_TRUE(world.run_until([&] { return got.come(); }));
    EXPECT_TRUE(got.is(errc::faulted)) << got.ec.message();
    EXPECT_EQ(socket.state(), state::aborted);
    EXPECT_EQ(peer_sees_end(), raw_socket::end::fin);
    std::string frame = peer.got;
    ASSERT_GE(frame.size(), self == role::client ? 8U : 4U);
    EXPECT_EQ(static_cast<unsigned char>(frame[0]), 0x88);
    if (self == role::client) {
      for (std::size_t i = 6; i < frame.size(); ++i) {
        frame[i] = static_cast<char>(frame[i] ^ frame[2 + (i - 6) % 4]);
      }
      frame.erase(2, 4);
    }
    EXPECT_EQ(frame.substr(2, 2), close_body(code));
    EXPECT_FALSE(record().has_value()) << "D14: drained until the peer's FIN";
    peer.fin();
    ASSERT_TRUE(world.run_until([&] { return record().has_value(); }));
    EXPECT_FALSE(record()->clean);
    EXPECT_EQ(record()->cause, cause::protocol_error_by_peer);
    EXPECT_NE(record()->broken_rule, core::violation::none);
    EXPECT_EQ(record()->sent->code, code);
    EXPECT_EQ(record()->tcp, tcp_end::our_fin_first);
    receive(socket, after);
    ASSERT_TRUE(world.run_until([&] { return after.come(); }));
    EXPECT_TRUE(after.is(errc::invalid_state));
  }
};

TEST_F(Misbehaviour, S9_a_fin_without_a_close) {
  meet(role::client);
  reading got;
  receive(socket, got);
  peer.fin();
  ASSERT_TRUE(world.run_until([&] { return got.come() && record(); }));
  EXPECT_TRUE(got.is(errc::connection_closed_prematurely));
  EXPECT_EQ(record()->cause, cause::peer_vanished);
  EXPECT_EQ(record()->tcp, tcp_end::peer_fin_first);
  EXPECT_FALSE(record()->sent || record()->received);
  EXPECT_EQ(peer_sees_end(), raw_socket::end::fin);
}

TEST_F(Misbehaviour, S9_N9_a_reset) {
  for (const role self : {role::client, role::server}) {
    meet(self);
    reading got;
    receive(socket, got);
    world.settle();
    peer.reset();
    ASSERT_TRUE(world.run_until([&] { return got.come() && record(); }));
    EXPECT_TRUE(got.is(errc::connection_closed_prematurely));
    EXPECT_EQ(record()->cause, cause::peer_reset);
    EXPECT_EQ(record()->tcp, tcp_end::reset_received);
    EXPECT_EQ(socket.state(), state::aborted);
  }
}

TEST_F(Misbehaviour, S9_a_fin_in_the_middle_of_a_frame) {
  meet(role::client);
  reading got, end;
  receive(socket, got);
  const std::string frame = bare_frame(text_frame, "0123456789");
  peer.send(frame.substr(0, 7));
  peer.fin();
  ASSERT_TRUE(world.run_until([&] { return got.come() && record(); }));
  EXPECT_TRUE(got.is(errc::connection_closed_prematurely)) << got.ec.message() << got.text();
  EXPECT_EQ(record()->cause, cause::peer_vanished);
  EXPECT_EQ(record()->lost.discarded_bytes + record()->lost.unread_bytes, 5U);
}

// A Unix socket has no reset: whoever closed it has vanished.
TEST_F(Misbehaviour, S9_a_unix_peer_that_leaves_right_behind_its_close) {
  asio::local::stream_protocol::socket ours(world.executor()), theirs(world.executor());
  asio::local::connect_pair(ours, theirs);
  peer = raw_socket(theirs.release());
  socket = websocket::adopt(std::move(ours), role::server, quick());
  peer.send(masked_frame(close_frame_byte, close_body(1001, "going")));
  peer.close();
  ASSERT_TRUE(world.run_until([&] { return record().has_value(); }));
  EXPECT_FALSE(record()->clean);
  EXPECT_EQ(record()->cause, cause::peer_vanished);
  EXPECT_EQ(record()->tcp, tcp_end::peer_fin_first);
  EXPECT_FALSE(record()->sent);
}

TEST_F(Misbehaviour, S9_a_reset_while_we_close) {
  meet(role::client);
  answer closed;
  socket.async_close(close_status::normal_closure, "", to(closed));
  ASSERT_TRUE(peer_gets(8));
  peer.reset();
  ASSERT_TRUE(world.run_until([&] { return closed.come(); }));
  EXPECT_TRUE(closed.is(errc::connection_closed_prematurely));
  EXPECT_EQ(record()->cause, cause::peer_reset);
  EXPECT_EQ(record()->initiator, initiator::local);
}

TEST_F(Misbehaviour, N6_a_close_payload_of_one_byte) {
  expect_failure(bare_frame(close_frame_byte, "x"), 1002);
}
TEST_F(Misbehaviour, N6_codes_that_must_not_be_on_the_wire) {
  for (const unsigned code : {0U, 999U, 1004U, 1005U, 1006U, 1015U, 1016U, 2999U, 5000U, 65535U}) {
    SCOPED_TRACE(code);
    expect_failure(bare_frame(close_frame_byte, close_body(code)), 1002);
  }
}
TEST_F(Misbehaviour, N6_codes_that_are_accepted) {
  for (const unsigned code : {1000U, 1001U, 1008U, 1011U, 1012U, 1013U, 1014U, 3000U, 4999U}) {
    meet(role::client);
    reading got;
    receive(socket, got);
    peer.send(bare_frame(close_frame_byte, close_body(code, "why")));
    ASSERT_TRUE(world.run_until([&] { return got.come(); }));
    EXPECT_TRUE(got.is_close(static_cast<std::uint16_t>(code), "why")) << code;
  }
}
TEST_F(Misbehaviour, N8_reserved_bits) { expect_failure(bare_frame(0xC1, "x"), 1002); }
TEST_F(Misbehaviour, N8_text_that_is_not_utf8) {
  expect_failure(bare_frame(text_frame, "\xFF\xFE"), 1007);
}
TEST_F(Misbehaviour, D3_a_close_reason_that_is_not_utf8) {
  expect_failure(bare_frame(close_frame_byte, close_body(1000, "\xC3")), 1007);
}
TEST_F(Misbehaviour, D4_a_client_that_does_not_mask) {
  expect_failure(bare_frame(text_frame, "x"), 1002, role::server);
}
TEST_F(Misbehaviour, D4_a_server_that_masks) {
  expect_failure(masked_frame(text_frame, "x"), 1002);
}
TEST_F(Misbehaviour, D16_a_length_that_is_not_minimal) {
  expect_failure(std::string("\x81\x7E\x00\x05hello", 9), 1002);
}
TEST_F(Misbehaviour, N8_a_fragmented_ping) { expect_failure(bare_frame(0x09, ""), 1002); }
TEST_F(Misbehaviour, N8_a_continuation_of_nothing) { expect_failure(bare_frame(0x80, "x"), 1002); }

TEST_F(Misbehaviour, D2_a_close_without_a_code_is_1005) {
  meet(role::client);
  reading got;
  receive(socket, got);
  peer.send(bare_frame(close_frame_byte, ""));
  ASSERT_TRUE(world.run_until([&] { return got.come(); }));
  EXPECT_TRUE(got.is_close(1005));
  EXPECT_EQ(socket.close_status(), close_status::no_status_received);
  answer answered;
  socket.async_close_output(*got.received.close_status, "", to(answered));
  ASSERT_TRUE(peer_gets(6));
  EXPECT_EQ(peer.got.size(), 6U);  // no payload: header and mask
  peer.fin();
  ASSERT_TRUE(world.run_until([&] { return record().has_value(); }));
  EXPECT_TRUE(record()->clean);
  EXPECT_FALSE(record()->received->code.has_value());
  EXPECT_FALSE(record()->sent->code.has_value());
  EXPECT_EQ(record()->derived_code(), close_status::no_status_received);
}

// D14: after our Close 1002 nothing more is parsed, and nothing more is answered.
TEST_F(Misbehaviour, D14_nothing_is_parsed_after_a_broken_rule) {
  meet(role::server);
  peer.send(bare_frame(text_frame, "bad") + masked_frame(ping_frame, "hi") +
            masked_frame(close_frame_byte, close_body(1000)));
  EXPECT_EQ(peer_sees_end(), raw_socket::end::fin);
  EXPECT_EQ(peer.got.substr(2, 2), close_body(1002));
  EXPECT_EQ(peer.got.size(), 2U + static_cast<unsigned char>(peer.got[1]));
  peer.close();
  ASSERT_TRUE(world.run_until([&] { return record().has_value(); }));
  EXPECT_FALSE(record()->received.has_value());
  EXPECT_EQ(record()->initiator, initiator::local);
}

TEST_F(Misbehaviour, N8_the_peer_says_that_we_broke_a_rule) {
  meet(role::client);
  reading got;
  receive(socket, got);
  peer.send(bare_frame(close_frame_byte, close_body(1002, "you did")));
  ASSERT_TRUE(world.run_until([&] { return got.come(); }));
  EXPECT_TRUE(got.is_close(1002, "you did"));
  answer answered;
  socket.async_close_output(close_status::protocol_error, "", to(answered));
  peer.fin();
  ASSERT_TRUE(world.run_until([&] { return record().has_value(); }));
  EXPECT_FALSE(record()->clean);
  EXPECT_EQ(record()->cause, cause::protocol_error_by_us);
}

// N10: the server never closes TCP; a client waits for `linger` and then does.
TEST_F(Misbehaviour, N10_a_client_waits_for_the_servers_fin_only_so_long) {
  meet(role::client);
  answer closed;
  const auto began = std::chrono::steady_clock::now();
  socket.async_close(close_status::normal_closure, "", to(closed));
  ASSERT_TRUE(peer_gets(8));
  peer.send(bare_frame(close_frame_byte, close_body(1000)));
  ASSERT_TRUE(world.run_until([&] { return closed.come(); }));
  EXPECT_TRUE(closed.good()) << closed.ec.message();
  EXPECT_GE(std::chrono::steady_clock::now() - began, 100ms);
  EXPECT_TRUE(record()->clean);
  EXPECT_TRUE(record()->teardown_timed_out);
  EXPECT_EQ(record()->tcp, tcp_end::timed_out);
  EXPECT_EQ(peer.read_to_end(), raw_socket::end::fin);
}

// D9: the peer has data in flight when we close; our Close frame must arrive all the same.
TEST_F(Misbehaviour, D9_a_close_frame_survives_data_that_is_in_flight) {
  websocket_options options = quick();
  options.close_timeout = 2s;
  options.linger = 1s;
  meet(role::server, options);
  answer closed;
  socket.async_close(close_status::normal_closure, "bye", to(closed));
  ASSERT_TRUE(world.run_until([&] { return socket.state() == state::close_sent; }));
  const std::string data = masked_frame(text_frame, std::string(60000, 'x'));
  for (int i = 0; i < 8; ++i) (void)peer.send_some(data);
  world.settle();
  peer.send(masked_frame(close_frame_byte, close_body(1000)));
  for (int i = 0; i < 3; ++i) {  // and more behind its Close
    world.settle();
    peer.send("garbage behind the Close");
  }
  EXPECT_EQ(peer_sees_end(), raw_socket::end::fin);
  EXPECT_EQ(peer.got, bare_frame(close_frame_byte, close_body(1000, "bye")));
  peer.close();
  ASSERT_TRUE(world.run_until([&] { return closed.come(); }));
}

TEST_F(Misbehaviour, D9_what_comes_behind_both_closes_is_drained_not_reset) {
  websocket_options options = quick();
  options.linger = 1s;
  meet(role::server, options);
  peer.send(masked_frame(close_frame_byte, close_body(1000)));
  ASSERT_TRUE(world.run_until([&] { return socket.state() == state::close_received; }));
  answer answered;
  socket.async_close_output(close_status::normal_closure, "", to(answered));
  for (int i = 0; i < 5; ++i) {
    peer.send(std::string(1000, 'z'));
    world.settle();
  }
  EXPECT_EQ(peer_sees_end(), raw_socket::end::fin);
  peer.close();
  ASSERT_TRUE(world.run_until([&] { return record().has_value(); }));
  EXPECT_TRUE(record()->clean);
  EXPECT_EQ(record()->tcp, tcp_end::our_fin_first);
}

TEST_F(Misbehaviour, P5_a_peer_that_trickles_cannot_extend_the_deadline) {
  meet(role::client);
  answer closed;
  const auto began = std::chrono::steady_clock::now();
  socket.async_close(close_status::normal_closure, "", to(closed));
  ASSERT_TRUE(world.run_until([&] {
    (void)peer.send_some(bare_frame(text_frame, "."));
    return closed.come();
  }));
  EXPECT_LT(std::chrono::steady_clock::now() - began, 1s);
  EXPECT_TRUE(closed.is(errc::close_timeout));
  EXPECT_EQ(record()->cause, cause::close_timeout);
  EXPECT_EQ(record()->timeout_phase, close_phase::awaiting_peer_close);
  EXPECT_GT(record()->lost.discarded_messages, 0U);
}

TEST_F(Misbehaviour, P9_frames_that_came_with_the_handshake_are_kept) {
  meet(role::client,
       quick(),
       bare_frame(text_frame, "early") + bare_frame(0x82, "bird").substr(0, 3));
  reading first, second;
  receive(socket, first);
  ASSERT_TRUE(world.run_until([&] { return first.come(); }));
  EXPECT_TRUE(first.is_text("early"));
  peer.send("ird");
  receive(socket, second);
  ASSERT_TRUE(world.run_until([&] { return second.come(); }));
  EXPECT_EQ(second.text(), "bird");
}

TEST_F(Misbehaviour, P1_pings_are_answered_after_our_close_until_the_peers) {
  websocket_options patient = quick();
  patient.close_timeout = 3s;
  meet(role::server, patient);
  answer closed;
  socket.async_close(close_status::normal_closure, "", to(closed));
  ASSERT_TRUE(peer_gets(4));
  peer.got.clear();
  peer.send(masked_frame(ping_frame, "still there?"));
  ASSERT_TRUE(peer_gets(14));
  EXPECT_EQ(peer.got, bare_frame(pong_frame, "still there?"));
  peer.send(masked_frame(close_frame_byte, close_body(1000)) + masked_frame(ping_frame, "late"));
  peer.got.clear();
  EXPECT_EQ(peer_sees_end(), raw_socket::end::fin);
  EXPECT_EQ(peer.got, "");
  peer.close();
  ASSERT_TRUE(world.run_until([&] { return closed.come(); }));
  EXPECT_TRUE(closed.good());
}

}  // namespace
}  // namespace adieu::test
