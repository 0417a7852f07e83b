// One ordered queue of timers for each execution context, real or virtual.
#include "net/clock.hpp"

#include <boost/asio/post.hpp>
#include <boost/asio/query.hpp>

#include <ctime>

namespace adieu::net {
namespace {

core::instant read_clock(clockid_t which) noexcept {
  timespec time{};
  ::clock_gettime(which, &time);
  return std::chrono::seconds(time.tv_sec) + std::chrono::nanoseconds(time.tv_nsec);
}

}  // namespace

boost::asio::execution_context::id clock_service::id;

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

void clock_service::arm(const boost::asio::any_io_executor& executor,
                        transport_listener& listener,
                        core::instant when) {
  const std::lock_guard lock(mutex_);
  if (const auto old = armed_.find(&listener); old != armed_.end()) {
    queue_.erase(old->second);
    armed_.erase(old);
  }
  armed_[&listener] = queue_.insert({when, {when, listener.shared_from_this(), executor}});
  if (virtual_now_) return;
  if (!timer_) timer_ = std::make_unique<boost::asio::steady_timer>(executor);
  set_timer();
}

void clock_service::disarm(transport_listener& listener) {
  const std::lock_guard lock(mutex_);
  const auto old = armed_.find(&listener);
  if (old == armed_.end()) return;
  queue_.erase(old->second);
  armed_.erase(old);
  if (queue_.empty() && timer_) {  // nothing keeps the loop from running out of work
    timer_at_.reset();
    timer_->cancel();
  }
}

// With the mutex held.
void clock_service::set_timer() {
  if (queue_.empty() || (timer_at_ && *timer_at_ <= queue_.begin()->first)) return;
  timer_at_ = queue_.begin()->first;
  timer_->expires_at(std::chrono::steady_clock::time_point(
      std::chrono::duration_cast<std::chrono::steady_clock::duration>(*timer_at_)));
  timer_->async_wait([this](boost::system::error_code ec) {
    if (!ec) fire_due();
  });
}

void clock_service::fire_due() {
  const core::instant time = now();
  std::vector<entry> due;
  {
    const std::lock_guard lock(mutex_);
    timer_at_.reset();
    while (!queue_.empty() && queue_.begin()->first <= time) {
      due.push_back(queue_.begin()->second);
      armed_.erase(queue_.begin()->second.listener.get());
      queue_.erase(queue_.begin());
    }
    if (!virtual_now_) set_timer();
  }
  for (const entry& each : due) {
    boost::asio::post(each.executor, [listener = each.listener] { listener->on_event(); });
  }
}

void clock_service::use_virtual_time(core::instant start) {
  const std::lock_guard lock(mutex_);
  virtual_now_ = start;
}

bool clock_service::advance_to_next() {
  {
    const std::lock_guard lock(mutex_);
    if (queue_.empty()) return false;
    virtual_now_ = std::max(*virtual_now_, queue_.begin()->first);
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
  std::multimap<core::instant, entry> gone;  // destroyed last: connections may disarm themselves
  const std::lock_guard lock(mutex_);
  gone.swap(queue_);
  armed_.clear();
  timer_.reset();
}

core::duration time_asleep() noexcept {
  return read_clock(CLOCK_BOOTTIME) - read_clock(CLOCK_MONOTONIC);
}

}  // namespace adieu::net
