// How .NET reads: one reader at a time, frame by frame.
#include <fmt/format.h>

#include <algorithm>

#include "tests/oracle/dotnet_model.hpp"

namespace oracle {
namespace {

constexpr std::size_t read_ahead = 125;

}  // namespace

void dotnet_model::pump() {
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

bool dotnet_model::advance() {
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

void dotnet_model::finish_close() {
  const reader done = readers_.front();
  readers_.pop_front();
  dispose();
  tell(done.number, "ok", 9);
}

void dotnet_model::give(const std::string& what) {
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

void dotnet_model::fail(const std::string& error, row why) {
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

bool dotnet_model::fin_or_enough() const {
  return disposed_ || fin_ || reset_ || patience_over_ || in_.size() > ahead_;
}

bool dotnet_model::ensure(std::size_t size) {
  if (ahead_ >= size) return true;
  ahead_ = in_.size() < size ? in_.size() : std::min(read_ahead, in_.size());
  return ahead_ >= size;
}

void dotnet_model::consume(std::size_t size) {
  in_.erase(0, size);
  ahead_ -= std::min(size, ahead_);
}

dotnet_model::result dotnet_model::starve() {
  if (!fin_ && !reset_) return result::blocked;
  fail("connection_closed_prematurely");
  return result::done;
}

dotnet_model::result dotnet_model::read() {
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

std::string dotnet_model::unmasked(std::string piece) {
  for (char& one : piece) {
    if (head_.masked) one = static_cast<char>(one ^ head_.key[mask_at_++ % 4]);
  }
  return piece;
}

std::string dotnet_model::words(const std::string& piece, bool frame_ends) const {
  return fmt::format("{} {} {}",
                     text_ ? "text" : "binary",
                     frame_ends && head_.fin ? "end" : "more",
                     shown(piece));
}

bool dotnet_model::bad(const frame_head& head) const {
  if (head.reserved != 0 || head.too_large || head.masked != server_) return true;
  if (head.opcode == 0) return !in_message_;
  if (head.opcode <= 2) return in_message_;
  return head.opcode < 8 || head.opcode > 10 || head.length > 125 || !head.fin;
}

dotnet_model::result dotnet_model::read_control(const frame_head& head) {
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

dotnet_model::result dotnet_model::on_close(const std::string& payload) {
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

dotnet_model::result dotnet_model::violate(int code) {
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

dotnet_model::result dotnet_model::wait_for_fin() {
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

}  // namespace oracle
