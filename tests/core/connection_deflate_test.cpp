// permessage-deflate on an open connection (RFC 7692 §6, N13, N15): what is compressed, what that
// does to the window, and what a peer can do wrong with it.
#include "tests/core/pair.hpp"

namespace adieu::test {
namespace {

using namespace std::string_literals;
using core::violation;
constexpr unsigned rsv1 = 4;

websocket_options deflating(bool takeover = true) {
  websocket_options out;
  out.deflate.emplace();
  out.deflate->client_context_takeover = out.deflate->server_context_takeover = takeover;
  return out;
}

std::string text_of(std::size_t size) {
  std::string out;
  while (out.size() < size) out += "line " + std::to_string(out.size() * 7919 % 1000) + ", ";
  out.resize(size);
  return out;
}

/// A message as a peer compresses it.
std::string deflated(std::string_view text) {
  core::compressor with(core::deflate_settings{});
  std::vector<std::byte> out;
  with.compress(core::as_bytes(text), core::compressor::flush::end_of_message, out);
  return std::string(core::as_text(out));
}

class Deflating : public BothRoles {
 protected:
  pair net{deflating(), deflating()};
  endpoint& us = net.side(self());
  endpoint& them = net.peer_of(us);
};
ADIEU_BOTH_ROLES(Deflating);

TEST_P(Deflating, N15_messages_of_every_size_arrive_as_they_were) {
  for (const bool takeover : {true, false}) {
    pair p(deflating(takeover), deflating(takeover));
    endpoint &a = p.side(self()), &b = p.peer_of(a);
    for (const std::size_t size :
         std::initializer_list<std::size_t>{0, 1, 63, 64, 1000, 65'536, 65'537, 300'000}) {
      const std::string text = text_of(size);
      const ticket got = b.receive_message(), sent = a.send(text);
      p.settle();
      EXPECT_EQ(b.data(got), text);
      EXPECT_EQ(a.error(sent), errc::success);
    }
    a.close(), p.run(10s);
    EXPECT_EQ(to_line(b.record()).find("lost"), std::string::npos) << to_line(b.record());
  }
}

TEST_P(Deflating,
       Rfc7692_Section6_1_rsv1_is_on_the_first_frame_alone_and_small_messages_go_as_they_are) {
  us.send("small");
  us.send(text_of(500), false), us.send(text_of(500), false), us.send("end");
  const auto sent = us.frames();
  ASSERT_EQ(sent.size(), 4U);
  EXPECT_EQ(sent[0], (frame{text_op, "small"}));
  EXPECT_EQ(sent[1].rsv, rsv1);
  EXPECT_EQ(sent[1].op, text_op);
  for (const std::size_t i : {2U, 3U}) {
    EXPECT_EQ(sent[i].rsv, 0U);
    EXPECT_EQ(sent[i].op, continuation_op);
  }
  EXPECT_LT(sent[1].payload.size(), 300U);
  const ticket small = them.receive_message();
  net.settle();
  const ticket large = them.receive_message();
  EXPECT_EQ(them.data(small), "small");
  EXPECT_EQ(them.data(large), text_of(500) + text_of(500) + "end");
}

TEST_P(Deflating, N13_a_message_may_go_uncompressed_and_all_its_pieces_say_so) {
  const std::string text = text_of(500);
  us.queue(text, true, 0, message_type::text, compression::none), us.pump();
  EXPECT_EQ(us.frames().at(0), (frame{text_op, text}));
  us.send(text, false);
  const ticket changed = us.queue(text, true, 0, message_type::text, compression::none);
  us.pump();
  EXPECT_EQ(us.error(changed), errc::invalid_argument);
  const ticket end = us.send("end");
  EXPECT_EQ(us.error(end), errc::success);
  const ticket plain = them.receive_message();
  net.settle();
  const ticket packed = them.receive_message();
  EXPECT_EQ(them.data(plain), text);
  EXPECT_EQ(them.data(packed), text + "end");
}

TEST_P(Deflating, N12_receives_see_the_pieces_that_were_sent) {
  us.send(text_of(500), false), us.send("", false), us.send(text_of(100)), net.settle();
  const ticket first = them.receive(1000);
  EXPECT_EQ(them.data(first), text_of(500));
  EXPECT_FALSE(them.result(first).end_of_message);
  EXPECT_EQ(them.result(them.receive(1000)).count, 0U);
  const ticket part = them.receive(60), rest = them.receive(60);
  EXPECT_EQ(them.data(part) + them.data(rest), text_of(100));
  EXPECT_FALSE(them.result(part).end_of_message);
  EXPECT_TRUE(them.result(rest).end_of_message);
}

TEST_P(Deflating, a_large_message_lets_control_frames_pass) {
  us.room = 10;
  std::string noise;  // which hardly gets smaller
  for (unsigned x = 1; noise.size() < 1'000'000; x = x * 1664525U + 1013904223U) {
    noise += static_cast<char>('!' + x / 65536 % 64);
  }
  const ticket big = us.queue(noise);
  us.pump();
  us.feed({ping_op, "in between"});
  us.room = no_limit, us.pump();
  const auto sent = us.frames();
  ASSERT_GT(sent.size(), 10U);
  EXPECT_EQ(sent[2], (frame{pong_op, "in between"}));
  EXPECT_EQ(us.error(big), errc::success);
}

TEST_P(Deflating, part_4_what_was_not_sent_is_counted_in_the_apps_bytes) {
  us.room = 10;
  const std::string big = text_of(1'000'000);
  const ticket sent = us.queue(big, true, 0);
  us.pump(), us.abort();
  EXPECT_EQ(us.error(sent), errc::aborted);
  EXPECT_EQ(us.record().lost.unsent_messages, 1U);
  EXPECT_EQ(us.record().lost.unsent_bytes, big.size());
}

// ── The window ──────────────────────────────────────────────────────────────────────────────────

constexpr std::size_t swollen = 10'000'000;  // from some ten thousand bytes

TEST_P(Deflating, P8_a_message_that_nobody_waits_for_is_compressed_too) {
  const std::string text = text_of(2000);
  EXPECT_TRUE(us.core.send_copy(message_type::text, core::as_bytes(text), us.now));
  const ticket got = them.receive_message();
  us.pump(), net.settle();
  EXPECT_EQ(them.data(got), text);
  EXPECT_EQ(us.frames().at(0).rsv, rsv1);
}

TEST_P(Deflating, N15_a_small_message_that_nobody_waits_for_goes_as_it_is) {
  EXPECT_TRUE(us.core.send_copy(message_type::text, core::as_bytes("small"), us.now));
  us.pump();
  EXPECT_EQ(us.frames(), (std::vector<frame>{{text_op, "small"}}));
}

TEST_P(Deflating, fragments_that_bring_nothing_yet_are_put_together) {
  const std::string packed = deflated(text_of(500));
  std::string wire;  // in one read
  for (std::size_t i = 0; i < packed.size(); ++i) {
    const bool first = i == 0, last = i + 1 == packed.size();
    wire +=
        encode(other(self()),
               {first ? text_op : continuation_op, packed.substr(i, 1), last, first ? rsv1 : 0});
  }
  const ticket got = us.receive_message();
  us.feed(wire);
  EXPECT_EQ(us.data(got), text_of(500));
}

TEST_P(Deflating, what_comes_before_bad_data_is_given_out_first) {
  const ticket got = us.receive(4096, receive_kind::some);
  us.feed({binary_op, deflated("good") + "\x07 no block begins so", true, rsv1});
  const ticket end = us.receive();
  EXPECT_EQ(us.data(got), "good");
  EXPECT_EQ(us.error(end), errc::faulted);
  EXPECT_EQ(us.record().broken_rule, violation::invalid_compressed_data);
}

class Swelling : public BothRoles {
 protected:
  static websocket_options narrow() {
    websocket_options out = deflating();
    out.receive_window = 1000;
    return out;
  }
  std::string bomb() const {
    return encode(other(self()), {binary_op, deflated(std::string(swollen, 'b')), true, rsv1});
  }
  endpoint e{self(), narrow()};
};
ADIEU_BOTH_ROLES(Swelling);

TEST_P(Swelling, P3_what_swells_waits_until_it_is_read) {
  e.feed(bomb() + encode(other(self()), {ping_op, "behind"}));
  EXPECT_EQ(e.core.read_allowance(), 0U);
  EXPECT_EQ(e.frames().size(), 0U) << "the Ping stands behind what nobody has read";
  std::uint64_t total = 0;
  for (bool last = false; !last;) {
    const ticket t = e.receive(100'000);
    ASSERT_FALSE(e.pending(t));
    EXPECT_EQ(e.data(t), std::string(e.result(t).count, 'b'));
    total += e.result(t).count;
    last = e.result(t).end_of_message;
  }
  EXPECT_EQ(total, swollen);
  EXPECT_EQ(e.frames().at(0), (frame{pong_op, "behind"}));
  EXPECT_GT(e.core.read_allowance(), 0U);
}

TEST_P(Swelling, P3_what_comes_while_it_waits_is_kept_behind_it) {
  e.feed(bomb());
  e.feed({ping_op, "late"});  // was on its way when reading stood still
  EXPECT_EQ(e.frames().size(), 0U);
  for (std::uint64_t total = 0; total < swollen;) total += e.result(e.receive(100'000)).count;
  EXPECT_EQ(e.frames().at(0), (frame{pong_op, "late"}));
}

TEST_P(Swelling, P3_the_rest_of_its_frame_may_come_while_it_waits) {
  // A part that fills the room to the last byte (a stored block), then another.
  const std::string first = "\x00\x00\x40\xff\xbf"s + std::string(16384, 'x');
  const std::string rest = "\x00\x03\x00\xfc\xff"s + "abc"s + "\x00"s;
  const std::string wire = encode(other(self()), {binary_op, first + rest, true, rsv1});
  e.feed(wire.substr(0, wire.size() - rest.size()));
  e.feed(wire.substr(wire.size() - rest.size()));
  std::string all;
  while (all.size() < 16387) all += e.data(e.receive(4096, receive_kind::some));
  EXPECT_EQ(all, std::string(16384, 'x') + "abc");
}

TEST_P(Swelling, P3_a_close_behind_it_comes_in_its_turn) {
  e.feed(bomb() + encode(other(self()), {close_op, close_payload_bytes(1000)}));
  EXPECT_EQ(e.core.state(), state::open);
  for (std::uint64_t total = 0; total < swollen;) total += e.result(e.receive(100'000)).count;
  EXPECT_EQ(e.core.state(), state::close_received);
  EXPECT_EQ(e.result(e.receive()).type, message_type::close);
}

TEST_P(Swelling, P3_the_end_of_input_behind_it_waits_too_if_it_would_cost_too_much) {
  websocket_options poor = narrow();
  poor.max_message_size = 1'000'000;
  endpoint x(self(), poor);
  x.feed(bomb());
  x.fin();
  EXPECT_EQ(x.core.state(), state::open);
  for (std::uint64_t total = 0; total < swollen;) total += x.result(x.receive(100'000)).count;
  EXPECT_EQ(x.core.state(), state::aborted);
  EXPECT_EQ(x.error(x.receive()), errc::connection_closed_prematurely);
  EXPECT_EQ(x.record().cause, cause::peer_vanished);
  EXPECT_EQ(x.record().lost.discarded_bytes, 0U);
}

TEST_P(Swelling, D1_the_end_of_input_behind_it_is_seen_if_it_costs_less_than_a_message) {
  e.feed(bomb());
  e.fin();
  EXPECT_EQ(e.core.state(), state::aborted);
  std::uint64_t total = 0;
  while (total < swollen) total += e.result(e.receive(100'000)).count;
  EXPECT_EQ(e.error(e.receive()), errc::connection_closed_prematurely);
}

TEST_P(Swelling, P4_a_close_of_ours_throws_it_away_and_counts_it) {
  e.feed(bomb());
  const ticket close = e.close();
  e.feed_close(1000), e.fin(), e.advance(2s);
  EXPECT_EQ(e.error(close), errc::success);
  EXPECT_EQ(e.record().lost.discarded_bytes, swollen);
  EXPECT_EQ(e.record().lost.discarded_messages, 1U);
}

TEST_P(Swelling, P9_a_message_larger_than_the_limit_is_refused_before_it_is_whole) {
  websocket_options poor = narrow();
  poor.max_message_size = 20'000;
  endpoint x(self(), poor);
  const ticket t = x.receive_message();
  x.feed(bomb());
  EXPECT_EQ(x.error(t), errc::message_too_big);
  EXPECT_EQ(x.frames().at(0).payload.substr(0, 2), close_payload_bytes(1009));
  EXPECT_EQ(x.record().cause, cause::message_too_big);
}

TEST_P(Swelling, P9_whole_messages_and_views_are_not_bound_to_the_window) {
  const ticket t = e.receive_message();
  e.feed(bomb());
  EXPECT_EQ(e.result(t).count, swollen);
  e.core.show_messages(true);
  e.feed(encode(other(self()), {text_op, deflated("shown"), true, rsv1}));
  EXPECT_EQ(e.shown, std::vector<std::string>{"shown"});
}

// ── What a peer can do wrong ────────────────────────────────────────────────────────────────────

class BadlyDeflated : public BothRoles {
 protected:
  void expect_broken(violation rule, unsigned code) {
    EXPECT_EQ(e.core.state(), state::aborted);
    EXPECT_EQ(e.record().broken_rule, rule);
    EXPECT_EQ(e.frames().at(0).payload.substr(0, 2), close_payload_bytes(code));
    ticket last = e.receive();
    while (e.result(last).count != 0) last = e.receive();  // what came before is not lost
    EXPECT_EQ(e.error(last), errc::faulted);
  }
  endpoint e{self(), deflating()};
};
ADIEU_BOTH_ROLES(BadlyDeflated);

TEST_P(BadlyDeflated, Rfc7692_data_that_is_not_deflate_is_1007) {
  e.feed({binary_op, "\xff\xff\xff", true, rsv1});
  expect_broken(violation::invalid_compressed_data, 1007);
  EXPECT_EQ(e.record().broken_at, 0U);
}

TEST_P(BadlyDeflated, Rfc7692_Section6_2_utf8_is_checked_behind_the_decompressor) {
  core::compressor with(core::deflate_settings{});
  std::vector<std::byte> begin, end;
  with.compress(
      core::as_bytes("fine so far \xE4\xBD"), core::compressor::flush::end_of_piece, begin);
  with.compress(core::as_bytes("xe"), core::compressor::flush::end_of_message, end);
  e.feed({text_op, std::string(core::as_text(begin)), false, rsv1});
  EXPECT_EQ(e.core.state(), state::open);
  e.feed({continuation_op, std::string(core::as_text(end)), true});
  expect_broken(violation::invalid_utf8_text, 1007);
}

TEST_P(BadlyDeflated, Rfc7692_Section6_1_rsv1_elsewhere_is_1002) {
  e.feed({text_op, deflated("begin"), false, rsv1});
  e.feed({continuation_op, "x", true, rsv1});
  EXPECT_EQ(e.record().broken_rule, violation::reserved_bit_set);
  endpoint control(self(), deflating());
  control.feed({ping_op, "x", true, rsv1});
  EXPECT_EQ(control.record().broken_rule, violation::reserved_bit_set);
  endpoint not_agreed(self());
  not_agreed.feed({text_op, deflated("x"), true, rsv1});
  EXPECT_EQ(not_agreed.record().broken_rule, violation::reserved_bit_set);
}

TEST_P(BadlyDeflated, every_cut_of_the_wire_gives_the_same) {
  const auto talk = [&](std::string wire, std::size_t step) {
    endpoint x(self(), deflating());
    std::string heard;
    for (std::size_t at = 0; at < wire.size(); at += step) x.feed(wire.substr(at, step));
    x.fin();
    for (int i = 0; i < 20; ++i) {
      const ticket t = x.receive(7);
      heard +=
          x.data(t) + (x.result(t).end_of_message ? "." : "") + std::to_string(int(x.error(t)));
    }
    return heard + x.all_out + timeless(x.record());
  };
  const role from = other(self());
  const std::string good = encode(from, {text_op, deflated("some words of text"), true, rsv1}) +
                           encode(from, {text_op, "plain"}) +
                           encode(from, {binary_op, deflated("bytes, bytes, bytes"), true, rsv1});
  for (const std::string& end : {encode(from, {close_op, close_payload_bytes(1000)}),
                                 encode(from, {binary_op, "\x06\x07\x08", true, rsv1}),
                                 encode(from, {text_op, deflated("\xff"), true, rsv1})}) {
    const std::string whole = talk(good + end, 1000);
    for (std::size_t step = 1; step < 60; ++step) EXPECT_EQ(talk(good + end, step), whole) << step;
  }
}

TEST_P(Deflating, an_idle_connection_gives_up_its_memory_and_goes_on) {
  us.send(text_of(1000)), net.settle();
  EXPECT_EQ(them.data(them.receive_message()), text_of(1000));
  net.run(1min);  // Pings pass, nothing else
  us.send(text_of(1000)), net.settle();
  EXPECT_EQ(them.data(them.receive_message()), text_of(1000));
}

TEST_P(Deflating, a_copy_goes_its_own_way) {
  us.send(text_of(200), false), net.settle();
  core::connection other_way = us.core;
  us.send(" of one"), net.settle();
  const ticket t = them.receive_message();
  EXPECT_EQ(them.data(t), text_of(200) + " of one");
  const std::string memory = " of another";
  other_way.send({1, 0, message_type::text, true, core::as_bytes(memory)}, us.now);
  std::string wire;
  for (const auto piece : other_way.output(us.now)) wire += core::as_text(piece);
  EXPECT_FALSE(wire.empty());
}

}  // namespace
}  // namespace adieu::test
