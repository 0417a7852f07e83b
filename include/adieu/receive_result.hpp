// What a receive brings, as .NET's WebSocketReceiveResult (S6).
#pragma once

#include <optional>
#include <string>

#include "adieu/close_status.hpp"
#include "adieu/core/types.hpp"

namespace adieu {

struct receive_result {
  std::size_t count = 0;  ///< bytes that were put into the buffer; 0 for a Close (N5)
  message_type type = message_type::binary;
  bool end_of_message = false;
  /// Only for a Close: its code (`no_status_received` when it had none, D2) and its reason.
  std::optional<adieu::close_status> close_status;
  std::string close_description;
};

}  // namespace adieu
