// The status codes of a Close frame (RFC 6455 §7.4), by their .NET names where .NET has one.
#pragma once

#include <cstdint>
#include <string_view>

namespace adieu {

/// Any 16-bit code can be held; the named ones are those of RFC 6455 §7.4.1 and the IANA registry.
enum class close_status : std::uint16_t {
  normal_closure = 1000,
  endpoint_unavailable = 1001,  ///< "going away"
  protocol_error = 1002,
  invalid_message_type = 1003,
  /// 1005: never on the wire. In a call it sends a Close without a payload (.NET's `Empty`); in a
  /// result it says that the peer's Close had none (D2).
  no_status_received = 1005,
  /// 1006: never on the wire; derived for those who ask for a code of a connection that ended
  /// without a Close.
  abnormal_closure = 1006,
  invalid_payload_data = 1007,
  policy_violation = 1008,
  message_too_big = 1009,
  mandatory_extension = 1010,
  internal_server_error = 1011,
  service_restart = 1012,
  try_again_later = 1013,
  bad_gateway = 1014,
};

/// "normal closure", "going away", …; "private code" and so on where the registry has no name.
[[nodiscard]] std::string_view to_string(close_status code) noexcept;

}  // namespace adieu
