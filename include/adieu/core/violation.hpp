// The rules of RFC 6455 that a peer can break once the connection is open, each with its section
// and with the Close code that answers it (§7.4.1).
#pragma once

#include <cstdint>
#include <string_view>

#include "adieu/close_status.hpp"

namespace adieu::core {

enum class violation : std::uint8_t {
  none,
  reserved_bit_set,           // §5.2: RSV1–3 without a negotiated extension
  reserved_opcode,            // §5.2: 3–7 and 11–15
  fragmented_control_frame,   // §5.5
  control_frame_too_long,     // §5.5: more than 125 bytes
  unmasked_client_frame,      // §5.1, D4
  masked_server_frame,        // §5.1
  length_not_minimal,         // §5.2, D16
  length_too_large,           // §5.2: the most significant bit must be 0
  unexpected_continuation,    // §5.4
  expected_continuation,      // §5.4
  invalid_utf8_text,          // §8.1: 1007
  invalid_compressed_data,    // RFC 7692 §7.2.2: 1007
  invalid_close_length,       // §5.5.1: a payload of one byte
  invalid_close_code,         // §7.4, N6
  invalid_utf8_close_reason,  // §5.5.1, §8.1, D3: 1007
};

/// What was broken, as a phrase: "a reserved bit is set".
[[nodiscard]] std::string_view to_string(violation) noexcept;

/// "RFC 6455 §5.2"
[[nodiscard]] std::string_view section(violation) noexcept;

/// 1007 for text that is not UTF-8 and data that is not DEFLATE, 1002 for the rest.
[[nodiscard]] close_status close_code_for(violation) noexcept;

}  // namespace adieu::core
