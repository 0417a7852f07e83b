// Exit statuses of the tool: one for each way in which a connection can end. The table here is the
// only one; --help prints it, docs/exit-codes.md repeats it, and a test compares the two.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "adieu/error.hpp"
#include "adieu/record.hpp"

namespace adieu::tool {

enum class exit_code : int {
  ok = 0,
  internal_error = 1,
  usage = 2,
  peer_closed_with_error = 3,
  input_refused = 4,
  output_failed = 5,
  cannot_listen = 6,

  // The connection did not open.
  bad_url = 10,
  resolve_failed = 11,
  connect_failed = 12,
  tls_failed = 13,
  certificate_rejected = 14,
  http_refused = 15,
  bad_handshake = 16,
  unsupported_subprotocol = 17,
  connect_timeout = 18,
  handshake_cut = 19,

  // It opened, and did not end cleanly.
  peer_vanished = 20,
  peer_reset = 21,
  tls_truncated = 22,
  protocol_error_by_peer = 23,
  protocol_error_by_us = 24,
  over_limit = 25,
  keepalive_timeout = 26,
  peer_not_reading = 27,
  close_timeout = 28,
  transport_error = 29,

  // The user ended it.
  local_abort = 30,
  command_timeout = 31,
};

struct exit_row {
  exit_code code;
  std::string_view name;
  std::string_view meaning;
};

/// Every status, in order.
[[nodiscard]] std::span<const exit_row> exit_table() noexcept;

/// The table as lines of text, for --help.
[[nodiscard]] std::string exit_help();

/// Of a connection that was open.
[[nodiscard]] exit_code exit_code_for(const disconnect_record& record) noexcept;

/// Of an attempt to connect that failed with `ec`. The record says at which step, when there is
/// one.
[[nodiscard]] exit_code exit_code_for(const error_code& ec,
                                      const disconnect_record& record) noexcept;

}  // namespace adieu::tool
