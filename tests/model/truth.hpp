// What really happened to one side, noted by whoever made it happen: the yardstick for the record,
// the state, the completions and the deadlines of its core. It knows the rules only as facts about
// the two Closes and about time, not as phases.
#pragma once

#include <optional>
#include <string>

#include "adieu/core/connection.hpp"
#include "tests/model/frame_watch.hpp"

namespace adieu::model {

using core::duration;
using core::instant;

struct truth {
  frame_watch wrote;  // what this side has put on the wire
  frame_watch read;   // what it was given from there

  // The Closes.
  bool close_called = false;   // by close(): it throws away what nobody takes (P4)
  bool closing = false;        // a Close of ours was asked for
  bool close_out = false;      // its last byte was handed to the transport
  bool close_written = false;  // and the core was told so
  bool close_read = false;     //
  std::string sent;            // payloads as they passed
  std::string received;        //
  adieu::initiator first = initiator::nobody;

  // Failures.
  std::optional<adieu::cause> why;  // the first event that made a clean end impossible
  bool failed = false;              // no frame but our own Close will pass
  errc end_error = errc::success;   // what a broken rule or limit makes of the end
  bool owes_failure_close = false;  // a Close 1002, 1007 or 1009 shall go out
  bool over_now = false;            // TCP is to be gone by the end of this move
  bool by_reset = false;            // with a reset: the peer shall not wait for anything more
  bool output_lost = false;
  core::input_end lost_how = core::input_end::fin;
  bool destroyed = false;
  bool disposed = false;  // destroyed before the end was settled (N11)

  // TCP.
  bool fin_sent = false;
  bool fin_read = false;
  bool reset_read = false;
  bool linger_passed = false;
  std::optional<tcp_end> tcp;  // what decides, when it does

  // Data.
  std::string unread;  // payload that came and no receive took; ',' ends a frame, '|' a message
  std::uint64_t thrown_away = 0;  // payload that was skipped
  std::uint64_t unsent = 0;       // payload that was accepted and not written
  std::uint64_t unsent_messages = 0;
  std::uint64_t arriving = 0;  // announced so far by the message that is arriving
  std::uint64_t largest = 0;   // announced by any message that was not taken
  char last_letter = 0;        // written last: letters go out in the order of their calls
  bool end_told = false;       // to a receive, or by a successful close

  // Time. `total`, `linger` and `answer` are what must have happened by then.
  std::optional<instant> total;
  std::optional<instant> linger;
  std::optional<instant> answer;
  instant idle_since{};
  instant heard{};
  instant progress{};
  bool stuck = false;   // output waits for room
  bool smooth = true;   // since it heard: no write waited, no timer was late
  bool paused = false;  // reading stands still

  [[nodiscard]] bool both() const noexcept { return close_written && close_read; }
  [[nodiscard]] bool parses() const noexcept { return !close_read && !failed; }
  [[nodiscard]] bool may_send() const noexcept { return !closing && !failed; }
  void lose(adieu::cause what) noexcept {
    if (!why) why = what;
    failed = true;
  }
  /// The peer owes us a Close, and only its silence is limited (P5).
  [[nodiscard]] bool may_idle() const noexcept {
    return closing && !close_read && !failed && !linger && !total && !paused;
  }
  /// What the app has to see (P2, N11).
  [[nodiscard]] adieu::state state() const noexcept;
  /// When something must have happened; nothing is missed if the core's deadline is no later.
  [[nodiscard]] std::optional<instant> due(const websocket_options& options) const noexcept;
  void add_to(core::fingerprint_maker& out) const;
};

/// How much payload is in a truth's `unread`.
[[nodiscard]] std::size_t letters_in(std::string_view unread) noexcept;

/// The code of a Close's payload.
[[nodiscard]] std::optional<std::uint16_t> code_of(std::string_view payload) noexcept;

/// Why a side is over that was told this, before both Closes had passed.
[[nodiscard]] cause cause_of(core::input_end how) noexcept;

[[nodiscard]] std::string name_of(const frame_watch::sight& frame);

/// What a call is told about an end for this reason.
[[nodiscard]] errc error_of(std::optional<cause> why) noexcept;

}  // namespace adieu::model
