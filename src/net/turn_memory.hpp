// The memory of a posted turn: a driver has at most one posted at a time, so the operation that
// Asio makes of it can live in the driver, and a call from another thread allocates nothing but
// itself (P8).
#pragma once

#include <array>
#include <cstddef>
#include <new>

namespace adieu::net {

class turn_memory {
 public:
  [[nodiscard]] void* take(std::size_t size) {
    if (taken_ || size > space_.size()) return ::operator new(size);
    taken_ = true;
    return space_.data();
  }
  void give_back(void* memory) noexcept {
    if (memory == space_.data()) {
      taken_ = false;
    } else {
      ::operator delete(memory);
    }
  }

 private:
  alignas(std::max_align_t) std::array<std::byte, 128> space_;
  bool taken_ = false;
};

template <typename T>
class turn_allocator {
 public:
  using value_type = T;

  explicit turn_allocator(turn_memory& memory) noexcept : memory_(&memory) {}
  template <typename U>
  turn_allocator(const turn_allocator<U>& other) noexcept : memory_(other.memory_) {}

  [[nodiscard]] T* allocate(std::size_t count) {
    return static_cast<T*>(memory_->take(count * sizeof(T)));
  }
  void deallocate(T* memory, std::size_t) noexcept { memory_->give_back(memory); }

  template <typename U>
  friend bool operator==(const turn_allocator& a, const turn_allocator<U>& b) noexcept {
    return a.memory_ == b.memory_;
  }

 private:
  template <typename U>
  friend class turn_allocator;
  turn_memory* memory_;
};

}  // namespace adieu::net
