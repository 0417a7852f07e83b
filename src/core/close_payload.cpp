// Close codes and payloads (RFC 6455 §5.5.1, §7.4), in the three places where they are judged:
// an argument of ours, our bytes, the peer's bytes.
#include "adieu/core/close_payload.hpp"

#include "adieu/core/utf8.hpp"

namespace adieu::core {

bool code_allowed_on_wire(std::uint16_t code) noexcept {
  // RFC 6455 §7.4.1 and the IANA registry; 1004, 1005, 1006 and 1015 never travel (N6).
  if (code >= 1000 && code <= 1003) return true;
  if (code >= 1007 && code <= 1014) return true;
  return code >= 3000 && code <= 4999;  // §7.4.2
}

std::string_view bad_close_argument(close_status code, std::string_view reason) noexcept {
  const auto number = static_cast<std::uint16_t>(code);
  if (code == close_status::no_status_received) {  // N7: .NET's Empty
    if (reason.empty()) return {};
    return "code 1005 sends a Close without a payload, so it cannot have a reason";
  }
  if (!code_allowed_on_wire(number)) {  // N7, D13
    switch (number) {
      case 1004: return "Close code 1004 is reserved (RFC 6455 §7.4.1)";
      case 1006: return "Close code 1006 never travels: it means that no Close came (§7.4.1)";
      case 1015: return "Close code 1015 never travels: it means that TLS failed (§7.4.1)";
      default: break;
    }
    if (number < 1000) return "Close codes below 1000 are not used (RFC 6455 §7.4.2)";
    if (number < 3000) return "Close codes 1016 to 2999 have no meaning yet (RFC 6455 §7.4.2)";
    return "Close codes from 5000 up do not exist (RFC 6455 §7.4.2)";
  }
  if (reason.size() > max_close_reason) {  // §5.5: 125 bytes less the code
    return "the reason of a Close is longer than 123 bytes of UTF-8 (RFC 6455 §5.5)";
  }
  if (!valid_utf8(as_bytes(reason))) {
    return "the reason of a Close is not valid UTF-8 (RFC 6455 §5.5.1)";
  }
  return {};
}

std::string encode_close_payload(close_status code, std::string_view reason) {
  std::string payload;
  if (code == close_status::no_status_received) return payload;
  const auto number = static_cast<std::uint16_t>(code);
  payload.reserve(2 + reason.size());
  payload.push_back(static_cast<char>(number >> 8));  // §5.5.1: network byte order
  payload.push_back(static_cast<char>(number & 0xFF));
  payload.append(reason);
  return payload;
}

close_payload decode_close_payload(const_bytes payload) {
  close_payload result;
  if (payload.empty()) return result;  // §7.1.5, D2: no code, which is not 1000
  if (payload.size() == 1) {
    result.wrong = violation::invalid_close_length;  // §5.5.1, N6
    return result;
  }
  const auto high = std::to_integer<unsigned>(payload[0]);
  const auto low = std::to_integer<unsigned>(payload[1]);
  result.code = static_cast<std::uint16_t>((high << 8) | low);
  result.reason = as_text(payload.subspan(2));
  if (!code_allowed_on_wire(*result.code)) {
    result.wrong = violation::invalid_close_code;  // §7.4, N6
  } else if (!valid_utf8(payload.subspan(2))) {
    result.wrong = violation::invalid_utf8_close_reason;  // §8.1, D3
  }
  return result;
}

}  // namespace adieu::core
