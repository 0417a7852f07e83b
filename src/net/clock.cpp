// One heap of timers for each execution context, real or virtual.
#include "net/clock.hpp"

#include <boost/asio/post.hpp>
#include <boost/asio/query.hpp>

#include <ctime>

#include "net/driver.hpp"

namespace adieu::net {
namespace {

core::instant read_clock(clockid_t which) noexcept {
  timespec time{};
  ::clock_gettime(which, &time);
  return std::chrono::seconds(time.tv_sec) + std::chrono::nanoseconds(time.tv_nsec);
}

constexpr core::duration noticeable_sleep = std::chrono::seconds(1);

core::duration time_asleep() noexcept {
  return read_clock(CLOCK_BOOTTIME) - read_clock(CLOCK_MONOTONIC);
}

}  // namespace

boost::asio::execution_context::id clock_service::id;

clock_service::clock_service(boost::asio::execution_context& context)
    : boost::asio::execution_context::service(context), asleep_(time_asleep()) {}

std::uint32_t clock_service::sleeps() noexcept {
  const core::duration asleep = time_asleep();
  core::duration before = asleep_.load();
  if (asleep - before > noticeable_sleep && asleep_.compare_exchange_strong(before, asleep)) {
    ++sleeps_;
  }
  return sleeps_.load();
}

clock_service& clock_service::of(const boost::asio::any_io_executor& executor) {
  return boost::asio::use_service<clock_service>(
      boost::asio::query(executor, boost::asio::execution::context));
}

core::instant clock_service::now() const {
  if (virtual_now_) {
    const std::lock_guard lock(mutex_);
    return *virtual_now_;
  }
  return read_clock(CLOCK_MONOTONIC);
}

void clock_service::arm(driver& whose, core::instant when) {
  const std::lock_guard lock(mutex_);
  if (const std::uint32_t at = whose.place_in_clock().at; at != place::nowhere) take_out(at);
  heap_.push_back({when, &whose});
  move_up(heap_.size() - 1, {when, &whose});
  if (virtual_now_) return;
  if (!wake_up_) wake_up_ = std::make_unique<boost::asio::steady_timer>(whose.executor());
  set_timer();
}

void clock_service::disarm(driver& whose) noexcept {
  const std::lock_guard lock(mutex_);
  const std::uint32_t at = whose.place_in_clock().at;
  if (at == place::nowhere) return;
  take_out(at);
  if (heap_.empty() && wake_up_) {  // nothing keeps the loop from running out of work
    wakes_at_.reset();
    wake_up_->cancel();
  }
}

void clock_service::put(std::size_t at, const timer& what) noexcept {
  heap_[at] = what;
  what.whose->place_in_clock().at = static_cast<std::uint32_t>(at);
}

void clock_service::move_up(std::size_t at, const timer& what) noexcept {
  while (at != 0 && what.when < heap_[(at - 1) / 2].when) {
    put(at, heap_[(at - 1) / 2]);
    at = (at - 1) / 2;
  }
  put(at, what);
}

void clock_service::move_down(std::size_t at, const timer& what) noexcept {
  for (;;) {
    std::size_t below = 2 * at + 1;
    if (below + 1 < heap_.size() && heap_[below + 1].when < heap_[below].when) ++below;
    if (below >= heap_.size() || what.when <= heap_[below].when) break;
    put(at, heap_[below]);
    at = below;
  }
  put(at, what);
}

void clock_service::take_out(std::size_t at) noexcept {
  heap_[at].whose->place_in_clock().at = place::nowhere;
  const timer last = heap_.back();
  heap_.pop_back();
  if (at == heap_.size()) return;
  if (at != 0 && last.when < heap_[(at - 1) / 2].when) {
    move_up(at, last);
  } else {
    move_down(at, last);
  }
}

// With the mutex held.
void clock_service::set_timer() {
  if (heap_.empty() || (wakes_at_ && *wakes_at_ <= heap_.front().when)) return;
  wakes_at_ = heap_.front().when;
  wake_up_->expires_at(std::chrono::steady_clock::time_point(
      std::chrono::duration_cast<std::chrono::steady_clock::duration>(*wakes_at_)));
  wake_up_->async_wait([this](boost::system::error_code ec) {
    if (!ec) fire_due();
  });
}

// On an io_context those that are due are told here and now, as its own timers would be; on other
// executors, and in virtual time, each on its own executor.
void clock_service::fire_due() {
  const core::instant time = now();
  listeners due;
  const workplace* here = nullptr;
  {
    const std::lock_guard lock(mutex_);
    wakes_at_.reset();
    due.swap(spare_);
    while (!heap_.empty() && heap_.front().when <= time) {
      const driver& first = *heap_.front().whose;
      // None when it is being destroyed on another thread just now.
      auto alive = heap_.front().whose->weak_from_this().lock();
      take_out(0);
      if (!alive) continue;
      if (first.where().plain != nullptr && !virtual_now_) {
        here = &first.where();
        due.push_back(std::move(alive));
      } else {
        boost::asio::post(first.executor(), [alive = std::move(alive)] { alive->on_event(); });
      }
    }
    if (!virtual_now_) set_timer();
  }
  if (here != nullptr) tell_all(*here->plain, due);
  const std::lock_guard lock(mutex_);
  spare_ = std::move(due);
}

void clock_service::use_virtual_time(core::instant start) {
  const std::lock_guard lock(mutex_);
  virtual_now_ = start;
}

bool clock_service::advance_to_next() {
  {
    const std::lock_guard lock(mutex_);
    if (heap_.empty()) return false;
    virtual_now_ = std::max(*virtual_now_, heap_.front().when);
  }
  fire_due();
  return true;
}

void clock_service::advance(core::duration by) {
  {
    const std::lock_guard lock(mutex_);
    *virtual_now_ += by;
  }
  fire_due();
}

void clock_service::shutdown() {
  const std::lock_guard lock(mutex_);
  for (const timer& each : heap_) each.whose->place_in_clock().at = place::nowhere;
  heap_.clear();
  wake_up_.reset();
}

}  // namespace adieu::net
