// A whole message, as `async_receive_message` fills it and `async_send` takes it; and a view of
// one, as `on_message` shows it.
#pragma once

#include <string>
#include <string_view>
#include <utility>

#include "adieu/core/types.hpp"

namespace adieu {

/// Owns its payload. Reuse one object for many receives: its memory is kept.
struct message {
  message() = default;
  message(message_type what, std::string text) : type(what), payload(std::move(text)) {}

  message_type type = message_type::text;
  std::string payload;

  [[nodiscard]] std::string_view text() const noexcept { return payload; }
  [[nodiscard]] std::span<const std::byte> bytes() const noexcept {
    return std::as_bytes(std::span(payload));
  }
};

/// A message where it lies in the reader's memory: valid until the handler returns.
struct message_view {
  message_type type = message_type::text;
  std::span<const std::byte> bytes;

  [[nodiscard]] std::string_view text() const noexcept {
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
  }
};

}  // namespace adieu
