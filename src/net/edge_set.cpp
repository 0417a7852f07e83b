// One epoll_wait a wake-up: which sockets became ready, and whose turn that makes it.
#include "net/edge_set.hpp"

#include <boost/asio/post.hpp>

#include <sys/epoll.h>

#include <array>
#include <cerrno>

namespace adieu::net {
namespace {

std::atomic<bool> portable_only{false};

constexpr int events_at_once = 256;

int make_set() {
  const int descriptor = ::epoll_create1(EPOLL_CLOEXEC);
  if (descriptor < 0) {
    throw boost::system::system_error(errno, boost::system::system_category(), "epoll_create1");
  }
  return descriptor;
}

}  // namespace

boost::asio::execution_context::id edge_set::id;

void force_portable_readiness(bool on) noexcept { portable_only.store(on); }

edge_set::edge_set(boost::asio::execution_context& context)
    : boost::asio::execution_context::service(context),
      loop_(static_cast<boost::asio::io_context&>(context)),
      set_(loop_, make_set()) {}

edge_set::~edge_set() = default;

edge_set* edge_set::of(const boost::asio::any_io_executor& executor) {
  const auto* const plain = executor.target<boost::asio::io_context::executor_type>();
  if (plain == nullptr || portable_only.load()) return nullptr;
  try {
    return &boost::asio::use_service<edge_set>(plain->context());
  } catch (const boost::system::system_error&) {
    return nullptr;  // no descriptor is left for it: Asio's own will do
  }
}

void edge_set::add(int descriptor, readiness& flags, std::shared_ptr<transport_listener> listener) {
  const std::lock_guard lock(mutex_);
  epoll_event wanted{};
  wanted.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET;
  member& added = members_[descriptor];  // its address is stable
  added = {&flags, std::move(listener)};
  wanted.data.ptr = &added;
  if (::epoll_ctl(set_.native_handle(), EPOLL_CTL_ADD, descriptor, &wanted) != 0) {
    members_.erase(descriptor);
    throw boost::system::system_error(errno, boost::system::system_category(), "epoll_ctl");
  }
  wait();
}

void edge_set::remove(int descriptor) noexcept {
  std::shared_ptr<transport_listener> last;  // let go of after the lock
  const std::lock_guard lock(mutex_);
  const auto found = members_.find(descriptor);
  if (found == members_.end()) return;
  ::epoll_ctl(set_.native_handle(), EPOLL_CTL_DEL, descriptor, nullptr);
  last = std::move(found->second.listener);
  members_.erase(found);
  if (members_.empty() && waiting_) {  // nothing keeps the loop from running out of work
    boost::system::error_code ignored;
    set_.cancel(ignored);
  }
}

// With the mutex held.
void edge_set::wait() {
  if (waiting_ || members_.empty()) return;
  waiting_ = true;
  set_.async_wait(boost::asio::posix::stream_descriptor::wait_read,
                  [this](boost::system::error_code) { wake(); });
}

void edge_set::wake() {
  batch due;
  {
    const std::lock_guard lock(mutex_);
    waiting_ = false;
    due.swap(spare_);
    collect(due);
    wait();
  }
  notify(std::move(due));
}

// With the mutex held, so that no event of a removed member can be met.
void edge_set::collect(batch& due) {
  std::array<epoll_event, events_at_once> events;
  const int count = ::epoll_wait(set_.native_handle(), events.data(), events_at_once, 0);
  for (int i = 0; i < count; ++i) {
    const epoll_event& event = events[static_cast<std::size_t>(i)];
    const member& ready = *static_cast<const member*>(event.data.ptr);
    readiness& flags = *ready.flags;
    constexpr unsigned broken = EPOLLHUP | EPOLLERR;
    if ((event.events & (EPOLLRDHUP | broken)) != 0) {
      flags.input_ends.store(true, std::memory_order_release);
    }
    if ((event.events & (EPOLLIN | EPOLLRDHUP | broken)) != 0) {
      flags.readable.store(true, std::memory_order_release);
    }
    if ((event.events & (EPOLLOUT | broken)) != 0) {
      flags.writable.store(true, std::memory_order_release);
    }
    due.push_back(ready.listener);
  }
}

void edge_set::notify(batch due) {
  std::size_t next = 0;
  try {
    while (next < due.size()) due[next++]->on_event();
  } catch (
      ...) {  // a handler's exception leaves through run(); the others' events must not be lost
    due.erase(due.begin(), due.begin() + static_cast<std::ptrdiff_t>(next));
    boost::asio::post(loop_, [this, rest = std::move(due)]() mutable { notify(std::move(rest)); });
    throw;
  }
  due.clear();
  const std::lock_guard lock(mutex_);
  spare_ = std::move(due);
}

void edge_set::shutdown() {
  std::unordered_map<int, member> gone;
  const std::lock_guard lock(mutex_);
  gone.swap(members_);
  spare_.clear();
}

}  // namespace adieu::net
