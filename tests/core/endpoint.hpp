// One core::connection with what surrounds it in a test: a transport that takes as much as it is
// told to, virtual time, and a notebook of every completion. It drives the connection as the net
// layer must (connection.hpp, top), and frees a send's memory the moment that it completes.
#pragma once

#include <gtest/gtest.h>

#include <limits>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "adieu/core/connection.hpp"
#include "tests/core/wire.hpp"

namespace adieu::test {

using namespace std::chrono_literals;
using core::command;
using core::completion;
using core::duration;
using core::input_end;
using core::instant;
using core::phase;
using core::receive_kind;
using core::ticket;

inline constexpr std::size_t no_limit = std::numeric_limits<std::size_t>::max();

inline void fill_with_pattern(core::bytes out) {
  unsigned char next = 0xA1;
  for (std::byte& b : out)
    b = static_cast<std::byte>(next = static_cast<unsigned char>(next * 5 + 3));
}

class endpoint {
 public:
  explicit endpoint(role self, const websocket_options& options = {}, instant start = 1000s)
      : core(settings_of(self, options), start), now(start) {}

  core::connection core;
  instant now;
  std::string out;              // written, and not carried away by whoever plays the network
  std::string all_out;          // everything that was ever written
  std::size_t room = no_limit;  // how much the transport takes
  bool fin_sent = false;        // our FIN is out, in order behind `out`
  std::vector<command> obeyed;
  core::closing_facts facts;  // what the transport will say when it is closed
  std::map<ticket, completion> done;
  std::vector<ticket> order;       // of the completions
  std::vector<std::string> shown;  // in message mode
  int probes = 0;
  std::uint64_t delivered = 0;             // payload bytes that receives have brought
  std::uint64_t delivered_before_end = 0;  // those before the record was made
  std::string final_record;

  // ── The wire ──────────────────────────────────────────────────────────────────────────────────
  void feed(std::string_view in) {
    const auto view = core::as_bytes(in);
    std::vector<std::byte> copy(view.begin(), view.end());  // the sanitizer watches its ends
    core.received(copy, now);
    show();
    pump();
  }
  /// As much of it as one read takes, into the connection's own memory where it offers some: how
  /// much that was, and whether it did.
  struct read {
    std::size_t size;
    bool in_place;
  };
  read feed_some(std::string_view in, std::size_t most) {
    const core::bytes space = core.read_space();
    const std::size_t size = std::min({in.size(), most, space.empty() ? most : space.size()});
    if (space.empty()) return feed(in.substr(0, size)), read{size, false};
    std::ranges::copy(core::as_bytes(in.substr(0, size)), space.begin());
    core.received(space.first(size), now);
    show();
    pump();
    return {size, true};
  }
  void feed(const frame& f) { feed(encode(other(core.self()), f)); }
  void feed_close(unsigned code, std::string_view reason = {}) {
    feed({close_op, close_payload_bytes(code, reason)});
  }
  void feed_by_byte(std::string_view in) {
    for (const char c : in) feed(std::string_view(&c, 1));
  }
  void fin() { input_ended(input_end::fin); }
  void input_ended(input_end how, int os_error = 0) {
    core.input_ended(how, os_error, now);
    pump();
  }
  void output_failed(input_end how, int os_error = 0) {
    core.output_failed(how, os_error, now);
    pump();
  }

  /// What a driver does after every input and every batch of calls.
  void pump() {
    bool blocked = write();
    const command todo = core.take_command();
    if (todo != command::none) pending_ = todo;
    if (pending_ == command::shut_output && !blocked) {
      fin_sent = true;
      core.output_shut();
      obeyed.push_back(std::exchange(pending_, command::none));
    } else if (pending_ == command::cut || pending_ == command::reset) {
      facts.was_reset = pending_ == command::reset;
      obeyed.push_back(std::exchange(pending_, command::none));
      for (const completion& c : core.completions()) delivered_before_end += c.received.count;
      core.transport_closed(facts, now);
      final_record = to_json(core.record());
    }
    collect();
    rest();
  }
  /// As a driver does when nothing more comes for now: nobody may notice.
  void rest() {
    const core::fingerprint before = core.fingerprint(now);
    core.rest();
    EXPECT_EQ(core.fingerprint(now), before);
  }
  [[nodiscard]] bool cut() const {
    return !obeyed.empty() && (obeyed.back() == command::cut || obeyed.back() == command::reset);
  }

  // ── Time ──────────────────────────────────────────────────────────────────────────────────────
  /// Time passes; every deadline is met on time.
  void advance(duration length) {
    const instant end = now + length;
    for (int guard = 0; guard < 10000; ++guard) {
      const std::optional<instant> due = core.deadline();
      if (!due || *due > end) break;
      now = std::max(now, *due);
      tick();
    }
    now = end;
  }
  void tick() {
    core.tick(now);
    if (core.take_probe()) ++probes;
    pump();
  }
  /// Jumps to the next deadline, if there is one.
  bool advance_to_deadline() {
    const std::optional<instant> due = core.deadline();
    if (!due) return false;
    now = std::max(now, *due);
    tick();
    return true;
  }

  // ── Calls ─────────────────────────────────────────────────────────────────────────────────────
  ticket receive(std::size_t size = 4096, receive_kind kind = receive_kind::piece) {
    const ticket t = ++last_;
    auto& buffer = *(memory_[t] = std::make_unique<std::string>(size, '?'));
    core.receive(t, kind, std::as_writable_bytes(std::span(buffer)), now);
    pump();
    return t;
  }
  ticket receive_message() {
    const ticket t = ++last_;
    memory_[t] = std::make_unique<std::string>();
    core.receive_message(t, *memory_[t], now);
    pump();
    return t;
  }
  /// Accepted, and not written before the next pump().
  ticket queue(std::string_view text,
               bool ends = true,
               core::sender from = 0,
               message_type type = message_type::text,
               compression compress = compression::as_agreed) {
    const ticket t = ++last_;
    memory_[t] = std::make_unique<std::string>(text);
    core.send({t, from, type, ends, core::as_bytes(*memory_[t]), compress}, now);
    return t;
  }
  ticket send(std::string_view text, bool ends = true, core::sender from = 0) {
    const ticket t = queue(text, ends, from);
    pump();
    return t;
  }
  ticket ping() {
    return call([&](ticket t) { core.ping(t, now); });
  }
  ticket close(unsigned code = 1000,
               std::string_view reason = {},
               std::optional<duration> timeout = {}) {
    return call([&](ticket t) { core.close(t, close_status(code), reason, now, timeout); });
  }
  ticket close_output(unsigned code = 1000, std::string_view reason = {}) {
    return call([&](ticket t) { core.close_output(t, close_status(code), reason, now); });
  }
  ticket wait_closed() {
    return call([&](ticket t) { core.wait_closed(t); });
  }
  void cancel(ticket t) { core.cancel(t, now), pump(); }
  void abort() { core.abort(now), pump(); }
  void destroy() { core.destroy(now), pump(); }

  // ── What came of it ───────────────────────────────────────────────────────────────────────────
  [[nodiscard]] bool pending(ticket t) const { return !done.contains(t); }
  [[nodiscard]] errc error(ticket t) const {
    if (pending(t)) ADD_FAILURE() << "ticket " << t << " is still pending";
    return pending(t) ? errc::success : done.at(t).error;
  }
  [[nodiscard]] const receive_result& result(ticket t) const {
    static const receive_result none;
    if (pending(t)) ADD_FAILURE() << "ticket " << t << " is still pending";
    return pending(t) ? none : done.at(t).received;
  }
  /// What a receive has put into its buffer.
  [[nodiscard]] std::string data(ticket t) const {
    if (pending(t)) ADD_FAILURE() << "ticket " << t << " is still pending";
    return pending(t) ? "" : memory_.at(t)->substr(0, result(t).count);
  }
  [[nodiscard]] std::vector<frame> frames() const {
    std::string copy = all_out;
    return take_frames(copy, core.self());
  }
  [[nodiscard]] disconnect_record record() const { return core.record(); }
  [[nodiscard]] ticket last() const { return last_; }

 private:
  static core::settings_ptr settings_of(role self, const websocket_options& options) {
    core::settings out{self, options, self == role::client ? fill_with_pattern : nullptr};
    if (options.deflate) out.deflate = core::agreed_by_both(*options.deflate, self);
    return std::make_shared<const core::settings>(out);
  }
  template <class Call>
  ticket call(Call&& make) {
    const ticket t = ++last_;
    make(t);
    pump();
    return t;
  }
  /// True when output was left over.
  bool write() {
    for (int guard = 0; guard < 100000; ++guard) {
      const auto list = core.output(now);
      if (list.empty()) return false;
      std::size_t taken = 0;
      for (const core::const_bytes piece : list) {
        const std::size_t size = std::min(piece.size(), room - (room == no_limit ? 0 : taken));
        out += core::as_text(piece.first(size));
        all_out += core::as_text(piece.first(size));
        taken += size;
      }
      if (room != no_limit) room -= taken;
      if (taken == 0) return true;
      core.wrote(taken, now);
    }
    ADD_FAILURE() << "the output never ends";
    return true;
  }
  void collect() {
    std::vector<completion> news;
    news.swap(core.completions());
    for (completion& c : news) {
      if (c.owner == 0) continue;  // a copy's: nobody waits
      EXPECT_TRUE(c.owner >= 1 && c.owner <= last_) << "unknown ticket " << c.owner;
      EXPECT_TRUE(pending(c.owner)) << "ticket " << c.owner << " completed twice";
      order.push_back(c.owner);
      delivered += c.received.count;
      if (!core.ended()) delivered_before_end += c.received.count;
      done[c.owner] = std::move(c);
      if (done[order.back()].received.count == 0) memory_.erase(order.back());
      memory_.try_emplace(order.back(), std::make_unique<std::string>());
    }
  }
  void show() {
    while (const auto view = core.next_message(now)) shown.emplace_back(core::as_text(view->bytes));
  }

  std::map<ticket, std::unique_ptr<std::string>> memory_;
  ticket last_ = 0;
  command pending_ = command::none;
};

/// The record with every time taken out, as JSON: for comparing runs that differ only in timing.
inline std::string timeless(disconnect_record record) {
  const auto zero = [](auto& time) {
    if (time) *time = duration{};
  };
  if (record.sent) record.sent->at = {};
  if (record.received) record.received->at = {};
  zero(record.last_byte_received);
  zero(record.last_byte_sent);
  zero(record.round_trip);
  record.ended = {};
  return to_json(record);
}

/// A fixture for tests that hold in both roles.
class BothRoles : public ::testing::TestWithParam<role> {
 protected:
  [[nodiscard]] static role self() { return GetParam(); }
};

#define ADIEU_BOTH_ROLES(suite)                                                          \
  INSTANTIATE_TEST_SUITE_P(                                                              \
      as, suite, ::testing::Values(role::client, role::server), [](const auto& tested) { \
        return name_of(tested.param);                                                    \
      })

}  // namespace adieu::test
