// A peer that breaks a rule (N8, D3, D4, D14, D16): our Close with the rule's code, aborted at
// once, nothing more is parsed, FIN, drain; never clean. And the peer that says that we broke one.
#include "tests/core/pair.hpp"

namespace adieu::test {
namespace {

using core::violation;

class Failing : public BothRoles {
 protected:
  endpoint e{self()};
  [[nodiscard]] std::string close_sent() const {
    const auto f = e.frames();
    return f.empty() || f.back().op != close_op ? "none" : f.back().payload.substr(0, 2);
  }
};
ADIEU_BOTH_ROLES(Failing);

TEST_P(Failing, D14_the_whole_course_of_a_failure) {
  const ticket r = e.receive(), close_waits = e.wait_closed();
  e.feed({3, "reserved"});
  EXPECT_EQ(e.core.state(), state::aborted);
  EXPECT_EQ(e.error(r), errc::faulted);
  EXPECT_EQ(close_sent(), close_payload_bytes(1002));
  EXPECT_EQ(e.obeyed, (std::vector{command::shut_output}));
  e.feed({text_op, "not parsed any more"});
  e.feed_close(1002);
  EXPECT_FALSE(e.record().received);
  EXPECT_TRUE(e.pending(close_waits));
  e.fin();
  EXPECT_EQ(e.error(close_waits), errc::success);
  EXPECT_EQ(e.record().cause, cause::protocol_error_by_peer);
  EXPECT_EQ(e.record().broken_rule, violation::reserved_opcode);
  EXPECT_EQ(e.record().broken_at, 0U);
  EXPECT_EQ(e.record().initiator, initiator::local);
  EXPECT_FALSE(e.record().clean);
  EXPECT_EQ(e.record().tcp, tcp_end::our_fin_first);
}

TEST_P(Failing, D14_the_drain_lasts_a_second) {
  e.feed({3, ""});
  e.advance(999ms);
  EXPECT_FALSE(e.core.ended());
  e.advance(1ms);
  EXPECT_TRUE(e.core.ended());
  EXPECT_EQ(e.record().tcp, tcp_end::timed_out);
}

TEST_P(Failing, D14_our_close_must_be_written_in_time) {
  e.room = 0;
  e.feed({3, ""});
  EXPECT_EQ(e.core.state(), state::aborted);
  e.advance(10s);
  EXPECT_TRUE(e.core.ended());
  EXPECT_EQ(e.record().cause, cause::protocol_error_by_peer);  // the first event counts
}

TEST_P(Failing, P2_data_before_the_fault_is_delivered_first) {
  const role peer = other(self());
  e.feed(encode(peer, {text_op, "good"}) + encode(peer, {text_op, "b\xFF"}) +
         encode(peer, {text_op, "never seen"}));
  EXPECT_EQ(e.data(e.receive()), "good");
  EXPECT_EQ(e.error(e.receive()), errc::faulted);
  EXPECT_EQ(e.error(e.receive()), errc::invalid_state);
  EXPECT_EQ(close_sent(), close_payload_bytes(1007));
  const std::uint64_t header = peer == role::client ? 6 : 2;
  EXPECT_EQ(e.record().broken_at, header + 4 + header + 1);
}

// What a receive brings never depends on where the network cut the bytes.
TEST_P(Failing, P2_text_is_delivered_up_to_its_first_bad_byte_however_it_is_cut) {
  const std::string wire = encode(other(self()), {text_op, "ab\xE2\x82x"});
  for (std::size_t cut = 0; cut <= wire.size(); ++cut) {
    endpoint x(self());
    x.feed(wire.substr(0, cut));
    x.feed(wire.substr(cut));
    EXPECT_EQ(x.data(x.receive(3)), "ab\xE2") << cut;
    EXPECT_EQ(x.data(x.receive(1)), "\x82") << cut;
    EXPECT_EQ(x.error(x.receive(1)), errc::faulted) << cut;
    EXPECT_EQ(x.error(x.receive(1)), errc::invalid_state) << cut;
  }
}

TEST_P(Failing, N5_a_close_that_breaks_a_rule_sets_no_close_status) {
  for (const std::string& payload :
       {close_payload_bytes(2999, "x"), close_payload_bytes(1000, "\xFF"), std::string("x")}) {
    endpoint x(self());
    x.feed({close_op, payload});
    EXPECT_EQ(x.core.state(), state::aborted);
    EXPECT_EQ(x.core.close_status(), std::nullopt);
    EXPECT_EQ(x.core.close_description(), "");
    EXPECT_TRUE(x.record().received);
  }
}

TEST_P(Failing, N11_destroyed_after_a_close_that_accuses_us_it_is_closed) {
  e.feed_close(1002);
  e.core.destroy(e.now);
  e.pump();
  EXPECT_EQ(e.core.state(), state::closed);
  EXPECT_EQ(e.record().cause, cause::protocol_error_by_us);
}

TEST_P(Failing, the_first_rule_counts_and_its_place_is_the_same_however_it_is_cut) {
  const role peer = other(self());
  const std::string good = encode(peer, {text_op, "good", false}) + encode(peer, {ping_op, "p"});
  struct {
    std::string bytes;
    violation rule;
    std::uint64_t at;
    unsigned code;
  } const cases[] = {
      {encode(peer, {text_op, "new"}), violation::expected_continuation, 0, 1002},
      {encode(peer, {continuation_op, "x", true, 4}), violation::reserved_bit_set, 0, 1002},
      {encode(peer, {ping_op, "x", false}), violation::fragmented_control_frame, 0, 1002},
      {encode(peer, {ping_op, std::string(126, 'x')}), violation::control_frame_too_long, 1, 1002},
      {encode(self(), {ping_op, "x"}),  // D4, and its mirror
       self() == role::server ? violation::unmasked_client_frame : violation::masked_server_frame,
       1,
       1002},
      {encode(peer, {close_op, "x"}), violation::invalid_close_length, 2, 1002},
      {encode(peer, {close_op, close_payload_bytes(1005)}), violation::invalid_close_code, 2, 1002},
      {encode(peer, {close_op, close_payload_bytes(1000, "\xC0")}),
       violation::invalid_utf8_close_reason,
       2,
       1007},  // D3
      {std::string("\x80", 1) + (peer == role::client ? "\xFE" : "\x7E") + std::string("\0\x05", 2),
       violation::length_not_minimal,
       2,
       1002},  // D16
      {encode(peer, {continuation_op, "a\xED\xA0\x80", true}),
       violation::invalid_utf8_text,
       4,
       1007},
  };
  for (const auto& c : cases) {
    std::uint64_t at = good.size() + c.at;
    // Offsets in a payload count from behind the mask.
    const bool in_payload =
        c.rule == violation::invalid_utf8_text || c.rule == violation::invalid_utf8_close_reason ||
        c.rule == violation::invalid_close_code || c.rule == violation::invalid_close_length;
    if (in_payload && peer == role::client) at += 4;
    const std::string wire = good + c.bytes;
    for (std::size_t cut = 0; cut <= wire.size(); ++cut) {
      endpoint x(self());
      if (cut == wire.size()) {
        x.feed_by_byte(wire);
      } else {
        x.feed(wire.substr(0, cut)), x.feed(wire.substr(cut));
      }
      EXPECT_EQ(to_string(x.record().broken_rule), to_string(c.rule)) << cut;
      EXPECT_EQ(x.record().broken_at, at) << to_string(c.rule) << " cut at " << cut;
      EXPECT_EQ(x.frames().back().payload.substr(0, 2), close_payload_bytes(c.code));
      EXPECT_EQ(x.record().sent->code, c.code);
      EXPECT_EQ(x.core.state(), state::aborted);
    }
  }
}

TEST_P(Failing, N8_a_bad_close_is_kept_raw_in_the_record) {
  e.feed({close_op, close_payload_bytes(1006, "x\x1B")});
  EXPECT_EQ(e.core.state(), state::aborted);
  ASSERT_TRUE(e.record().received);
  EXPECT_EQ(e.record().received->code, 1006);
  EXPECT_EQ(e.record().received->reason, "x\x1B");
  EXPECT_EQ(e.record().initiator, initiator::remote);  // it was read before ours was written
  EXPECT_EQ(e.error(e.receive()), errc::faulted);
}

TEST_P(Failing, D14_what_is_unsent_is_dropped_and_counted) {
  e.room = 1;
  const ticket begun = e.send("begun"), waiting = e.queue("waiting");
  e.feed({3, ""});
  EXPECT_EQ(e.error(waiting), errc::faulted);
  e.room = no_limit, e.pump();
  EXPECT_EQ(e.error(begun), errc::success);  // a frame that has begun is ended
  ASSERT_EQ(e.frames().size(), 2U);
  EXPECT_EQ(close_sent(), close_payload_bytes(1002));
  e.fin();
  EXPECT_EQ(e.record().lost.unsent_messages, 1U);
  EXPECT_EQ(e.record().lost.unsent_bytes, 7U);
}

TEST_P(Failing, P1_no_second_close) {
  e.close_output(1000);
  e.feed({3, ""});
  EXPECT_EQ(e.frames().size(), 1U);
  EXPECT_EQ(e.record().sent->code, 1000);
  EXPECT_EQ(e.obeyed, (std::vector{command::shut_output}));
  EXPECT_FALSE(e.record().clean);
}

TEST_P(Failing, a_close_that_was_half_written_stays_what_it_is) {
  e.room = 3;
  const ticket half = e.close_output(1000, "ours");
  e.feed({3, ""});
  e.room = no_limit, e.pump();
  EXPECT_EQ(e.error(half), errc::success);
  EXPECT_EQ(e.frames(), (std::vector<frame>{{close_op, close_payload_bytes(1000, "ours")}}));
  EXPECT_EQ(e.record().sent->code, 1000);
  EXPECT_EQ(e.record().sent->reason, "ours");
}

TEST_P(Failing, a_close_that_is_replaced_does_not_succeed) {
  e.room = 1;
  e.send("blocks");
  const ticket half = e.close_output(1000), full = e.close(1000);
  e.feed({3, ""});
  EXPECT_EQ(e.error(half), errc::faulted);
  e.room = no_limit, e.pump();
  EXPECT_EQ(close_sent(), close_payload_bytes(1002));
  e.fin();
  EXPECT_EQ(e.error(full), errc::faulted);
}

TEST_P(Failing, a_peer_that_accuses_us_is_not_a_clean_end) {
  for (const unsigned code : {1002U, 1003U, 1007U, 1009U, 1010U}) {
    for (const bool vanishes : {false, true}) {
      endpoint x(self());
      x.feed_close(code, "your fault");
      if (vanishes) {
        x.input_ended(input_end::reset);
      } else {
        x.close_output(code), x.fin(), x.advance(1s);
      }
      EXPECT_EQ(x.record().cause, cause::protocol_error_by_us) << code;
      EXPECT_FALSE(x.record().clean);
      EXPECT_EQ(x.result(x.receive()).close_status, close_status(code));
    }
  }
}

// A TLS stack says of such an end that it was cut off.
TEST_P(Failing, S9_the_end_that_follows_a_reset_write_is_a_reset_under_tls_too) {
  e.output_failed(input_end::reset, 104);
  e.input_ended(input_end::truncated);
  ASSERT_TRUE(e.core.ended());
  EXPECT_EQ(e.record().cause, cause::peer_reset);
  EXPECT_EQ(e.record().tcp, tcp_end::reset_received);
}

TEST_P(Failing, D12_an_error_after_both_closes_is_no_detail_of_a_clean_end) {
  e.close(1000);
  e.feed_close(1000);
  e.input_ended(input_end::error, 71);
  ASSERT_TRUE(e.core.ended());
  EXPECT_TRUE(e.record().clean);
  EXPECT_EQ(e.record().os_error, 0);
}

// Unix sockets: the peer closed right behind its Close, and there was never a reset.
TEST_P(Failing, D12_a_peer_that_left_before_our_answer_has_vanished) {
  e.feed_close(1001, "going");
  e.fin();
  e.room = 0;
  e.close_output(1001);
  e.output_failed(input_end::fin);
  ASSERT_TRUE(e.core.ended());
  EXPECT_FALSE(e.record().clean);
  EXPECT_EQ(e.record().cause, cause::peer_vanished);
  EXPECT_EQ(e.record().tcp, tcp_end::peer_fin_first);
  EXPECT_FALSE(e.record().sent);
  EXPECT_TRUE(
      to_line(e.record())
          .starts_with("not clean: the peer vanished (FIN before our Close could be sent)"));
}

TEST_P(Failing, D12_a_reset_that_only_our_answer_met_is_how_tcp_ended) {
  e.feed_close(1001, "going");
  e.room = 0;
  e.close_output(1001);
  e.output_failed(input_end::reset, 32);
  ASSERT_TRUE(e.core.ended());
  EXPECT_EQ(e.record().cause, cause::peer_reset);
  EXPECT_EQ(e.record().tcp, tcp_end::reset_received);
}

TEST_P(Failing, an_echo_of_our_own_code_accuses_nobody) {
  const ticket t = e.close(1009);
  e.feed_close(1009);
  e.fin(), e.advance(1s);
  EXPECT_TRUE(e.record().clean);
  EXPECT_EQ(e.error(t), errc::success);
}

TEST_P(Failing, both_ends_tell_the_same_story) {
  pair p;
  endpoint& us = p.side(self());
  endpoint& them = p.peer_of(us);
  const ticket r = them.receive();
  us.out += encode(self(), {text_op, "\xFF"});
  p.settle();
  EXPECT_EQ(them.record().cause, cause::protocol_error_by_peer);
  p.run(30s);
  EXPECT_TRUE(p.both_ended());
  EXPECT_EQ(us.record().cause, cause::protocol_error_by_us);
  EXPECT_EQ(us.record().received->code, 1007);
  EXPECT_EQ(them.error(r), errc::faulted);
  EXPECT_FALSE(us.record().clean || them.record().clean);
}

TEST_P(Failing, the_end_that_is_read_after_a_failed_write_is_the_write_s_error) {
  e.room = 0;
  e.send("lost");
  e.output_failed(input_end::error, 110);  // ETIMEDOUT: the socket is dead, a read says "the end"
  e.fin();
  EXPECT_EQ(e.record().cause, cause::transport_error);
  EXPECT_EQ(e.record().os_error, 110);
}

}  // namespace
}  // namespace adieu::test
