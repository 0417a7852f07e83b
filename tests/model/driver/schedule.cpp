// One schedule: steps chosen by a generator, then a network that is quick again, then the checks.
#include "tests/model/driver/schedule.hpp"

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <fmt/format.h>

#include <deque>
#include <random>

#include "adieu/adieu.hpp"
#include "tests/model/driver/rough_transport.hpp"
#include "tests/net/virtual_loop.hpp"

namespace adieu::model {
namespace {

using namespace std::chrono_literals;
namespace asio = boost::asio;

struct pending_call {
  std::string name;
  int told = 0;
  error_code ec;
  receive_result got;
  std::string text;  // a send's payload, or a receive's buffer
  message whole;
  asio::cancellation_signal cancel;
  bool cancelled = false;
  bool after_end = false;  // started when the end had been told
  bool before_end = true;  // started before the record was made
};

struct side {
  explicit side(role r) : self(r) {}

  role self;
  websocket socket;
  connection_handle handle;
  rough_transport* carrier = nullptr;
  bool carrier_gone = false;
  std::deque<pending_call> calls;
  pending_call* receiving = nullptr;
  std::string heard, sent;  // payloads, in order
  int ends = 0;             // how often on_end was called
  bool end_told = false;
  bool shows = false;
  bool destroyed = false;
};

class schedule {
 public:
  explicit schedule(std::uint64_t seed) : random_(seed) {}

  schedule_figures run() {
    open();
    const std::size_t length = 10 + roll(120);
    for (std::size_t i = 0; i < length && out_.wrong.empty(); ++i) step();
    finish();
    if (out_.wrong.empty()) check_ends();
    close_down();
    if (!out_.wrong.empty()) out_.wrong += "\n" + story_;
    return out_;
  }

 private:
  std::size_t roll(std::size_t sides) { return static_cast<std::size_t>(random_() % sides); }
  void note(const side& s, std::string_view what) {
    story_ += fmt::format("  {:>9.3f} s {} {}\n",
                          std::chrono::duration<double>(loop_.now() - 1h).count(),
                          to_string(s.self),
                          what);
  }
  void fail(const side* s, std::string_view what) {
    if (!out_.wrong.empty()) return;
    out_.wrong = s == nullptr ? std::string(what) : fmt::format("{}: {}", to_string(s->self), what);
  }

  void open() {
    websocket_options o;
    o.receive_window = 64 + roll(3) * 500;
    o.max_message_size = 3000;
    if (roll(3) == 0) o.ping_interval = 0ms;
    auto to_client = std::make_shared<rough_pipe>(), to_server = std::make_shared<rough_pipe>();
    const auto executor = loop_.context().get_executor();
    for (side& s : sides_) {
      const bool client = s.self == role::client;
      const auto how =
          roll(3) == 0 ? rough_transport::style::in_flight : rough_transport::style::at_once;
      auto made = std::make_unique<rough_transport>(
          executor, client ? to_client : to_server, client ? to_server : to_client, how);
      s.carrier = made.get();
      s.carrier->gone = &s.carrier_gone;
      s.socket = websocket::adopted(executor, std::move(made), s.self, o);
      s.handle = s.socket.handle();
      s.socket.on_end([&s, this](const disconnect_record&) {
        ++s.ends;
        if (s.handle.state() != state::closed && s.handle.state() != state::aborted) {
          fail(&s, "on_end while the state is neither closed nor aborted");
        }
      });
      if (roll(5) == 0) {
        s.shows = true;
        s.socket.on_message([&s](const message_view& m) { s.heard += core::as_text(m.bytes); });
      }
    }
    in_[0] = to_client, in_[1] = to_server;
    loop_.settle();
  }

  void step() {
    ++out_.steps;
    side& s = sides_[roll(2)];
    const std::size_t what = roll(100);
    if (what < 45) {
      network(s);
    } else if (what < 52) {
      time();
    } else if (!s.destroyed && s.socket) {
      what < 97 || !rough_ ? call(s) : leave(s);
    }
    if (roll(3) != 0) loop_.settle();  // else several things happen before the loop turns
  }

  void network(side& s) {
    if (s.carrier_gone) return;
    rough_transport& t = *s.carrier;
    const std::size_t what = roll(60);
    if (!rough_) {
      t.may_read = roll(4) == 0 ? 1 : roll(400);
      t.may_write = roll(4) == 0 ? 1 : roll(400);
    } else if (what == 0) {
      static constexpr core::input_end how[] = {core::input_end::fin,
                                                core::input_end::reset,
                                                core::input_end::truncated,
                                                core::input_end::error};
      t.input_fails = how[roll(4)];
      faulted_ = true;
      note(s, "its input fails");
    } else if (what == 1) {
      t.output_fails = roll(2) == 0 ? core::input_end::reset : core::input_end::error;
      faulted_ = true;
      note(s, "its output fails");
    } else if (what == 2) {
      in_[s.self == role::client ? 0 : 1]->bytes += '\xFF';
      faulted_ = garbled_ = true;
      note(s, "gets nonsense");
    } else {
      t.may_read = roll(4) == 0 ? 1 : roll(400);
      t.may_write = roll(4) == 0 ? 1 : roll(400);
    }
    t.kick();
  }

  void time() {
    static constexpr core::duration lengths[] = {1ms, 100ms, 1s, 4s, 21s, 70s};
    const core::duration by = lengths[roll(roll(4) == 0 ? 6 : 3)];
    story_ += fmt::format("  time: {} ms\n",
                          std::chrono::duration_cast<std::chrono::milliseconds>(by).count());
    timed_ = true;
    const core::instant until = loop_.now() + by;
    for (int i = 0; i < 8 && loop_.now() < until; ++i) {
      loop_.clock().advance(by / 8);
      loop_.settle();
    }
  }

  pending_call& start(side& s, std::string name) {
    ++out_.calls;
    pending_call& c = s.calls.emplace_back();
    c.name = std::move(name);
    c.after_end = s.end_told;
    c.before_end = !s.handle.record().has_value();
    note(s, c.name);
    return c;
  }
  auto told(side& s, pending_call& c) {
    return asio::bind_cancellation_slot(
        c.cancel.slot(), [this, &s, &c](error_code ec, auto... results) {
          if (++c.told > 1) fail(&s, c.name + " was told twice");
          if (inside_call_) fail(&s, c.name + " was told inside a call");
          c.ec = ec;
          (keep(c, std::move(results)), ...);
          note(s, fmt::format("{}: {}", c.name, ec ? ec.message().substr(0, 60) : "success"));
          if (&c == s.receiving) received(s, c);
          if (c.name == "close") closed(s, c);
        });
  }
  static void keep(pending_call& c, receive_result got) { c.got = std::move(got); }
  template <class Other>
  static void keep(pending_call&, Other&&) {}

  void received(side& s, pending_call& c) {
    s.receiving = nullptr;
    if (c.ec == errc::invalid_state && !s.end_told) {
      // P2: only when a successful close has delivered the end.
      if (!s.handle.record()) fail(&s, "invalid_state before the end was told");
    }
    if (c.cancelled && c.ec == asio::error::operation_aborted) return;
    if (s.end_told && c.ec != errc::invalid_state) fail(&s, "the end is told twice");
    if (c.ec == errc::message_too_big && s.handle.record() &&
        s.handle.record()->cause != cause::message_too_big) {
      return;
    }
    if (c.ec || c.got.type == message_type::close) {
      s.end_told = true;
      return;
    }
    s.heard += c.name == "receive_message" ? c.whole.payload : c.text.substr(0, c.got.count);
  }
  void closed(side& s, pending_call& c) {
    if (c.cancelled || c.ec == errc::invalid_state) return;
    const auto record = s.handle.record();
    const bool clean = record && record->clean;
    if (!c.ec != clean && !s.destroyed) fail(&s, "success of close, and clean, are not the same");
  }

  void call(side& s) {
    inside_call_ = true;
    switch (roll(16)) {
      case 0:
      case 1:
      case 2: {
        pending_call& c = start(s, "send");
        c.text = std::string(1 + roll(roll(8) == 0 ? 2500 : 60),
                             static_cast<char>('a' + letter_++ % 26));
        s.sent += c.text;
        s.socket.async_send(c.text, told(s, c));
        break;
      }
      case 3: {
        const std::string text(1 + roll(60), static_cast<char>('a' + letter_++ % 26));
        note(s, "send, and nobody waits");
        s.sent += text;
        s.socket.send(text);
        break;
      }
      case 4: {
        pending_call& c = start(s, "ping");
        s.socket.async_ping(told(s, c));
        break;
      }
      case 5:
      case 6:
      case 7:
      case 8: receive(s); break;
      case 9: {
        pending_call& c = start(s, "close");
        s.socket.async_close(close_status::normal_closure, "bye", told(s, c));
        break;
      }
      case 10: {
        pending_call& c = start(s, "close_output");
        s.socket.async_close_output(close_status::endpoint_unavailable, "", told(s, c));
        break;
      }
      case 11: {
        pending_call& c = start(s, "wait_closed");
        s.socket.async_wait_closed(told(s, c));
        break;
      }
      case 12:
      case 13:
        if (!s.calls.empty()) {
          pending_call& c = s.calls[roll(s.calls.size())];
          if (c.told != 0) break;
          note(s, "cancels " + c.name);
          c.cancelled = true;
          c.cancel.emit(asio::cancellation_type::terminal);
        }
        break;
      default: break;
    }
    inside_call_ = false;
  }

  void receive(side& s) {
    if (s.receiving != nullptr) return;
    const std::size_t kind = roll(3);
    static constexpr std::string_view names[] = {"receive", "receive_some", "receive_message"};
    pending_call& c = start(s, std::string(names[kind]));
    s.receiving = &c;
    c.text.resize(1 + roll(200));
    if (kind == 0) s.socket.async_receive(asio::buffer(c.text), told(s, c));
    if (kind == 1) s.socket.async_receive_some(asio::buffer(c.text), told(s, c));
    if (kind == 2) s.socket.async_receive_message(c.whole, told(s, c));
  }

  void leave(side& s) {
    inside_call_ = true;
    if (roll(2) == 0) {
      note(s, "abort");
      s.socket.abort();
    } else {
      note(s, "destroy");
      s.destroyed = true;
      s.socket = {};
    }
    left_ = true;
    inside_call_ = false;
  }

  // The network is quick again, the apps receive and close: both ends must end.
  void finish() {
    story_ += "  the network is quick again\n";
    for (int round = 0; round < 3000 && out_.wrong.empty(); ++round) {
      bool over = true;
      for (side& s : sides_) {
        if (!s.carrier_gone) {
          s.carrier->may_read = s.carrier->may_write = 100'000;
          s.carrier->kick();
        }
        inside_call_ = true;
        if (!s.destroyed && s.receiving == nullptr && !s.end_told) receive(s);
        if (!s.destroyed && round == 20) {
          pending_call& c = start(s, "close");
          s.socket.async_close(close_status::normal_closure, "", told(s, c));
        }
        inside_call_ = false;
        over = over && s.handle.record().has_value() && (s.destroyed || s.end_told);
      }
      loop_.settle();
      if (over) return;
      if (round > 40 && round % 4 == 0) loop_.pass(250ms);
    }
    fail(nullptr, "it does not come to an end");
  }

  void check_ends() {
    for (side& s : sides_) check(s);
    const disconnect_record a = *sides_[0].handle.record(), b = *sides_[1].handle.record();
    out_.clean += (a.clean ? 1U : 0U) + (b.clean ? 1U : 0U);
    if (garbled_) return;  // in the middle of a frame nonsense is data, or a Close's code
    if (a.initiator == initiator::remote && b.initiator == initiator::remote) {
      fail(nullptr, "each side says that the other closed first");
    }
    if (a.clean && b.clean &&
        (a.sent->code != b.received->code || b.sent->code != a.received->code)) {
      fail(nullptr, "the Closes of the two records differ");
    }
    if (a.clean != b.clean && !faulted_ && !timed_ && !left_) {
      fail(nullptr,
           "one is clean, and nothing came between them:\n  " + to_line(a) + "\n  " + to_line(b));
    }
    const std::string_view both_ways[][2] = {{sides_[0].heard, sides_[1].sent},
                                             {sides_[1].heard, sides_[0].sent}};
    for (const auto& way : both_ways) {  // in order; refused and withdrawn sends leave gaps
      std::size_t at = 0;
      for (const char c : way[0]) {
        at = way[1].find(c, at);
        if (at == std::string_view::npos) return fail(nullptr, "bytes that nobody sent, or not so");
        ++at;
      }
    }
  }

  void check(side& s) {
    const disconnect_record r = *s.handle.record();
    const bool handshake = r.sent && r.received && r.cause == cause::handshake;
    if (r.clean != handshake) fail(&s, "clean is not what the record says: " + to_line(r));
    if (!s.carrier_gone && s.carrier->wrote_after_fin) fail(&s, "it wrote after its FIN");
    // A call that is refused now, and the last completions.
    if (!s.destroyed) {
      for (const char* const name : {"send", "ping", "close", "close_output", "receive_some"}) {
        pending_call& c = start(s, name);
        c.text = "x";
        const std::string_view what = name;
        if (what == "send") s.socket.async_send(c.text, told(s, c));
        if (what == "ping") s.socket.async_ping(told(s, c));
        if (what == "close") s.socket.async_close(close_status::normal_closure, "", told(s, c));
        if (what == "close_output") {
          s.socket.async_close_output(close_status::normal_closure, "", told(s, c));
        }
        if (what == "receive_some") s.socket.async_receive_some(asio::buffer(c.text), told(s, c));
        loop_.settle();
        if (c.told != 1 || c.ec != errc::invalid_state) {
          fail(&s, fmt::format("after the end, {} is not refused: {}", name, c.ec.message()));
        }
      }
    }
    loop_.settle();
    if (s.ends != 1) fail(&s, fmt::format("on_end was called {} times", s.ends));
    for (const pending_call& c : s.calls) {
      if (c.told != 1) fail(&s, fmt::format("{} was told {} times", c.name, c.told));
    }
    if (to_json(r) != to_json(*s.handle.record())) fail(&s, "the record has changed");
  }

  // Nothing holds a connection that is over: its transport goes with the last handle.
  void close_down() {
    for (side& s : sides_) s.socket = {};
    loop_.settle();
    for (side& s : sides_) {
      if (!s.carrier_gone) fail(&s, "its transport outlives the connection");
    }
  }

  std::mt19937_64 random_;
  bool rough_ = roll(2) == 0;  // with faults, and apps that leave
  std::string story_;
  schedule_figures out_;
  std::shared_ptr<rough_pipe> in_[2];
  side sides_[2] = {side(role::client), side(role::server)};
  test::virtual_loop loop_;  // after the sides: what it still holds may refer to them
  bool inside_call_ = false;
  bool faulted_ = false, garbled_ = false, timed_ = false, left_ = false;
  std::size_t letter_ = 0;
};

}  // namespace

schedule_figures run_schedule(std::uint64_t seed) { return schedule(seed).run(); }

}  // namespace adieu::model
