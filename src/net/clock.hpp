// The time that drivers see, and their timers: one service for each execution context. Tests switch
// it to virtual time and move it by hand.
//
// A driver's timer is re-armed only when its deadline comes earlier; a timer that fires too early
// asks the core again. So a busy connection does not touch its timer at all.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/execution_context.hpp>
#include <boost/asio/steady_timer.hpp>

#include <map>
#include <memory>
#include <mutex>
#include <optional>

#include "adieu/net/transport.hpp"

namespace adieu::net {

class clock_service final : public boost::asio::execution_context::service {
 public:
  using key_type = clock_service;
  static boost::asio::execution_context::id id;

  explicit clock_service(boost::asio::execution_context& context)
      : boost::asio::execution_context::service(context) {}
  /// The one of the context that `executor` runs on.
  static clock_service& of(const boost::asio::any_io_executor& executor);

  [[nodiscard]] core::instant now() const;

  /// Calls listener->on_event() at `when`, once. Replaces an earlier arming of the same listener.
  void arm(const boost::asio::any_io_executor& executor,
           transport_listener& listener,
           core::instant when);
  void disarm(transport_listener& listener);

  /// For tests: time stands still at `start` and moves only with advance().
  void use_virtual_time(core::instant start);
  /// Moves virtual time to the next armed timer, and fires it. False when there is none.
  bool advance_to_next();
  void advance(core::duration by);

 private:
  struct entry {
    core::instant when;
    std::shared_ptr<transport_listener> listener;  // an armed timer keeps its connection
    boost::asio::any_io_executor executor;
  };
  void shutdown() override;
  void fire_due();
  void set_timer();

  mutable std::mutex mutex_;
  std::optional<core::instant> virtual_now_;
  std::multimap<core::instant, entry> queue_;
  std::map<const transport_listener*, std::multimap<core::instant, entry>::iterator> armed_;
  std::unique_ptr<boost::asio::steady_timer> timer_;
  std::optional<core::instant> timer_at_;
};

/// How far the boot-time clock is ahead of the monotonic one: it grows while the machine sleeps.
[[nodiscard]] core::duration time_asleep() noexcept;

}  // namespace adieu::net
