// The closing state machine as one table: (phase × event → phase, action). RFC 6455 §7, and the
// rows S1–S5, N1–N3, N8–N11, D9, D11, D14, D15, P1, P5, P6 of docs/closing.md.
//
// The table says what happens; it does nothing itself. Phases are finer than the public state:
// they also say what of ours waits to be written and whether TCP is still there.
#pragma once

#include <array>
#include <string>
#include <string_view>

#include "adieu/core/types.hpp"

namespace adieu::core {

enum class phase : std::uint8_t {
  open,            // no Close has passed, none of ours waits
  close_queued,    // our Close waits behind sends that were accepted before it
  close_sent,      // ours is written, the peer's has not come
  close_received,  // the peer's has come, ours has not been asked for
  reply_queued,    // the peer's has come, ours waits to be written
  closed,          // both have passed; TCP is being taken down
  failing,         // the peer broke a rule; our Close 1002, 1007, … waits to be written
  draining,        // no frame will pass any more; our FIN is out, the peer's is awaited
  over_closed,     // TCP is gone; both Closes had passed
  over_aborted,    // TCP is gone; they had not
};
inline constexpr std::size_t phase_count = 10;

enum class event : std::uint8_t {
  call_close,         // async_close, or the answer that Adieu gives for the app (D11)
  call_close_output,  // async_close_output
  close_written,      // the last byte of our Close went to the transport
  close_read,         // a valid Close of the peer
  rule_broken,        // the peer broke a rule or a limit
  input_fin,          // the peer's FIN (with TLS: its close_notify)
  input_lost,         // a reset, a truncation, a read error
  output_lost,        // a write error; the input may still hold the peer's Close
  close_deadline,     // P5
  linger_over,        // D9: the peer's FIN did not come within a second
  peer_silent,        // D10: no Pong
  peer_not_reading,   // P3: a write stayed blocked for its limit
  call_abort,
  call_destroy,
};
inline constexpr std::size_t event_count = 14;

enum class action : std::uint8_t {
  none,
  refuse,         // the call fails with invalid_state (N1)
  impossible,     // the event cannot come in this phase
  queue_close,    // our Close, behind the sends that were accepted before it (P1)
  deliver_close,  // the peer's Close goes to the receive; without an answer, D11's clock runs
  queue_failure,  // drop what is unsent; our Close with the rule's code (D14)
  note_fin,       // remember the peer's FIN; our Close can still be written
  stop_writing,   // read what the peer may still have sent, write no more
  tear_down,      // both Closes passed: server FIN then drain, client waits then FIN (D9)
  fin_and_drain,  // FIN now, then read until the peer's FIN or a second has passed
  cut,            // close TCP
  reset,          // close TCP with a reset (SO_LINGER 0)
};

struct transition {
  phase next;
  action act;
  friend bool operator==(const transition&, const transition&) = default;
};

using closing_table = std::array<std::array<transition, event_count>, phase_count>;

[[nodiscard]] const closing_table& closing_rules() noexcept;

[[nodiscard]] inline transition step(phase in, event what) noexcept {
  return closing_rules()[static_cast<std::size_t>(in)][static_cast<std::size_t>(what)];
}

/// The state that the user sees in this phase (P2: the wire's truth).
[[nodiscard]] constexpr state public_state(phase in) noexcept {
  switch (in) {
    case phase::open:
    case phase::close_queued: return state::open;
    case phase::close_sent: return state::close_sent;
    case phase::close_received:
    case phase::reply_queued: return state::close_received;
    case phase::closed:
    case phase::over_closed: return state::closed;
    case phase::failing:
    case phase::draining:
    case phase::over_aborted: return state::aborted;
  }
  return state::none;
}

[[nodiscard]] constexpr bool is_over(phase p) noexcept {
  return p == phase::over_closed || p == phase::over_aborted;
}

[[nodiscard]] std::string_view to_string(phase) noexcept;
[[nodiscard]] std::string_view to_string(event) noexcept;
[[nodiscard]] std::string_view to_string(action) noexcept;

/// The table as a Mermaid state diagram, and as a Markdown table: docs/closing.md holds both.
[[nodiscard]] std::string closing_diagram();
[[nodiscard]] std::string closing_markdown();

}  // namespace adieu::core
