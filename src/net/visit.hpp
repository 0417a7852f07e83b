// Being inside a connection: one thread at a time, without waiting
// (docs/decisions/0003-one-at-a-time.md).
#pragma once

#include "net/driver.hpp"

namespace adieu::net {

// An address that is each thread's own.
inline const void* this_thread() noexcept {
  static thread_local const char mark = 0;
  return &mark;
}

// Enters if nobody else is inside; a thread that is inside already stays so.
class driver::visit {
 public:
  explicit visit(driver& home) noexcept : home_(home) {
    const void* const me = this_thread();
    if (home.inside_.load(std::memory_order_relaxed) == me) {
      entered_ = nested_ = true;
      return;
    }
    const void* nobody = nullptr;
    entered_ = home.inside_.compare_exchange_strong(nobody, me);
  }
  visit(const visit&) = delete;
  visit& operator=(const visit&) = delete;
  ~visit() {
    if (!entered_ || nested_) return;
    home_.inside_.store(nullptr);  // sequentially consistent, as what turn() does
    if (home_.turn_missed_.load() && home_.turn_missed_.exchange(false)) home_.post_turn();
  }
  explicit operator bool() const noexcept { return entered_; }

 private:
  driver& home_;
  bool entered_ = false;
  bool nested_ = false;
};

}  // namespace adieu::net
