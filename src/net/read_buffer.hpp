// The buffer that all connections of a thread read into, one after the other: an idle connection
// owns none.
#pragma once

#include <memory>

#include "adieu/core/types.hpp"

namespace adieu::net {

/// Lends the thread's buffer; a nested loan (a handler that runs its own loop) gets its own memory.
class read_buffer {
 public:
  static constexpr std::size_t size = 256 * 1024;

  read_buffer() {
    if (!lent) {
      if (!shared) shared = std::make_unique_for_overwrite<std::byte[]>(size);
      lent = true;
      memory_ = shared.get();
    } else {
      own_ = std::make_unique_for_overwrite<std::byte[]>(size);
      memory_ = own_.get();
    }
  }
  read_buffer(const read_buffer&) = delete;
  read_buffer& operator=(const read_buffer&) = delete;
  ~read_buffer() {
    if (!own_) lent = false;
  }

  [[nodiscard]] core::bytes first(std::size_t wanted) const noexcept {
    return {memory_, wanted < size ? wanted : size};
  }

 private:
  inline static thread_local std::unique_ptr<std::byte[]> shared;
  inline static thread_local bool lent = false;
  std::unique_ptr<std::byte[]> own_;
  std::byte* memory_ = nullptr;
};

}  // namespace adieu::net
