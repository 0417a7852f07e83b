// The disconnect record (D12, docs/closing.md): who ended a connection, how, why,
// and what was lost. Plain data; every connection ends with exactly one.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

#include "adieu/close_status.hpp"
#include "adieu/core/types.hpp"
#include "adieu/core/violation.hpp"

namespace adieu {

/// Whose Close came first, as seen from here. Two Closes that cross read `local` on both ends.
enum class initiator : std::uint8_t {
  nobody,
  local,   ///< our Close was written before the peer's was read
  remote,  ///< the peer's Close was read before ours was written
};

/// The first event that made a clean end impossible, or `handshake` when nothing did.
enum class cause : std::uint8_t {
  handshake,
  peer_vanished,  ///< the peer's FIN without its Close; or so early that ours can't be sent
  peer_reset,     ///< a TCP reset before both Closes had passed
  tls_truncated,  ///< TCP ended without TLS's close_notify and without a Close
  protocol_error_by_peer,   ///< the peer broke a rule; `broken_rule` and `broken_at` say which
  protocol_error_by_us,     ///< the peer's Close says that we did (1002, 1003, 1007, 1009, 1010)
  message_too_big,          ///< the peer's message passed `max_message_size`
  frame_too_big,            ///< the peer's frame passed `max_frame_size`
  too_many_fragments,       ///< the peer's message passed `max_fragments`
  inflated_too_much,        ///< the peer's message passed `max_inflate_ratio`
  too_many_control_frames,  ///< the peer passed `max_control_frames_per_second`
  keepalive_timeout,
  peer_not_reading,
  close_timeout,  ///< `timeout_phase` says what was waited for
  local_abort,
  too_much_buffered,  ///< send() passed `max_buffered_amount`: the peer reads too slowly
  disposed,           ///< the websocket was destroyed before it was closed
  handler_error,      ///< the server's handler threw, or a message's writer was abandoned
  transport_error,    ///< the operating system's error is in `os_error`
  connect_failed,     ///< the connection never opened; `connect` says where it stopped
};

/// What the closing handshake waited for when its deadline passed (P5).
enum class close_phase : std::uint8_t { sending_close, awaiting_peer_close };

/// How TCP ended, as observed here.
enum class tcp_end : std::uint8_t {
  not_connected,  ///< no WebSocket was ever open on it: how an attempt's TCP ended is not kept
  our_fin_first,
  peer_fin_first,
  reset_sent,
  reset_received,
  timed_out,  ///< the peer's FIN did not come in time after ours
};

/// The step at which opening a connection stopped.
enum class connect_step : std::uint8_t { url, resolve, connect, tls, request, response };

/// A Close frame that really passed, raw. Never invented: 1005 or 1006 stands here only if a peer
/// wrote it, which is a protocol error.
struct close_frame {
  std::optional<std::uint16_t> code;  ///< absent when the frame had no payload
  std::string reason;                 ///< raw bytes of the peer, not made printable
  core::duration at{};                ///< since `opened`
};

struct connect_failure {
  connect_step step = connect_step::url;
  unsigned http_status = 0;  ///< 0: no HTTP response came
  std::string detail;        ///< a sentence
};

struct losses {
  /// Accepted from the app and not written (whole messages, payload bytes).
  std::uint64_t unsent_messages = 0;
  std::uint64_t unsent_bytes = 0;
  /// After an unclean end on TCP: bytes that the peer's kernel never acknowledged.
  std::optional<std::uint64_t> unacknowledged_bytes;
  /// Received, and thrown away because nobody took it in time (P4, D8).
  std::uint64_t discarded_messages = 0;
  std::uint64_t discarded_bytes = 0;
  /// Received, and still waiting for a receive when the connection ended: not lost yet.
  std::uint64_t unread_messages = 0;
  std::uint64_t unread_bytes = 0;
};

struct disconnect_record {
  role local_role = role::client;
  bool clean = false;
  adieu::initiator initiator = adieu::initiator::nobody;
  adieu::cause cause = adieu::cause::handshake;
  std::optional<close_frame> sent;
  std::optional<close_frame> received;

  // Details of some causes.
  core::violation broken_rule = core::violation::none;
  std::uint64_t broken_at = 0;  ///< offset of the byte in what the peer sent after the handshake
  std::optional<close_phase> timeout_phase;
  int os_error = 0;
  std::optional<connect_failure> connect;

  tcp_end tcp = tcp_end::not_connected;
  bool teardown_timed_out = false;    ///< both Closes passed, the peer's FIN did not come
  bool close_notify_missing = false;  ///< both Closes passed, TLS's close_notify did not come

  losses lost;

  std::chrono::system_clock::time_point opened{};  ///< wall-clock time
  // Since `opened`:
  std::optional<core::duration> last_byte_received;
  std::optional<core::duration> last_byte_sent;
  core::duration ended{};
  std::optional<core::duration> round_trip;  ///< of the last answered Ping
  bool receive_paused = false;  ///< reading stood still at the end: the app did not take data

  /// The code for those who must have one: the received one, 1005 for a Close without a payload,
  /// 1006 without a Close. Derived, never stored.
  [[nodiscard]] close_status derived_code() const noexcept;
};

/// One English line: `clean: we closed first with 1000 "bye", the peer with 1000; TCP: …`.
/// Text of the peer is made printable.
[[nodiscard]] std::string to_line(const disconnect_record& record);

/// One JSON object on one line. What the record does not have is not there.
[[nodiscard]] std::string to_json(const disconnect_record& record);

/// Bytes of a peer, safe for a terminal or a log: control characters, bytes that are not UTF-8,
/// and what breaks lines or turns the direction of text, become \xNN.
[[nodiscard]] std::string printable(std::string_view bytes);

/// The same as a JSON string, with its quotation marks: the characters above become \uNNNN, so that
/// whoever reads it has the text as it was; only bytes that are not UTF-8 become \xNN.
[[nodiscard]] std::string json_string(std::string_view bytes);

[[nodiscard]] std::string_view to_string(initiator) noexcept;
[[nodiscard]] std::string_view to_string(cause) noexcept;
[[nodiscard]] std::string_view to_string(close_phase) noexcept;
[[nodiscard]] std::string_view to_string(tcp_end) noexcept;
[[nodiscard]] std::string_view to_string(connect_step) noexcept;

}  // namespace adieu
