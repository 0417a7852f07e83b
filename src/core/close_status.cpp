// The names of Close codes, in the words of the IANA registry; a code without a name gets the
// name of its range (RFC 6455 §7.4.2).
#include "adieu/close_status.hpp"

namespace adieu {

std::string_view to_string(close_status code) noexcept {
  switch (code) {
    case close_status::normal_closure: return "normal closure";
    case close_status::endpoint_unavailable: return "going away";
    case close_status::protocol_error: return "protocol error";
    case close_status::invalid_message_type: return "unsupported data";
    case close_status::no_status_received: return "no status received";
    case close_status::abnormal_closure: return "abnormal closure";
    case close_status::invalid_payload_data: return "invalid payload data";
    case close_status::policy_violation: return "policy violation";
    case close_status::message_too_big: return "message too big";
    case close_status::mandatory_extension: return "mandatory extension";
    case close_status::internal_server_error: return "internal error";
    case close_status::service_restart: return "service restart";
    case close_status::try_again_later: return "try again later";
    case close_status::bad_gateway: return "bad gateway";
  }
  const auto number = static_cast<std::uint16_t>(code);
  switch (number) {
    case 1004: return "reserved code";
    case 1015: return "TLS handshake failure";
    case 3000: return "unauthorized";
    case 3003: return "forbidden";
    case 3008: return "timeout";
    default: break;
  }
  if (number < 1000) return "unused code";
  if (number < 3000) return "unassigned code";
  if (number < 4000) return "registered code";
  if (number < 5000) return "private code";
  return "undefined code";
}

}  // namespace adieu
