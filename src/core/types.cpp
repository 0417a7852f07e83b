// The names of the shared words, spelled as in the code.
#include "adieu/core/types.hpp"

namespace adieu {

std::string_view to_string(role value) noexcept {
  switch (value) {
    case role::client: return "client";
    case role::server: return "server";
  }
  return "unknown role";
}

std::string_view to_string(message_type value) noexcept {
  switch (value) {
    case message_type::text: return "text";
    case message_type::binary: return "binary";
    case message_type::close: return "close";
  }
  return "unknown message type";
}

std::string_view to_string(state value) noexcept {
  switch (value) {
    case state::none: return "none";
    case state::connecting: return "connecting";
    case state::open: return "open";
    case state::close_sent: return "close_sent";
    case state::close_received: return "close_received";
    case state::closed: return "closed";
    case state::aborted: return "aborted";
  }
  return "unknown state";
}

}  // namespace adieu
