// Every way in which a call can fail, as one enum. The first ten are .NET's WebSocketError (N18)
// with its numbers and meanings; the rest are distinctions that .NET does not make.
#pragma once

#include <string_view>

namespace adieu {

enum class errc : int {
  success = 0,
  /// A message of a type that the call cannot carry, such as sending `message_type::close`.
  invalid_message_type = 1,
  /// The peer broke RFC 6455, or said that we did: the connection was failed (N8, D14).
  faulted = 2,
  /// The operating system failed a read or a write; the record has the errno.
  native_error = 3,
  /// The server answered the opening handshake with something else than 101.
  not_a_websocket = 4,
  unsupported_version = 5,
  /// The subprotocol was not offered, or none of the required ones was accepted.
  unsupported_protocol = 6,
  /// A header of the opening handshake is missing, wrong or too large.
  header_error = 7,
  /// TCP ended without the closing handshake (S9); the record says in which way.
  connection_closed_prematurely = 8,
  /// The call is not valid in this state (N1, S8).
  invalid_state = 9,

  /// abort(), or the websocket was destroyed, while the call was pending (P6).
  aborted = 100,
  /// The closing handshake did not finish within the close deadline (P5).
  close_timeout,
  /// No byte came from the peer, not even a Pong, for the keep-alive's limit (D10).
  keepalive_timeout,
  /// Nothing could be written for the write limit: the peer does not read (P3).
  peer_not_reading,
  /// A receive is already pending (P8).
  operation_in_progress,
  /// An argument is wrong; nothing was sent (N7, D13).
  invalid_argument,
  /// The message is larger than `max_message_size`; a Close 1009 was sent (P9).
  message_too_big,
  /// Before the end of a message: its writer was destroyed, or the connection closes (P1).
  message_abandoned,
  /// More waits for the peer than `max_buffered_amount`; nothing was sent.
  too_much_buffered,

  // Opening a connection, by the step that failed.
  invalid_url = 200,
  resolve_failed,
  connect_failed,
  tls_failed,
  certificate_rejected,
  connect_timeout,
};

/// The name, as in `connection_closed_prematurely`.
[[nodiscard]] std::string_view to_string(errc) noexcept;

/// What happened, whose fault it was and what to do, in one sentence.
[[nodiscard]] std::string_view explain(errc) noexcept;

}  // namespace adieu
