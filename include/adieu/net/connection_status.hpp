// What anybody may ask about a connection, from any thread and after the websocket is gone: the
// state, and at the end the record. What comes late, and once, has no memory before.
#pragma once

#include <atomic>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "adieu/record.hpp"

namespace adieu::net {

class connection_status {
 public:
  connection_status() = default;
  connection_status(const connection_status&) = delete;
  connection_status& operator=(const connection_status&) = delete;
  ~connection_status() {
    delete record_.load(std::memory_order_acquire);
    delete close_.load(std::memory_order_acquire);
  }

  [[nodiscard]] adieu::state state() const noexcept {
    return state_.load(std::memory_order_acquire);
  }
  void publish(adieu::state now) noexcept { state_.store(now, std::memory_order_release); }

  [[nodiscard]] std::optional<disconnect_record> record() const { return copy_of(record_); }
  /// Once, by one thread.
  void publish(const disconnect_record& record) {
    record_.store(std::make_unique<disconnect_record>(record).release(), std::memory_order_release);
  }

  struct received_close {
    close_status code;
    std::string description;
  };
  [[nodiscard]] std::optional<received_close> close() const { return copy_of(close_); }
  /// Once, by one thread.
  void publish(received_close close) {
    close_.store(std::make_unique<received_close>(std::move(close)).release(),
                 std::memory_order_release);
  }

 private:
  template <typename What>
  static std::optional<What> copy_of(const std::atomic<const What*>& published) {
    const What* const there = published.load(std::memory_order_acquire);
    return there != nullptr ? std::optional<What>(*there) : std::nullopt;
  }

  std::atomic<const disconnect_record*> record_{nullptr};
  std::atomic<const received_close*> close_{nullptr};
  std::atomic<adieu::state> state_{adieu::state::connecting};
};

}  // namespace adieu::net
