// What anybody may ask about a connection, from any thread and after the websocket is gone: the
// state, and at the end the record.
#pragma once

#include <atomic>
#include <functional>
#include <mutex>
#include <optional>
#include <vector>

#include "adieu/record.hpp"

namespace adieu::net {

class connection_status {
 public:
  [[nodiscard]] adieu::state state() const noexcept {
    return state_.load(std::memory_order_acquire);
  }
  void publish(adieu::state now) noexcept { state_.store(now, std::memory_order_release); }

  [[nodiscard]] std::optional<disconnect_record> record() const {
    const std::lock_guard lock(mutex_);
    return record_;
  }
  /// Once.
  void publish(const disconnect_record& record) {
    const std::lock_guard lock(mutex_);
    record_ = record;
  }

  struct received_close {
    close_status code;
    std::string description;
  };
  [[nodiscard]] std::optional<received_close> close() const {
    const std::lock_guard lock(mutex_);
    return close_;
  }
  void publish(received_close close) {
    const std::lock_guard lock(mutex_);
    close_ = std::move(close);
  }

 private:
  std::atomic<adieu::state> state_{adieu::state::connecting};
  mutable std::mutex mutex_;
  std::optional<disconnect_record> record_;
  std::optional<received_close> close_;
};

}  // namespace adieu::net
