// The receive window (P3): how far what comes from the wire may run ahead of the receives.
#include <limits>

#include "adieu/core/connection.hpp"

namespace adieu::core {
namespace {

constexpr std::size_t unlimited = std::numeric_limits<std::size_t>::max();

}  // namespace

std::size_t connection::read_allowance() const noexcept {
  if (!parses() || show_messages_ || peer_gone_) return unlimited;  // nothing is kept, or all is
  if (in_->held.waits()) return 0;
  if (calls_->receive && calls_->receive->kind == receive_kind::message) return unlimited;
  return inbox_->held() < window() ? window() - inbox_->held() : 0;
}

// Only for whole messages: their memory is taken as it is.
bytes connection::read_space() {
  constexpr std::uint64_t large = 64 * 1024;
  const auto& waits = calls_->receive;
  const bool whole_only = show_messages_ || (waits && waits->kind == receive_kind::message);
  if (!whole_only || !parses() || !in_->input.empty() || in_->held.waits()) return {};
  const std::uint64_t left = in_->reader.left_of_plain_frame();
  return left < large || !inbox_ ? bytes() : inbox_.need().space(left);
}

// A receive that waits can be filled through any window: what it takes, and its frame, come on top.
std::size_t connection::window() const noexcept {
  const auto& waits = calls_->receive;
  const std::size_t taken = waits ? waits->buffer.size() + inbox::bookkeeping : 0;
  return how_->options.receive_window + taken;
}

// P3: what was read fits the window, but decompressed it may be a thousand times as much.
bool connection::must_wait() const noexcept {
  if (!in_->reader.decompresses() || show_messages_) return false;
  if (calls_->receive && calls_->receive->kind == receive_kind::message) return false;
  std::uint64_t room = window();
  // Behind the end of input, the state shall tell the truth if that costs no more than a message.
  if (in_->held.ended() || peer_gone_) room += how_->options.max_message_size;
  const bool more = in_->reader.holds_data() || !in_->input.empty() || in_->held.waits();
  return more && parses() && inbox_->held() >= room;
}

void connection::set_aside() {
  intake& in = taking_in();
  in.held.hold(in.input);
  in.reader.keep_input();
}

void connection::resume(instant now) {
  taking_in().input = taking_in().held.release();
  parse(now);
}

// P4: after async_close nobody may ever read; the window must not hide the peer's Close.
void connection::discard_if_stuck() {
  if (!discards_ || calls_->receive) return;
  if (inbox_->held() >= how_->options.receive_window) inbox_.need().discard();
}

// After every input and call: what is waited for, and whether reading stands still.
void connection::settle(instant now) {
  deliver(now);
  discard_if_stuck();
  if (in_->held.waits()) {
    if (!must_wait()) return resume(now);
  } else if (in_->held.ended()) {
    const auto end = taking_in().held.take_end();
    return input_ended(end->how, end->os_error, now);
  }
  const bool paused = read_allowance() == 0;
  if (paused && !in_->paused_since) {
    taking_in().paused_since = now;
    taking_in().next_probe = now + how_->options.probe_interval;
    keepalive_.pause();
  } else if (!paused && in_->paused_since) {
    taking_in().paused_since.reset();
    keepalive_.resume(now);
    if (ending_) ending().idle_since = now;
  }
}

}  // namespace adieu::core
