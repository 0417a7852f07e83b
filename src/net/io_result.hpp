// What became of a read or a write that does not block.
#pragma once

#include <cerrno>
#include <cstddef>
#include <cstdint>

namespace adieu::net {

struct io_result {
  enum class outcome : std::uint8_t { done, want_read, want_write, fin, reset, truncated, error };
  outcome what = outcome::done;
  std::size_t size = 0;
  int os_error = 0;
  bool drained = false;  // of a read: the kernel had no more
};

[[nodiscard]] inline io_result io_failure(int error) noexcept {
  switch (error) {
    case EAGAIN: return {io_result::outcome::want_read};
    case ECONNRESET:
    case EPIPE: return {io_result::outcome::reset, 0, error};
    default: return {io_result::outcome::error, 0, error};
  }
}

}  // namespace adieu::net
