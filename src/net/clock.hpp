// The time that drivers see, and their timers: one service for each execution context. Tests switch
// it to virtual time and move it by hand.
//
// The timers stand in one heap; a connection knows its place there. A driver's timer is re-armed
// only when its deadline comes earlier; a timer that fires too early asks the core again. So a busy
// connection does not touch its timer at all.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/execution_context.hpp>
#include <boost/asio/steady_timer.hpp>

#include <atomic>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

#include "net/telling.hpp"

namespace adieu::net {

class driver;

class clock_service final : public boost::asio::execution_context::service {
 public:
  using key_type = clock_service;
  static boost::asio::execution_context::id id;

  explicit clock_service(boost::asio::execution_context& context);
  /// The one of the context that `executor` runs on.
  static clock_service& of(const boost::asio::any_io_executor& executor);

  [[nodiscard]] core::instant now() const;

  /// How often this machine was found to have slept: the boot-time clock runs on then, and the
  /// monotonic one does not.
  [[nodiscard]] std::uint32_t sleeps() noexcept;

  /// Calls whose->on_event() at `when`, once. Replaces an earlier arming of the same connection.
  void arm(driver& whose, core::instant when);
  void disarm(driver& whose) noexcept;

  /// Where a connection stands in the heap, kept by the connection.
  struct place {
    static constexpr std::uint32_t nowhere = ~std::uint32_t{0};
    std::atomic<std::uint32_t> at{nowhere};
  };

  /// For tests: time stands still at `start` and moves only with advance().
  void use_virtual_time(core::instant start);
  /// Moves virtual time to the next armed timer, and fires it. False when there is none.
  bool advance_to_next();
  void advance(core::duration by);

 private:
  struct timer {
    core::instant when;
    driver* whose;
  };
  void shutdown() override;
  void fire_due();
  void set_timer();

  // The heap, with the mutex held: the earliest timer is the first one.
  void put(std::size_t at, const timer& what) noexcept;
  void move_up(std::size_t at, const timer& what) noexcept;
  void move_down(std::size_t at, const timer& what) noexcept;
  void take_out(std::size_t at) noexcept;

  mutable std::mutex mutex_;
  std::optional<core::instant> virtual_now_;
  std::vector<timer> heap_;
  listeners spare_;
  std::unique_ptr<boost::asio::steady_timer> wake_up_;
  std::optional<core::instant> wakes_at_;
  std::atomic<core::duration> asleep_;  // how far the boot-time clock was ahead
  std::atomic<std::uint32_t> sleeps_{0};
};

}  // namespace adieu::net
