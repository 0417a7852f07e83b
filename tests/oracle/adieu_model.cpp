// Adieu as its documents describe it: one reader that never waits for the app (D1), an inbox, and
// the closing table of docs/closing.md. Each departure from .NET names its row.
#include <fmt/format.h>

#include <deque>
#include <optional>
#include <set>

#include "tests/oracle/model.hpp"
#include "tests/oracle/model_parts.hpp"

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
  explicit adieu_model(const script& all) : how_(all), server_(all.role == adieu::role::server) {}

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
      case verb::abort: abort(); break;
      case verb::dispose: dispose(); break;
      case verb::peer:
        if (!fin_ && !reset_ && parses()) {
          in_ += bytes;
          parse();
          for (const auto& [number_of_ping, payload] : pongs_) write(0x8A, payload, 1);
          pongs_.clear();
        }
        break;
      case verb::fin: on_fin(); break;
      case verb::rst: on_reset(); break;
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
    bool fin = false;
    bool complete = false;
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
    if (phase_ != phase::open && phase_ != phase::close_received) {
      return tell(number, "invalid_state");
    }
    const unsigned opcode = in_message_out_ ? 0U : one.binary ? 2U : 1U;
    in_message_out_ = one.more;
    write(opcode | (one.more ? 0U : 0x80U), letters(one.size));
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
    while (parses() && (in_frame_ || begin_frame())) {
      if (head_.opcode < 8) {
        if (left_ != 0 && in_.empty()) return;
        on_data();
      } else {
        if (in_.size() < head_.length) return;
        const std::string payload = head_.unmasked(in_.substr(0, head_.length));
        in_.erase(0, head_.length);
        in_frame_ = false;
        on_control(payload);
      }
    }
  }

  /// What is known to be wrong with a peer's bytes, what our Close says of it, and the row.
  struct fault {
    int code;
    const char* reason;
    row why;
  };

  /// False: the header is wrong, or not whole yet.
  bool begin_frame() {
    if (in_.empty()) return false;
    if (const std::optional<fault> wrong = wrong_so_far()) return break_rule(*wrong), false;
    if (in_.size() < 2 || in_.size() < header_size()) return false;
    head_ = read_head(in_);
    if (head_.opcode < 8 && (head_.opcode == 0) != in_message_) {
      break_rule({1002,
                  in_message_ ? "a new message inside an unfinished one"
                              : "a continuation without a message to continue",
                  1});
      return false;
    }
    in_.erase(0, head_.size);
    in_frame_ = true;
    left_ = head_.length;
    mask_at_ = 0;
    if (head_.opcode == 1 || head_.opcode == 2) {
      text_ = head_.opcode == 1;
      utf8_ = utf8_check();
      late_utf8_ = utf8_check(utf8_check::judges::whole_code_points);
    }
    if (head_.opcode < 8) {
      in_message_ = !head_.fin;
      inbox_.push_back({"", text_, head_.fin, false});
    }
    return true;
  }

  [[nodiscard]] std::size_t header_size() const {
    const unsigned length = octet(in_, 1) & 0x7FU;
    return 2U + (server_ ? 4U : 0U) + (length == 126 ? 2U : length == 127 ? 8U : 0U);
  }

  /// Every byte is judged as it comes. .NET judges headers that are whole (row 24).
  [[nodiscard]] std::optional<fault> wrong_so_far() const {
    const bool whole = in_.size() >= 2 && in_.size() >= header_size();
    const row soon = whole ? 1 : 24;
    const unsigned first = octet(in_, 0);
    const unsigned opcode = first & 0x0FU;
    if ((first & 0x70U) != 0) return fault{1002, "a reserved bit is set", soon};
    if ((opcode >= 3 && opcode <= 7) || opcode >= 11) {
      return fault{1002, "the opcode is reserved", soon};
    }
    if (opcode >= 8 && (first & 0x80U) == 0) {
      return fault{1002, "a control frame is fragmented", soon};
    }
    if (in_.size() < 2) return std::nullopt;
    const bool masked = (octet(in_, 1) & 0x80U) != 0;
    const unsigned length = octet(in_, 1) & 0x7FU;
    if (server_ && !masked)
      return fault{1002, "a frame from a client is not masked", whole ? 1 : 4};
    if (!server_ && masked) return fault{1002, "a frame from a server is masked", soon};
    if (opcode >= 8 && length > 125) {
      const bool short_after_all = whole && read_head(in_).length <= 125;
      return fault{1002, "a control frame is longer than 125 bytes", short_after_all ? 16 : soon};
    }
    const std::size_t width = length == 126 ? 2 : length == 127 ? 8 : 0;
    if (width == 8 && in_.size() >= 3 && octet(in_, 2) >= 0x80) {
      return fault{1002, "the most significant bit of a length is set", soon};
    }
    const bool two_would_do =
        width == 8 && in_.size() >= 8 && in_.substr(2, 6) == std::string(6, '\0');
    const bool one_would_do =
        width == 2 && in_.size() >= 4 && (octet(in_, 2) << 8U | octet(in_, 3)) < 126;
    if (two_would_do || one_would_do) {
      return fault{1002, "a length is not in its shortest form", 16};
    }
    return std::nullopt;
  }

  void on_data() {
    std::string piece = in_.substr(0, left_);
    in_.erase(0, piece.size());
    left_ -= piece.size();
    for (char& one : piece) {
      if (head_.masked) one = static_cast<char>(one ^ head_.key[mask_at_++ % 4]);
    }
    kept_frame& last = inbox_.back();
    const bool ends = left_ == 0;
    if (text_) {
      const std::size_t good = utf8_.valid_prefix(piece);
      const std::size_t good_to_dotnet = late_utf8_.valid_prefix(piece);
      last.payload += piece.substr(0, good);
      const bool cut = ends && head_.fin && utf8_.cut();
      if (good < piece.size() || cut) {
        const row why = last.payload.empty() && cut ? 25 : good < good_to_dotnet ? 24 : 1;
        return break_rule({1007, "a text message is not valid UTF-8", why});
      }
    } else {
      last.payload += piece;
    }
    last.complete = ends;
    if (ends) in_frame_ = false;
    deliver();
  }

  void on_control(const std::string& payload) {
    if (head_.opcode == 9) pongs_.push_back({pings_++, payload});
    if (head_.opcode != 8) return;
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
    const bool ends = frame_done && first.fin;
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
  bool discards_ = false;
  bool tcp_ended_ = false;
  row why_end_ = 9;
  bool in_message_out_ = false;
  std::string failure_;
  row because_ = 0;
  row why_status_ = 0;

  std::string in_;
  bool fin_ = false;
  bool reset_ = false;
  frame_head head_;
  bool in_frame_ = false;
  bool in_message_ = false;
  bool text_ = false;
  std::size_t left_ = 0;
  std::size_t mask_at_ = 0;
  utf8_check utf8_;
  utf8_check late_utf8_;

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
