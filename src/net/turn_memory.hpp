// The memory of posted turns: the operations that Asio makes of them take turns in blocks that the
// connections of one executor share. So a call from another thread allocates nothing but itself
// (P8), and an idle connection owns no block.
#pragma once

#include <cstddef>
#include <memory>
#include <mutex>
#include <new>
#include <vector>

namespace adieu::net {

class turn_memory {
 public:
  turn_memory() = default;
  turn_memory(const turn_memory&) = delete;
  turn_memory& operator=(const turn_memory&) = delete;
  ~turn_memory() {
    for (void* const block : spare_) ::operator delete(block);
  }

  [[nodiscard]] void* take(std::size_t size) {
    if (size > block_size) return ::operator new(size);
    {
      const std::lock_guard lock(mutex_);
      if (!spare_.empty()) {
        void* const block = spare_.back();
        spare_.pop_back();
        return block;
      }
    }
    return ::operator new(block_size);
  }

  void give_back(void* memory, std::size_t size) noexcept {
    if (size <= block_size) {
      const std::lock_guard lock(mutex_);
      if (spare_.size() < spare_.capacity() || make_room()) return spare_.push_back(memory);
    }
    ::operator delete(memory);
  }

 private:
  static constexpr std::size_t block_size = 128;
  static constexpr std::size_t most_kept = 1024;  // a broadcast posts a turn for each connection

  [[nodiscard]] bool make_room() noexcept {
    if (spare_.size() >= most_kept) return false;
    try {
      spare_.reserve(2 * spare_.size() + 1);
    } catch (const std::bad_alloc&) {
      return false;
    }
    return true;
  }

  std::mutex mutex_;
  std::vector<void*> spare_;
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
  void deallocate(T* memory, std::size_t count) noexcept {
    memory_->give_back(memory, count * sizeof(T));
  }

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
