// What a Close frame may carry (RFC 6455 §5.5.1, §7.4): which codes pass on the wire, which
// arguments a call may give, and the payload's bytes both ways. Pure functions.
#pragma once

#include <optional>
#include <string>

#include "adieu/close_status.hpp"
#include "adieu/core/types.hpp"
#include "adieu/core/violation.hpp"

namespace adieu::core {

inline constexpr std::size_t max_close_reason = 123;

/// N6: 1000–1003, 1007–1014 and 3000–4999.
[[nodiscard]] bool code_allowed_on_wire(std::uint16_t code) noexcept;

/// N7, D13: a code that is allowed on the wire, or 1005 with no reason; a reason of at most 123
/// bytes of valid UTF-8. Returns what is wrong, or an empty view.
[[nodiscard]] std::string_view bad_close_argument(close_status code,
                                                  std::string_view reason) noexcept;

/// The payload of a Close frame: two bytes of code and the reason; empty for 1005.
[[nodiscard]] std::string encode_close_payload(close_status code, std::string_view reason);

/// What a received payload says. `code` is absent when the payload was shorter than two bytes.
struct close_payload {
  std::optional<std::uint16_t> code;
  std::string reason;                 ///< the raw bytes, valid UTF-8 only when `wrong` is none
  violation wrong = violation::none;  ///< N6, D3
};
[[nodiscard]] close_payload decode_close_payload(const_bytes payload);

}  // namespace adieu::core
