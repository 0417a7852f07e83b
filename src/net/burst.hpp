// Bursts: sends that follow each other before the loop comes by again. The first one on a
// connection is written within the call; those behind it wait for the turn, to leave together.
#pragma once

#include <atomic>
#include <cstdint>

namespace adieu::net {

/// Counts the bursts of a loop's connections; each notes the last one that it wrote in.
class burst_count {
 public:
  [[nodiscard]] std::uint32_t now() const noexcept {
    return count_.load(std::memory_order_relaxed);
  }
  /// True for the one who has to see to it that end() is called when the loop comes by.
  [[nodiscard]] bool begin() noexcept {
    return !begun_.load(std::memory_order_relaxed) &&
           !begun_.exchange(true, std::memory_order_relaxed);
  }
  void end() noexcept {
    begun_.store(false, std::memory_order_relaxed);
    count_.fetch_add(1, std::memory_order_relaxed);
  }

 private:
  std::atomic<std::uint32_t> count_{1};
  std::atomic<bool> begun_{false};
};

}  // namespace adieu::net
