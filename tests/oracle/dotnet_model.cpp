// The calls of .NET's side, and what is told of them.
#include "tests/oracle/dotnet_model.hpp"

#include <fmt/format.h>

namespace oracle {

facts dotnet_model::play(const step& one, std::size_t number, std::string_view bytes) {
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
    case verb::cancel_send: cancel_sends(); break;
    case verb::abort: abort(); break;
    case verb::dispose: dispose(); break;
    case verb::peer:
      if (!fin_ && !reset_) in_ += bytes;
      break;
    case verb::fin: fin_ = true; break;
    case verb::rst: reset_ = true; break;
    case verb::stall: stalled_ = true; break;
    case verb::go: unstall(); break;
    case verb::wait: wait(one.size); break;
  }
  pump();
  seen_.state = {state_, close_is_cut_ ? 24 : 0};
  seen_.status = {status_};
  seen_.since = because_;
  return seen_;
}

void dotnet_model::tell(std::size_t number, const std::string& what, row why) {
  seen_.done.push_back({fmt::format("{}: {}", number, what), why});
}

void dotnet_model::write(unsigned first, std::string_view payload, row why) {
  seen_.wire.push_back({frame_in_words(static_cast<unsigned char>(first), payload), why});
}

void dotnet_model::send(const step& one, std::size_t number) {
  if (one.as_close) return tell(number, "invalid_argument");
  if (state_ != "open" && state_ != "close_received") return tell(number, "invalid_state");
  const unsigned opcode = in_message_out_ ? 0U : one.binary ? 2U : 1U;
  in_message_out_ = one.more;
  if (reset_) return tell(number, "connection_closed_prematurely", 1);
  if (stalled_) {
    const unsigned first = opcode | (one.more ? 0U : 0x80U);
    blocked_.emplace_back(number,
                          frame_in_words(static_cast<unsigned char>(first), letters(one.size)));
    return;
  }
  write(opcode | (one.more ? 0U : 0x80U), letters(one.size), 1);
  tell(number, "ok", 1);
}

bool dotnet_model::bad_arguments(const step& one) {
  const bool empty = one.code == 1005;
  const std::size_t reason = unescaped(one.text).size();
  return one.code < 1000 || one.code == 1006 || one.code == 1015 || (empty && reason != 0) ||
         reason > 123;
}

bool dotnet_model::send_close(int code, const std::string& reason, row why) {
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

void dotnet_model::cancel_sends() {
  if (blocked_.empty()) return;
  depart(5);
  for (const auto& [number, frame] : blocked_) tell(number, "cancelled");
  abort();
}

void dotnet_model::unstall() {
  stalled_ = false;
  if (disposed_) {
    seen_.wire.push_back({"part of a frame"});
    seen_.tcp = {"fin", 9};
    return;
  }
  for (const auto& [number, frame] : blocked_) {
    seen_.wire.push_back({frame});
    tell(number, "ok");
  }
  blocked_.clear();
}

void dotnet_model::close(const step& one, std::size_t number) {
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

void dotnet_model::close_output(const step& one, std::size_t number) {
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

void dotnet_model::end_with_fin(std::size_t number, row why) {
  if (server_) {
    dispose();
    tell(number, "ok", why);
  } else {
    fin_waiters_.push_back({number, 0, true, after::deliver_close, why});
  }
}

void dotnet_model::cancel() {
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

void dotnet_model::abort() {
  if (state_ != "closed") state_ = "aborted";
  dispose();
}

void dotnet_model::dispose() {
  if (disposed_) return;
  disposed_ = true;
  if (state_ != "closed" && state_ != "aborted") state_ = "closed";
  if (!reset_ && !stalled_) seen_.tcp = {"fin", 9};
}

void dotnet_model::wait(std::size_t time) {
  patience_over_ = time >= 1000;  // N10
  if (state_ != "open" || how_.keep_alive == 0) return;
  if (how_.pong_timeout == 0) return write(0x8A, "", 10);
  write(0x89, std::string(7, '\0') + '\1', 10);
  depart(10);
  abort();
}

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
