// .NET as it was found: System.Net.WebSockets' ManagedWebSocket, whose reading goes on only while
// somebody waits, and which has a read-ahead of 125 bytes for headers.
//
// A waiting reader is tried anew from its beginning whenever something comes. That is the same as
// going on where it stood, since nothing is consumed before all that is needed is there.
#include <fmt/format.h>

#include <algorithm>
#include <deque>

#include "tests/oracle/model.hpp"
#include "tests/oracle/model_parts.hpp"

namespace oracle {
namespace {

constexpr std::size_t read_ahead = 125;

class dotnet_model {
 public:
  dotnet_model(const script& all, const std::set<std::size_t>& unanswered_by_adieu)
      : how_(all), server_(all.role == adieu::role::server), unanswered_(unanswered_by_adieu) {}

  facts play(const step& one, std::size_t number, std::string_view bytes) {
    seen_ = {};
    switch (one.what) {
      case verb::send: send(one, number); break;
      case verb::receive:
        if (state_ == "open" || state_ == "close_sent") {
          const bool crowd = !readers_.empty();
          const bool closes = crowd && readers_.front().is_close;
          if (crowd) depart(closes ? 8 : 7);
          readers_.push_back({number, one.size, false});
        } else {
          tell(number, "invalid_state");
        }
        break;
      case verb::close: close(one, number); break;
      case verb::close_output: close_output(one, number); break;
      case verb::cancel: cancel(); break;
      case verb::abort: abort(); break;
      case verb::dispose: dispose(); break;
      case verb::peer:
        if (!fin_ && !reset_) in_ += bytes;
        break;
      case verb::fin: fin_ = true; break;
      case verb::rst: reset_ = true; break;
      case verb::wait: wait(one.size); break;
    }
    pump();
    seen_.state = {state_, close_is_cut_ ? 24 : 0};
    seen_.status = {status_};
    seen_.since = because_;
    return seen_;
  }

 private:
  enum class after : std::uint8_t { nothing, deliver_close, fault };
  struct reader {
    std::size_t number;
    std::size_t size;
    bool is_close;
    after fin = after::nothing;  // what follows once the server's FIN has come (N10)
    row why = 0;
    bool entered = false;  // a close: it waits for its receive, not for a look
  };
  enum class result : std::uint8_t { blocked, done, more };

  /// From here on the two are in different situations, and `why` is the reason.
  void depart(row why) { because_ = because_ != 0 ? because_ : why; }

  // ── What is told ────────────────────────────────────────────────────────────────────────────
  void tell(std::size_t number, const std::string& what, row why = 0) {
    seen_.done.push_back({fmt::format("{}: {}", number, what), why});
  }
  void write(unsigned first, std::string_view payload, row why = 0) {
    seen_.wire.push_back({frame_in_words(static_cast<unsigned char>(first), payload), why});
  }

  // ── Calls ───────────────────────────────────────────────────────────────────────────────────
  void send(const step& one, std::size_t number) {
    if (state_ != "open" && state_ != "close_received") return tell(number, "invalid_state");
    const unsigned opcode = in_message_out_ ? 0U : one.binary ? 2U : 1U;
    in_message_out_ = one.more;
    if (reset_) return tell(number, "connection_closed_prematurely", 1);
    write(opcode | (one.more ? 0U : 0x80U), letters(one.size), 1);
    tell(number, "ok", 1);
  }

  static bool bad_arguments(const step& one) {
    const bool empty = one.code == 1005;
    const std::size_t reason = unescaped(one.text).size();
    return one.code < 1000 || one.code == 1006 || one.code == 1015 || (empty && reason != 0) ||
           reason > 123;
  }

  /// False: it could not be written.
  bool send_close(int code, const std::string& reason, row why = 0) {
    if (reset_) return false;
    if (code == 1005)
      why = 13;
    else if (!accepted_from_wire(code))
      depart(13);
    write(0x88, close_payload(code, reason), why);
    sent_close_ = true;
    if (received_close_ && state_ != "aborted")
      state_ = "closed";
    else if (state_ == "open")
      state_ = "close_sent";
    return true;
  }

  void close(const step& one, std::size_t number) {
    if (bad_arguments(one)) return tell(number, "invalid_argument");
    if (state_ != "open" && state_ != "close_received" && state_ != "close_sent") {
      return tell(number, "invalid_state");
    }
    if (!sent_close_ && !send_close(one.code, unescaped(one.text))) {
      return tell(number, "connection_closed_prematurely", 1);
    }
    if (state_ == "close_sent") {
      readers_.push_back({number, 256, true});
    } else {
      end_with_fin(number, 9);
    }
  }

  void close_output(const step& one, std::size_t number) {
    if (bad_arguments(one)) return tell(number, "invalid_argument");
    if (state_ != "open" && state_ != "close_received") return tell(number, "invalid_state");
    if (!send_close(one.code, unescaped(one.text))) {
      return tell(number, "connection_closed_prematurely", 1);
    }
    if (received_close_) {
      end_with_fin(number, 17);
    } else {
      tell(number, "ok");
    }
  }

  /// Both Closes have passed in a call: TCP is dropped, by a client after the server's FIN (N10).
  void end_with_fin(std::size_t number, row why) {
    if (server_) {
      dispose();
      tell(number, "ok", why);
    } else {
      fin_waiters_.push_back({number, 0, true, after::deliver_close, why});
    }
  }

  /// A receive that waits for its turn only goes; one that reads takes the connection with it.
  void cancel() {
    bool any = false;
    for (std::size_t i = readers_.size(); i-- > 0;) {
      if (readers_[i].is_close) continue;
      any = true;
      if (i == 0) continue;
      tell(readers_[i].number, "cancelled");
      readers_.erase(readers_.begin() + static_cast<std::ptrdiff_t>(i));
    }
    if (!any) return;
    depart(5);
    abort();
  }

  void abort() {
    if (state_ != "closed") state_ = "aborted";
    dispose();
  }

  void dispose() {
    if (disposed_) return;
    disposed_ = true;
    if (state_ != "closed" && state_ != "aborted") state_ = "closed";
    if (!reset_) seen_.tcp = {"fin", 9};
  }

  void wait(std::size_t time) {
    patience_over_ = time >= 1000;  // N10
    if (state_ != "open" || how_.keep_alive == 0) return;
    if (how_.pong_timeout == 0) return write(0x8A, "", 10);
    write(0x89, std::string(7, '\0') + '\1', 10);
    depart(10);
    abort();
  }

  // ── Reading ─────────────────────────────────────────────────────────────────────────────────
  void pump() {
    for (bool moved = true; moved;) {
      moved = false;
      if (!fin_waiters_.empty() && fin_or_enough()) {
        const reader done = fin_waiters_.front();
        fin_waiters_.pop_front();
        dispose();
        tell(done.number, "ok", done.why);
        moved = true;
      } else if (!readers_.empty()) {
        moved = advance();
      }
    }
  }

  /// The first reader: the others wait for it.
  bool advance() {
    reader& first = readers_.front();
    if (first.fin == after::nothing && first.is_close && !first.entered) {
      if (received_close_) {
        finish_close();
      } else {  // CloseAsync looks once, and then waits anew, behind the others, for its own
                // receive
        first.entered = true;
        readers_.push_back(first);
        readers_.pop_front();
      }
      return true;
    }
    if (disposed_ && first.fin == after::nothing) {
      fail(state_ == "aborted" ? "cancelled" : "connection_closed_prematurely", 20);
      return true;
    }
    const result came = first.fin == after::nothing ? read() : wait_for_fin();
    return came != result::blocked;
  }

  void finish_close() {
    const reader done = readers_.front();
    readers_.pop_front();
    dispose();
    tell(done.number, "ok", 9);
  }

  /// The first reader has its result. A close goes on until the peer's Close, behind the others.
  void give(const std::string& what) {
    const reader done = readers_.front();
    readers_.pop_front();
    if (!done.is_close) {
      tell(done.number, what, done.why);
    } else if (received_close_) {
      readers_.push_front(done);
      finish_close();
    } else {
      readers_.push_back({done.number, done.size, true});
    }
  }

  void fail(const std::string& error, row why = 0) {
    const reader done = readers_.front();
    readers_.pop_front();
    const bool told_before = state_ == "aborted";
    if (state_ != "closed") state_ = "aborted";
    const bool cancelled = told_before || error == "cancelled";
    // A close beside a receive learns only that the connection was aborted (row 21).
    tell(done.number,
         cancelled ? "cancelled" : error,
         done.is_close && cancelled ? 21
         : done.why != 0            ? done.why
                                    : why);
  }

  [[nodiscard]] bool fin_or_enough() const {
    return disposed_ || fin_ || reset_ || patience_over_ || in_.size() > ahead_;
  }

  bool ensure(std::size_t size) {
    if (ahead_ >= size) return true;
    ahead_ = in_.size() < size ? in_.size() : std::min(read_ahead, in_.size());
    return ahead_ >= size;
  }
  void consume(std::size_t size) {
    in_.erase(0, size);
    ahead_ -= std::min(size, ahead_);
  }
  result starve() {
    if (!fin_ && !reset_) return result::blocked;
    fail("connection_closed_prematurely");
    return result::done;
  }

  result read() {
    const std::size_t wanted = readers_.front().size;
    if (payload_left_ == 0) {
      if (!ensure(2)) return starve();
      const unsigned length = octet(in_, 1) & 0x7FU;
      const std::size_t header = 2U + (server_ ? 4U : 0U) +
                                 (length == 126   ? 2U
                                  : length == 127 ? 8U
                                                  : 0U);
      if ((server_ || length > 125) && !ensure(header)) return starve();
      const frame_head head = read_head(in_);
      if (bad(head)) return violate(1002);
      if (head.opcode >= 8) return read_control(head);
      consume(head.size);
      head_ = head;
      if (head.opcode != 0) text_ = head.opcode == 1;
      payload_left_ = head.length;
      if (head.length == 0) {  // N12: also what it should have said about cut UTF-8 (row 25)
        in_message_ = !head_.fin;
        give(words("", true));
        return result::done;
      }
      mask_at_ = 0;
      header_is_new_ = true;
    }
    if (wanted == 0) {
      if (in_.empty()) depart(26);
      header_is_new_ = false;
      give(words("", false));
      return result::done;
    }
    const std::size_t limit = std::min<std::size_t>(wanted, payload_left_);
    if (in_.size() < limit) {
      if (starve() == result::blocked) return result::blocked;
      in_.clear();  // it is lost with the receive that took it, and so is the header
      ahead_ = 0;
      if (header_is_new_) payload_left_ = 0;
      return result::done;
    }
    header_is_new_ = false;
    std::string piece = unmasked(in_.substr(0, limit));
    consume(limit);
    payload_left_ -= limit;
    const bool frame_ends = payload_left_ == 0;
    if (frame_ends) in_message_ = !head_.fin;
    if (text_ && !utf8_.feed(piece, frame_ends && head_.fin)) return violate(1007);
    give(words(piece, frame_ends));
    return result::done;
  }

  std::string unmasked(std::string piece) {
    for (char& one : piece) {
      if (head_.masked) one = static_cast<char>(one ^ head_.key[mask_at_++ % 4]);
    }
    return piece;
  }

  [[nodiscard]] std::string words(const std::string& piece, bool frame_ends) const {
    return fmt::format("{} {} {}",
                       text_ ? "text" : "binary",
                       frame_ends && head_.fin ? "end" : "more",
                       shown(piece));
  }

  [[nodiscard]] bool bad(const frame_head& head) const {
    if (head.reserved != 0 || head.too_large || head.masked != server_) return true;
    if (head.opcode == 0) return !in_message_;
    if (head.opcode <= 2) return in_message_;
    return head.opcode < 8 || head.opcode > 10 || head.length > 125 || !head.fin;
  }

  result read_control(const frame_head& head) {
    const std::size_t length = head.length;
    if (head.opcode == 8) {
      received_close_ = true;
      if (state_ == "close_sent")
        state_ = "closed";
      else if (state_ == "open")
        state_ = "close_received";
      if (length == 1) return violate(1002);
    }
    const std::size_t there = in_.size() - head.size;
    std::size_t ahead = ahead_ - head.size;
    if (ahead < length) ahead = there < length ? there : std::min(read_ahead, there);
    ahead_ = head.size + ahead;
    close_is_cut_ = head.opcode == 8 && there < length;
    if (there < length) return starve();
    const std::string payload = head.unmasked(in_.substr(head.size, length));
    consume(head.size + length);
    if (head.opcode == 9) {
      if (reset_) {
        fail("connection_closed_prematurely");
        return result::done;
      }
      write(0x8A, payload, unanswered_.contains(pings_++) ? 27 : 1);
    }
    return head.opcode == 8 ? on_close(payload) : result::more;
  }

  result on_close(const std::string& payload) {
    int code = 1000;
    std::string reason;
    if (payload.size() >= 2) {
      code = static_cast<int>(octet(payload, 0) << 8U | octet(payload, 1));
      reason = payload.substr(2);
      if (!accepted_from_wire(code)) return violate(1002);
      if (!utf8_check().feed(reason, true)) return violate(1002);
    }
    status_ = fmt::format("{} {}", code, shown(reason));
    readers_.front().fin = after::deliver_close;
    if (sent_close_ && !server_) return result::more;
    give(fmt::format("close {} 0 end", status_));
    return result::done;
  }

  /// N8, and where the bad data was itself a Close.
  result violate(int code) {
    if (!sent_close_) {
      if (state_ != "open" && state_ != "close_received") {
        fail("cancelled");
        return result::done;
      }
      if (!send_close(code, "", 23)) {
        fail("connection_closed_prematurely");
        return result::done;
      }
      if (received_close_) {
        readers_.front().fin = after::fault;
        if (!server_) return result::more;
        dispose();
      }
    }
    in_.erase(0, ahead_);
    ahead_ = 0;
    fail("faulted");
    return result::done;
  }

  /// N10, inside a receive: both Closes have passed. Whatever comes will do.
  result wait_for_fin() {
    if (!fin_or_enough()) return result::blocked;
    const after then = readers_.front().fin;
    readers_.front().fin = after::nothing;
    if (then == after::fault) {
      dispose();
      in_.erase(0, ahead_);
      ahead_ = 0;
      fail("faulted", 17);
      return result::done;
    }
    if (reset_ || patience_over_) dispose();
    readers_.front().why = readers_.front().why != 0 ? readers_.front().why : 17;
    give(fmt::format("close {} 0 end", status_));
    return result::done;
  }

  const script& how_;
  const bool server_;
  const std::set<std::size_t>& unanswered_;
  std::size_t pings_ = 0;
  std::string state_ = "open";
  std::string status_ = "-";
  bool sent_close_ = false;
  bool received_close_ = false;
  bool disposed_ = false;
  bool patience_over_ = false;
  bool in_message_out_ = false;
  bool close_is_cut_ = false;
  row because_ = 0;

  std::string in_;         // arrived and not consumed
  std::size_t ahead_ = 0;  // of it, in the read-ahead
  bool fin_ = false;
  bool reset_ = false;
  std::size_t payload_left_ = 0;
  std::size_t mask_at_ = 0;
  bool header_is_new_ = false;  // nothing of its frame was given yet: it is lost with its receive
  frame_head head_;             // of the frame whose payload is being read
  bool text_ = true;
  bool in_message_ = false;
  utf8_check utf8_{utf8_check::judges::whole_code_points};

  std::deque<reader> readers_;
  std::deque<reader> fin_waiters_;
  facts seen_;
};

}  // namespace

std::vector<facts> as_dotnet(const script& all, const std::set<std::size_t>& unanswered_by_adieu) {
  dotnet_model model(all, unanswered_by_adieu);
  std::vector<facts> out;
  for (std::size_t i = 0; i < all.steps.size(); ++i) {
    const step& one = all.steps[i];
    const std::string bytes = one.what == verb::peer ? wire_bytes(one.text, all.role) : "";
    out.push_back(model.play(one, i, bytes));
  }
  return out;
}

}  // namespace oracle
