// Bytes that are written before they are read: growing does not set them to zero.
#pragma once

#include <cstddef>
#include <memory>
#include <utility>
#include <vector>

namespace adieu::core {

template <class T>
struct uninitialised : std::allocator<T> {
  template <class U>
  struct rebind {
    using other = uninitialised<U>;
  };
  template <class U>
  void construct(U* place) noexcept {
    ::new (static_cast<void*>(place)) U;
  }
  template <class U, class... Arguments>
  void construct(U* place, Arguments&&... arguments) {
    ::new (static_cast<void*>(place)) U(std::forward<Arguments>(arguments)...);
  }
};

using raw_bytes = std::vector<std::byte, uninitialised<std::byte>>;

}  // namespace adieu::core
