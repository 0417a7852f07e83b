// Adieu as its documents describe it: one reader that never waits for the app (D1), an inbox, and
// the closing table of docs/closing.md. Each departure from .NET names its row.
#include <fmt/format.h>

#include <deque>
#include <optional>
#include <set>

#include "tests/oracle/eager_reader.hpp"

namespace oracle {
namespace {

enum class phase : std::uint8_t {
  open,
  close_sent,
  close_received,
  closed,    // both Closes have passed, TCP has not ended
  draining,  // failed or disposed: our FIN is out
  over_closed,
  over_aborted,
};

class adieu_model {
 public:
  explicit adieu_model(const script& all)
      : how_(all), server_(all.role == adieu::role::server), reader_(server_) {}

  facts play(const step& one, std::size_t number, std::string_view bytes) {
    seen_ = {};
    switch (one.what) {
      case verb::send: send(one, number); break;
      case verb::receive: receive(one, number); break;
      case verb::close: close(one, number); break;
      case verb::close_output: close_output(one, number); break;
      case verb::cancel:
        if (receive_) {
          tell(receive_->number, "cancelled", 5);
          receive_.reset();
        }
        break;
      case verb::cancel_send:
        while (blocked_.size() > 1) {  // the first has begun
          tell(blocked_.back().first, "cancelled", 5);
          blocked_.pop_back();
        }
        break;
      case verb::abort: abort(); break;
      case verb::dispose: dispose(); break;
      case verb::peer:
        if (!fin_ && !reset_ && parses()) {
          reader_.feed(bytes);
          parse();
          for (const auto& [number_of_ping, payload] : pongs_) write(0x8A, payload, 1);
          pongs_.clear();
        }
        break;
      case verb::fin: on_fin(); break;
      case verb::rst: on_reset(); break;
      case verb::stall: stalled_ = true; break;
      case verb::go:
        stalled_ = false;
        for (const auto& [sent, frame] : blocked_) {
          seen_.wire.push_back({frame, 5});
          tell(sent, "ok", 5);
        }
        blocked_.clear();
        break;
      case verb::wait: wait(static_cast<int>(one.size)); break;
    }
    deliver();
    seen_.state = {state(), because_};
    seen_.status = {status_, why_status_};
    seen_.since = because_;
    return seen_;
  }
  [[nodiscard]] const std::set<std::size_t>& unanswered() const noexcept { return unanswered_; }

 private:
  struct pending {
    std::size_t number;
    std::size_t size;
  };
  struct kept_frame {
    std::string payload;
    bool text = false;
    bool complete = false;
    bool ends_message = false;
  };

  [[nodiscard]] bool parses() const { return phase_ == phase::open || phase_ == phase::close_sent; }
  [[nodiscard]] bool is_over() const {
    return phase_ == phase::over_closed || phase_ == phase::over_aborted;
  }
  [[nodiscard]] std::string state() const {
    switch (phase_) {
      case phase::open: return "open";
      case phase::close_sent: return "close_sent";
      case phase::close_received: return "close_received";
      case phase::closed:
      case phase::over_closed: return "closed";
      case phase::draining:
      case phase::over_aborted: break;
    }
    return disposed_ ? "closed" : "aborted";
  }

  // ── What is told ────────────────────────────────────────────────────────────────────────────
  void tell(std::size_t number, const std::string& what, row why = 0) {
    seen_.done.push_back({fmt::format("{}: {}", number, what), why});
  }
  void write(unsigned first, std::string_view payload, row why = 0) {
    seen_.wire.push_back({frame_in_words(static_cast<unsigned char>(first), payload), why});
  }
  void end_tcp(const char* how, row why) {
    if (!tcp_ended_ && !reset_) seen_.tcp = {how, why};
    tcp_ended_ = true;
  }
  /// Something that .NET may not have noticed yet (D1), or never does (the other rows).
  void notice(row why) { because_ = because_ != 0 ? because_ : why; }

  // ── Calls ───────────────────────────────────────────────────────────────────────────────────
  void send(const step& one, std::size_t number) {
    if (one.as_close) return tell(number, "invalid_message_type", 31);
    if (phase_ != phase::open && phase_ != phase::close_received) {
      return tell(number, "invalid_state");
    }
    const unsigned opcode = in_message_out_ ? 0U : one.binary ? 2U : 1U;
    in_message_out_ = one.more;
    const unsigned first = opcode | (one.more ? 0U : 0x80U);
    if (stalled_) {
      blocked_.emplace_back(number,
                            frame_in_words(static_cast<unsigned char>(first), letters(one.size)));
      return;
    }
    write(first, letters(one.size));
    tell(number, "ok");
  }

  void receive(const step& one, std::size_t number) {
    if (end_delivered_) return tell(number, "invalid_state");
    if (receive_) return tell(number, "operation_in_progress", 7);
    receive_ = pending{number, one.size};
  }

  static bool bad_arguments(const step& one) {
    const std::size_t reason = unescaped(one.text).size();
    if (one.code == 1005) return reason != 0;
    return !accepted_from_wire(one.code) || reason > 123;
  }

  void write_close(const step& one) {
    if (one.code == 1005)
      write(0x88, "", 13);
    else
      write(0x88, close_payload(one.code, unescaped(one.text)));
  }

  void close(const step& one, std::size_t number) {
    if (bad_arguments(one)) return tell(number, "invalid_argument", 13);
    if (phase_ == phase::open || phase_ == phase::close_received) {
      write_close(one);
      our_code_ = one.code;
    } else if (phase_ != phase::close_sent) {
      return tell(number, "invalid_state");
    }
    closes_.push_back(number);
    discards_ = true;
    if (phase_ == phase::open)
      phase_ = phase::close_sent;
    else if (phase_ == phase::close_received)
      tear_down();
  }

  void close_output(const step& one, std::size_t number) {
    if (bad_arguments(one)) return tell(number, "invalid_argument", 13);
    if (phase_ != phase::open && phase_ != phase::close_received) {
      return tell(number, "invalid_state");
    }
    write_close(one);
    our_code_ = one.code;
    tell(number, "ok", phase_ == phase::close_received ? 17 : 0);
    if (phase_ == phase::open)
      phase_ = phase::close_sent;
    else
      tear_down();
  }

  void abort() {
    if (is_over()) return;
    if (phase_ == phase::closed) return over(phase::over_closed, "");
    end_tcp("reset", 18);
    over(phase::over_aborted, "cancelled");
  }

  void dispose() {
    if (receive_) tell(receive_->number, "cancelled", 20);
    receive_.reset();
    for (const std::size_t one : closes_) tell(one, "cancelled", 20);
    closes_.clear();
    if (phase_ == phase::open || phase_ == phase::close_sent || phase_ == phase::close_received) {
      disposed_ = true;
      drain();
    }
  }

  // ── Time ────────────────────────────────────────────────────────────────────────────────────
  void wait(int left) {
    if (phase_ == phase::open && how_.keep_alive != 0) return stay_alive();
    if (how_.close_timeout != 0 && left > how_.close_timeout) {
      if (phase_ == phase::close_sent) return give_up("close_timeout", 6);
      if (phase_ == phase::close_received) {
        left -= how_.close_timeout;
        write(0x88, close_payload(code_, ""), 11);
        notice(11);
        tear_down();
      }
    }
    if (left < 1000) return;
    if (phase_ == phase::closed) over(phase::over_closed, "");
    if (phase_ == phase::draining) over(phase::over_aborted, failure_);
  }

  void stay_alive() {
    if (!pinged_) write(0x89, std::string(7, '\0') + '\1', 10);
    pinged_ = true;
    if (how_.pong_timeout != 0) give_up("keepalive_timeout", 10);
  }

  void give_up(const std::string& error, row why) {
    notice(why);
    end_tcp("reset", why);
    failure_ = error;
    end_ = fact{error, why};
    deliver();
    over(phase::over_aborted, error);
  }

  // ── The wire ────────────────────────────────────────────────────────────────────────────────
  void on_fin() {
    if (fin_ || reset_) return;
    fin_ = true;
    if (parses()) {
      notice(1);
      over(phase::over_aborted, "connection_closed_prematurely");
    } else if (phase_ == phase::closed) {
      over(phase::over_closed, "");
    } else if (phase_ == phase::draining) {
      over(phase::over_aborted, failure_);
    }
  }

  void on_reset() {
    if (reset_) return;
    reset_ = true;
    if (parses() || phase_ == phase::close_received) {
      notice(1);
      over(phase::over_aborted, "connection_closed_prematurely");
    } else if (phase_ == phase::closed) {
      over(phase::over_closed, "");
    } else if (phase_ == phase::draining) {
      over(phase::over_aborted, failure_);
    }
  }

  /// TCP is closed: whoever waits for it is told.
  void over(phase where, const std::string& error) {
    phase_ = where;
    end_tcp("fin", why_end_);
    if (where == phase::over_aborted && !end_) end_ = fact{error, because_};
    deliver();
    const bool clean = where == phase::over_closed && !accused_;
    for (const std::size_t one : closes_) {
      if (where == phase::over_closed)
        tell(one, accused_ ? "faulted" : "ok", accused_ ? 22 : 9);
      else
        tell(one, failure_.empty() ? error : failure_, 21);
    }
    closes_.clear();
    if (discards_ && where == phase::over_closed) {
      inbox_.clear();
      deliver();
      end_delivered_ = end_delivered_ || clean;
    }
  }

  /// Pongs that are due when our output ends are not written any more.
  void drop_pongs() {
    for (const auto& one : pongs_) unanswered_.insert(one.first);
    pongs_.clear();
  }

  void tear_down() {
    drop_pongs();
    // After a half-close nobody has asked for it (row 15).
    if (phase_ == phase::close_sent && closes_.empty()) why_end_ = 15;
    phase_ = phase::closed;
    if (server_) end_tcp("fin", why_end_);
    if (fin_) over(phase::over_closed, "");
  }

  void drain() {
    phase_ = phase::draining;
    end_tcp("fin", 14);
    if (fin_) over(phase::over_aborted, failure_);
  }

  void parse() {
    while (parses()) {
      const std::optional<eager_reader::item> next = reader_.next();
      if (!next) return;
      if (next->wrong) {
        break_rule(*next->wrong);
      } else if (next->opcode < 8) {
        on_data(*next);
      } else {
        on_control(next->opcode, next->payload);
      }
    }
  }

  void on_data(const eager_reader::item& data) {
    if (data.begins) inbox_.push_back({"", data.text, false, false});
    inbox_.back().payload += data.payload;
    inbox_.back().complete = data.ends;
    inbox_.back().ends_message = data.ends_message;
    deliver();
  }

  void on_control(unsigned opcode, const std::string& payload) {
    if (opcode == 9) pongs_.push_back({pings_++, payload});
    if (opcode != 8) return;
    int code = 1005;
    std::string reason;
    if (payload.size() == 1)
      return break_rule({1002, "a Close frame has a payload of one byte", 14});
    if (payload.size() >= 2) {
      code = static_cast<int>(octet(payload, 0) << 8U | octet(payload, 1));
      reason = payload.substr(2);
      if (!accepted_from_wire(code)) {
        return break_rule({1002, "a Close frame has a code that may not be sent", 14});
      }
      if (!utf8_check().feed(reason, true)) {
        return break_rule({1007, "the reason of a Close is not valid UTF-8", 3});
      }
    }
    code_ = code;
    status_ = fmt::format("{} {}", code, shown(reason));
    why_status_ = code == 1005 ? 2 : 1;
    const bool accuses =
        code == 1002 || code == 1003 || code == 1007 || code == 1009 || code == 1010;
    accused_ = accuses && !(phase_ == phase::close_sent && code == our_code_);
    notice(1);
    end_ = fact{fmt::format("close {} 0 end", status_), code == 1005 ? 2 : 0};
    deliver();
    if (phase_ == phase::open)
      phase_ = phase::close_received;
    else
      tear_down();
  }

  void break_rule(const fault& what) {
    notice(what.why);
    failure_ = "faulted";
    drop_pongs();
    if (phase_ == phase::open) {
      write(0x88, close_payload(what.code, what.reason), what.why == 1 ? 23 : what.why);
    }
    end_ = fact{failure_, what.why};
    deliver();
    drain();
  }

  // ── Receiving (P2) ──────────────────────────────────────────────────────────────────────────
  void deliver() {
    if (!receive_) return;
    if (!inbox_.empty()) {
      kept_frame& first = inbox_.front();
      const bool ready = receive_->size == 0
                             ? !first.payload.empty() || first.complete
                             : first.payload.size() >= receive_->size || first.complete;
      if (ready) return give(first);
    }
    if (!end_) return;
    inbox_.clear();
    tell(receive_->number, end_->text, end_->why > 1 ? end_->why : 19);
    receive_.reset();
    end_delivered_ = true;
  }

  void give(kept_frame& first) {
    const std::string piece = first.payload.substr(0, receive_->size);
    const bool frame_done = first.complete && piece.size() == first.payload.size();
    const bool ends = frame_done && first.ends_message;
    tell(receive_->number,
         fmt::format(
             "{} {} {}", first.text ? "text" : "binary", ends ? "end" : "more", shown(piece)),
         receive_->size == 0                           ? 26
         : parses() || phase_ == phase::close_received ? 0
                                                       : 19);
    receive_.reset();
    first.payload.erase(0, piece.size());
    if (frame_done) inbox_.pop_front();
  }

  const script& how_;
  const bool server_;
  phase phase_ = phase::open;
  std::string status_ = "-";
  int our_code_ = 0;
  int code_ = 0;  // the peer's
  bool pinged_ = false;
  bool accused_ = false;
  bool disposed_ = false;
  bool stalled_ = false;  // the first send is larger than what the kernel takes
  std::vector<std::pair<std::size_t, std::string>> blocked_;  // sends, and their frames
  bool discards_ = false;
  bool tcp_ended_ = false;
  row why_end_ = 9;
  bool in_message_out_ = false;
  std::string failure_;
  row because_ = 0;
  row why_status_ = 0;

  eager_reader reader_;
  bool fin_ = false;
  bool reset_ = false;

  std::deque<kept_frame> inbox_;
  std::optional<pending> receive_;
  std::vector<std::size_t> closes_;
  std::optional<fact> end_;
  bool end_delivered_ = false;
  std::vector<std::pair<std::size_t, std::string>> pongs_;  // of this step
  std::size_t pings_ = 0;
  std::set<std::size_t> unanswered_;
  facts seen_;
};

}  // namespace

adieu_play as_adieu(const script& all) {
  adieu_model model(all);
  adieu_play out;
  for (std::size_t i = 0; i < all.steps.size(); ++i) {
    const step& one = all.steps[i];
    const std::string bytes = one.what == verb::peer ? wire_bytes(one.text, all.role) : "";
    out.steps.push_back(model.play(one, i, bytes));
  }
  out.unanswered = model.unanswered();
  return out;
}

}  // namespace oracle
