// The words that every part of the core shares: who we are, what time is, what a message is.
// Nothing here does anything.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace adieu {

/// Which end of the connection we are (RFC 6455 §5.1: only a client masks).
enum class role : std::uint8_t { client, server };

/// The type of a message, as .NET's WebSocketMessageType.
enum class message_type : std::uint8_t { text, binary, close };

/// N13: whether a message may be compressed, if permessage-deflate was agreed.
enum class compression : std::uint8_t { as_agreed, none };

/// What the wire has seen, as .NET's WebSocketState, with its numbers.
enum class state : std::uint8_t {
  none = 0,
  connecting = 1,
  open = 2,
  close_sent = 3,
  close_received = 4,
  closed = 5,
  aborted = 6,
};

[[nodiscard]] std::string_view to_string(role) noexcept;
[[nodiscard]] std::string_view to_string(message_type) noexcept;
[[nodiscard]] std::string_view to_string(state) noexcept;

namespace core {

/// A point in time on a monotonic clock that the caller owns, or a length of time.
using instant = std::chrono::nanoseconds;
using duration = std::chrono::nanoseconds;

/// Names one pending operation. The caller chooses it (a pointer, a counter); the core only
/// hands it back in the completion.
using ticket = std::uintptr_t;

using bytes = std::span<std::byte>;
using const_bytes = std::span<const std::byte>;

/// Fills a span with random bytes. Handed in, so that a test can be replayed.
using random_source = void (*)(bytes);

[[nodiscard]] inline const_bytes as_bytes(std::string_view text) noexcept {
  return std::as_bytes(std::span(text));
}
[[nodiscard]] inline std::string_view as_text(const_bytes data) noexcept {
  return {reinterpret_cast<const char*>(data.data()), data.size()};
}

}  // namespace core
}  // namespace adieu
