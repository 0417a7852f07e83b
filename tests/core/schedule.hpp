// Two connections under a schedule: calls, cuts, blocked writes, cancelled waits, faults and time
// in the order that somebody chooses. Whatever happens, every ticket completes once, every side
// ends with one record, the two records agree, and every byte is accounted for.
#pragma once

#include "tests/core/pair.hpp"

namespace adieu::test {

/// Who decides: chance, or a fuzzer.
class choices {
 public:
  virtual ~choices() = default;
  [[nodiscard]] virtual bool more() = 0;
  virtual std::size_t roll(std::size_t sides) = 0;
};

enum class schedule_faults : std::uint8_t { none, some };

inline websocket_options small_and_quick() {
  websocket_options o;
  o.receive_window = 200;
  o.max_message_size = 2000;
  return o;
}

struct app {  // one side's user, and what the test knows about it
  endpoint& e;
  bool destroyed = false;
  std::vector<ticket> sends, closes, receives;
  std::map<ticket, std::string> payloads;
  std::string heard;  // by try_receive and completed receives, in order
  std::size_t seen = 0;
  core::sender next_writer = 1;
  std::vector<core::sender> writers;
  bool fragmenting = false;

  explicit app(endpoint& of) : e(of) {}

  void listen() {  // notes what receives have brought, in order
    for (; seen < e.order.size(); ++seen) {
      const ticket t = e.order[seen];
      if (e.done.at(t).received.count != 0) heard += e.data(t);
    }
  }
};

class schedule {
 public:
  using faults = schedule_faults;
  schedule(choices& from, faults which, const websocket_options& options)
      : choices_(from), faults_(which), net_(options, options) {}

  [[nodiscard]] disconnect_record record(role of) { return net_.side(of).record(); }

  void run() {
    while (choices_.more()) act(roll(2) == 0 ? client_ : server_);
    finish();
    check(client_, server_);
    check(server_, client_);
    check_together();
  }

 private:
  std::size_t roll(std::size_t sides) { return choices_.roll(sides); }

  void act(app& a) {
    const std::size_t what = roll(100);
    if (what < 30) return wire(a);
    if (what < 34) return time();
    if (a.destroyed) return;
    if (what < 55) return receive(a);
    if (what < 80) return send(a);
    if (what < 88) return cancel(a);
    if (what < 96) return close(a);
    if (faults_ == faults::some) fault(a);
  }

  void wire(app& a) {
    switch (roll(4)) {
      case 0: a.e.room = roll(60), a.e.pump(); break;
      case 1: a.e.room = no_limit, a.e.pump(); break;
      default: net_.note_kernel(), net_.deliver(a.e, 1 + roll(300));
    }
    a.listen();
  }

  void time() {
    static constexpr duration steps[] = {1ms, 400ms, 1s, 3s, 11s};
    const instant end = net_.client.now + steps[roll(roll(6) == 0 ? 5 : 3)];
    net_.client.advance(end - net_.client.now);
    net_.server.advance(end - net_.server.now);
  }

  void receive(app& a) {
    switch (roll(5)) {
      case 0: a.receives.push_back(a.e.receive_message()); break;
      case 1: a.receives.push_back(a.e.receive(roll(3) == 0 ? 0 : 50, receive_kind::some)); break;
      case 2: {
        std::string space(30, '?');
        a.listen();
        const auto got = a.e.core.try_receive(std::as_writable_bytes(std::span(space)), a.e.now);
        if (got) {
          a.heard += space.substr(0, got->received.count);
          a.e.delivered += got->received.count;
          if (!a.e.core.ended()) a.e.delivered_before_end += got->received.count;
        }
        a.e.pump();
        break;
      }
      default: a.receives.push_back(a.e.receive(roll(300)));
    }
    a.listen();
  }

  void send(app& a) {
    if (roll(8) == 0) return void(a.e.ping());
    if (roll(10) == 0) {
      a.writers.push_back(a.next_writer);
      return a.e.core.begin_message(a.next_writer++);
    }
    core::sender from = 0;
    bool ends = roll(4) != 0;
    if (!a.writers.empty() && roll(2) == 0) {
      const std::size_t which = roll(a.writers.size());
      from = a.writers[which];
      if (ends) a.writers.erase(a.writers.begin() + static_cast<std::ptrdiff_t>(which));
      if (ends && roll(6) == 0) {
        a.e.core.abandon_message(from, a.e.now);
        return a.e.pump();
      }
    }
    std::string text(roll(6) == 0 ? 0 : roll(120), ' ');
    for (char& c : text) c = static_cast<char>('a' + next_letter_++ % 26);
    const ticket t = a.e.queue(text, ends, from);
    a.sends.push_back(t);
    a.payloads[t] = text;
    if (roll(3) != 0) a.e.pump();
  }

  void cancel(app& a) {
    if (a.e.last() == 0) return;
    a.e.cancel(1 + roll(a.e.last()));
    a.listen();
  }

  void close(app& a) {
    static constexpr unsigned codes[] = {1000, 1001, 1005, 3000, 4999, 1006};
    const unsigned code = codes[roll(std::size(codes))];
    switch (roll(4)) {
      case 0: a.closes.push_back(a.e.close(code)); break;
      case 1: a.e.close_output(code); break;
      case 2: a.e.wait_closed(); break;
      default: break;
    }
  }

  void fault(app& a) {
    switch (roll(12)) {
      case 0: a.e.abort(); break;
      case 1: a.e.destroy(), a.destroyed = true; break;
      case 2:
        if (a.e.core.phase() == phase::open && a.e.out.empty() &&
            a.e.core.output(a.e.now).empty()) {
          a.e.out += "\xFF nonsense";
        }
        break;
      case 3: a.e.input_ended(input_end::reset); break;
      case 4: a.e.output_failed(input_end::reset); break;
      case 5: a.e.core.close_for(cause::handler_error, close_status(1011), "", a.e.now), a.e.pump();
      default: break;
    }
    a.listen();
  }

  // The network is quick again, the apps drain what there is, and then they close.
  void finish() {
    client_.e.room = server_.e.room = no_limit;
    bool closing = false;
    for (int round = 0; round < 400 && !(closing && net_.both_ended()); ++round) {
      net_.settle();
      const bool from_server = drain(client_), from_client = drain(server_);
      if ((from_server || from_client) && !closing) continue;
      for (app* a : {&client_, &server_}) {
        if (!closing && !a->destroyed) a->closes.push_back(a->e.close(1000));
      }
      closing = true;
      net_.run(1s);
    }
    for (app* a : {&client_, &server_}) {
      drain(*a);  // what is left, and the end
      if (!a->destroyed) a->receives.push_back(a->e.receive(100, receive_kind::some));
    }
  }

  /// Receives until nothing more is there. True when something was.
  bool drain(app& a) {
    bool came = false;
    for (int guard = 0; guard < 10000 && !a.destroyed; ++guard) {
      const ticket t = a.e.receive(100, receive_kind::some);
      a.receives.push_back(t);
      a.listen();
      if (a.e.pending(t) || a.e.error(t) == errc::operation_in_progress ||
          a.e.error(t) == errc::invalid_state) {
        break;
      }
      came = true;
    }
    return came;
  }

  [[nodiscard]] static std::uint64_t written_payload(const app& a) {
    std::uint64_t total = 0;
    for (const ticket t : a.sends) {
      const completion& c = a.e.done.at(t);
      const bool accepted =
          c.error != errc::invalid_state && !c.cancelled && c.error != errc::invalid_message_type;
      if (accepted) total += a.payloads.at(t).size();
    }
    return total - a.e.record().lost.unsent_bytes;
  }

  /// What the messages of these frames carry, the last of them perhaps in part.
  static std::string data_in(const std::vector<frame>& frames) {
    core::decompressor inflate({15, core::context_takeover::yes});
    std::string out;
    bool compressed = false;
    for (const frame& f : frames) {
      if (f.op >= close_op) continue;
      if (f.op != continuation_op) compressed = f.rsv != 0;
      if (!compressed) {
        out += f.payload;
        continue;
      }
      std::vector<std::byte> space(4096);
      core::const_bytes rest = core::as_bytes(f.payload);
      using part = core::decompressor::part;
      const auto got =
          inflate.decompress(rest, f.fin ? part::last_of_message : part::of_message, space);
      EXPECT_EQ(got.what, core::decompressor::outcome::all_taken);
      out += core::as_text(std::span(space).first(got.size));
    }
    return out;
  }

  void check(const app& a, const app& peer) {
    const endpoint& e = a.e;
    const disconnect_record r = e.record();
    ASSERT_TRUE(e.core.ended()) << to_string(e.core.phase());
    for (ticket t = 1; t <= e.last(); ++t) EXPECT_FALSE(e.pending(t)) << "ticket " << t;
    if (::testing::Test::HasFailure()) return;
    EXPECT_EQ(to_json(r), e.final_record);  // one record, for ever
    EXPECT_EQ(r.clean, r.cause == cause::handshake);
    EXPECT_EQ(
        r.clean,
        e.core.state() == state::closed && r.sent && r.received && r.cause == cause::handshake);
    for (const ticket t : a.closes) {
      const completion& c = e.done.at(t);
      if (c.cancelled || c.error == errc::invalid_argument || c.error == errc::invalid_state)
        continue;
      if (a.destroyed && c.error == errc::aborted) continue;
      EXPECT_EQ(c.error == errc::success, r.clean) << to_string(c.error);
    }
    if (!a.destroyed) {
      EXPECT_EQ(e.error(a.receives.back()), errc::invalid_state);
    }
    for (const ticket t : a.sends) {  // nothing fails without being counted
      if (e.done.at(t).error == errc::success || e.done.at(t).error == errc::invalid_state)
        continue;
      if (e.done.at(t).error == errc::connection_closed_prematurely) continue;
      EXPECT_GT(r.lost.unsent_messages, 0U);
    }
    // Every byte that the peer wrote was delivered, is waiting, or was counted as thrown away.
    const std::uint64_t came =
        e.delivered_before_end + r.lost.discarded_bytes + r.lost.unread_bytes;
    if (r.clean && peer.e.record().sent) {
      const std::string wire = data_in(peer.e.frames());
      EXPECT_EQ(came, wire.size());
      EXPECT_EQ(wire.size(), written_payload(peer));
      if (r.lost.discarded_bytes == 0 && !a.destroyed) {
        // In order. What was unread may be half a message, which a whole-message receive refuses.
        EXPECT_TRUE(wire.starts_with(a.heard)) << a.heard << "\n" << wire;
        EXPECT_LE(wire.size() - a.heard.size(), r.lost.unread_bytes);
      }
    }
  }

  void check_together() {
    const disconnect_record c = net_.client.record(), s = net_.server.record();
    EXPECT_FALSE(c.initiator == initiator::remote && s.initiator == initiator::remote);
    if (c.clean && s.clean) {
      EXPECT_EQ(c.sent->code, s.received->code);
      EXPECT_EQ(s.sent->code, c.received->code);
      EXPECT_NE(c.initiator, initiator::nobody);
    }
    if (faults_ == faults::none && c.clean != s.clean) {
      // Only a deadline may divide them: what one side had sent came too late for the other.
      EXPECT_TRUE(c.teardown_timed_out || s.teardown_timed_out || c.cause == cause::close_timeout ||
                  s.cause == cause::close_timeout || c.cause == cause::handler_error ||
                  s.cause == cause::handler_error)
          << to_line(c) << '\n'
          << to_line(s);
    }
  }

  choices& choices_;
  faults faults_;
  pair net_;
  app client_{net_.client}, server_{net_.server};
  std::size_t next_letter_ = 0;
};

}  // namespace adieu::test
