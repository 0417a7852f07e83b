// What the disconnect record of a cell has to say, computed from what the harness did and saw; and
// the comparison, field by field.
#pragma once

#include <limits>
#include <optional>
#include <string>
#include <vector>

#include "adieu/adieu.hpp"
#include "tests/faults/matrix_peer.hpp"

namespace adieu::test {

/// What the director of a cell did and saw, on the wall clock.
struct trial_notes {
  trial_notes() = default;

  using time = std::chrono::system_clock::time_point;
  time began;
  time faulted;
  std::optional<time> app_closed;          ///< async_close was called
  std::optional<error_code> close_answer;  ///< of that async_close
  std::optional<error_code> connect_answer;
  std::optional<peer_notes> peer;  ///< nothing from a process of its own
  bool peer_read_to_the_end = false;
  core::duration loop_lag{};  ///< how late the loop itself was, in sum, since the beginning
};

struct range {
  std::uint64_t least = 0;
  std::uint64_t most = 0;
  [[nodiscard]] static range exactly(std::uint64_t value) { return {value, value}; }
  [[nodiscard]] static range some() { return {1, std::numeric_limits<std::uint64_t>::max()}; }
};

struct expected_close {
  std::uint16_t code;
  std::string reason;
};

struct expectation {
  expectation() = default;

  bool clean = false;
  adieu::initiator initiator = initiator::nobody;
  std::optional<adieu::initiator> or_else_initiator;
  adieu::cause cause = cause::handshake;
  std::optional<adieu::cause> or_else_cause;
  std::optional<expected_close> sent;
  std::optional<expected_close> received;
  core::violation broken_rule = core::violation::none;
  std::uint64_t broken_at = 0;
  std::optional<close_phase> timeout_phase;
  int os_error = 0;
  std::optional<connect_step> step;  ///< it never opened
  unsigned http_status = 0;
  errc connect_error = errc::success;
  tcp_end tcp = tcp_end::not_connected;
  std::optional<tcp_end> or_else_tcp;
  bool teardown_timed_out = false;
  bool close_notify_missing = false;

  range unsent_messages, unsent_bytes;
  std::optional<range> unacknowledged;
  range discarded_messages, discarded_bytes, unread_messages, unread_bytes;

  std::optional<bool> heard = false;  ///< a byte came after the handshake
  std::optional<bool> spoke = false;  ///< nothing: it may have, or not
  bool round_trip = false;
  bool receive_paused = false;

  /// The end is not earlier than this after what it waited for …
  enum class since {
    fault,
    app_closed,
    our_close,
    last_close,
    last_heard,
    last_spoken
  } from = since::fault;
  std::chrono::milliseconds at_least{0};
  std::chrono::milliseconds unless_closing_for{0};  ///< P5: the total deadline comes first
  /// … and not much later than this.
  std::chrono::milliseconds at_most{0};
};

[[nodiscard]] expectation expect(const cell& in, const trial_notes& seen);

/// "cause: expected peer_reset, was peer_vanished", for each field that differs.
[[nodiscard]] std::vector<std::string> differences(const cell& in,
                                                   const expectation& right,
                                                   const disconnect_record& was,
                                                   const trial_notes& seen);

}  // namespace adieu::test
