// What each broken rule is called, where it is written, and which code answers it.
#include "adieu/core/violation.hpp"

namespace adieu::core {

std::string_view to_string(violation value) noexcept {
  switch (value) {
    case violation::none: return "no rule is broken";
    case violation::reserved_bit_set: return "a reserved bit is set";
    case violation::reserved_opcode: return "the opcode is reserved";
    case violation::fragmented_control_frame: return "a control frame is fragmented";
    case violation::control_frame_too_long: return "a control frame is longer than 125 bytes";
    case violation::unmasked_client_frame: return "a frame from a client is not masked";
    case violation::masked_server_frame: return "a frame from a server is masked";
    case violation::length_not_minimal: return "a length is not in its shortest form";
    case violation::length_too_large: return "the most significant bit of a length is set";
    case violation::unexpected_continuation: return "a continuation without a message to continue";
    case violation::expected_continuation: return "a new message inside an unfinished one";
    case violation::invalid_utf8_text: return "a text message is not valid UTF-8";
    case violation::invalid_compressed_data: return "a compressed message is not valid DEFLATE";
    case violation::invalid_close_length: return "a Close frame has a payload of one byte";
    case violation::invalid_close_code: return "a Close frame has a code that may not be sent";
    case violation::invalid_utf8_close_reason: return "the reason of a Close is not valid UTF-8";
  }
  return "unknown violation";
}

std::string_view section(violation value) noexcept {
  switch (value) {
    case violation::none: return "";
    case violation::reserved_bit_set:
    case violation::reserved_opcode:
    case violation::length_not_minimal:
    case violation::length_too_large: return "RFC 6455 §5.2";
    case violation::fragmented_control_frame:
    case violation::control_frame_too_long: return "RFC 6455 §5.5";
    case violation::unmasked_client_frame:
    case violation::masked_server_frame: return "RFC 6455 §5.1";
    case violation::unexpected_continuation:
    case violation::expected_continuation: return "RFC 6455 §5.4";
    case violation::invalid_utf8_text: return "RFC 6455 §8.1";
    case violation::invalid_compressed_data: return "RFC 7692 §7.2.2";
    case violation::invalid_close_length:
    case violation::invalid_utf8_close_reason: return "RFC 6455 §5.5.1";
    case violation::invalid_close_code: return "RFC 6455 §7.4";
  }
  return "";
}

close_status close_code_for(violation value) noexcept {
  switch (value) {
    case violation::invalid_utf8_text:          // RFC 6455 §8.1
    case violation::invalid_utf8_close_reason:  // D3
    case violation::invalid_compressed_data:    // inconsistent with what the message says it is
      return close_status::invalid_payload_data;
    default: return close_status::protocol_error;
  }
}

}  // namespace adieu::core
