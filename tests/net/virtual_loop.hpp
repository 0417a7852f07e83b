// An io_context in virtual time: it is polled until nothing is ready, and only then does the clock
// move, to the next timer of a connection. Nothing here waits.
#pragma once

#include <boost/asio/io_context.hpp>

#include <functional>

#include "net/clock.hpp"

namespace adieu::test {

using namespace std::chrono_literals;

class virtual_loop {
 public:
  virtual_loop() { clock().use_virtual_time(1h); }

  [[nodiscard]] boost::asio::io_context& context() noexcept { return context_; }
  [[nodiscard]] net::clock_service& clock() {
    return net::clock_service::of(context_.get_executor());
  }
  [[nodiscard]] core::instant now() { return clock().now(); }

  /// Everything that can happen without the clock's moving.
  void settle() {
    do {
      context_.restart();
    } while (context_.poll() != 0);
  }

  /// Lets `by` go by, timer after timer.
  void pass(core::duration by) {
    settle();
    const core::instant until = now() + by;
    constexpr core::duration step = 1ms;  // fine enough for every timeout in the tests
    while (now() < until) {
      clock().advance(std::min(step, until - now()));
      settle();
    }
  }

  /// Moves on from timer to timer until it is so. False when it can't become so within an hour.
  [[nodiscard]] bool run_until(const std::function<bool()>& so) {
    const core::instant latest = now() + 1h;
    settle();
    while (!so()) {
      if (now() > latest || !clock().advance_to_next()) return false;
      settle();
    }
    return true;
  }

 private:
  boost::asio::io_context context_;
};

}  // namespace adieu::test
