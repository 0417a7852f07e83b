// One epoll_wait a wake-up: which sockets became ready, and whose turn that makes it.
#include "net/edge_set.hpp"

#include <sys/epoll.h>

#include <array>
#include <cerrno>
#include <utility>

namespace adieu::net {
namespace {

std::atomic<bool> portable_only{false};

constexpr int events_at_once = 256;
constexpr std::uint32_t input_events = EPOLLIN | EPOLLRDHUP | EPOLLET;

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

void edge_set::add(int descriptor, readiness& member, event_listener& whose) {
  const std::lock_guard lock(mutex_);
  members_.push_back(&member);
  member.in = this;
  member.whose = &whose;
  member.place = static_cast<std::uint32_t>(members_.size() - 1);
  epoll_event wanted{};
  wanted.events = input_events;
  wanted.data.ptr = &member;
  if (::epoll_ctl(set_.native_handle(), EPOLL_CTL_ADD, descriptor, &wanted) != 0) {
    members_.pop_back();
    member.place = readiness::nowhere;
    throw boost::system::system_error(errno, boost::system::system_category(), "epoll_ctl");
  }
  wait();
}

void edge_set::hand_over(readiness& member, event_listener& whose) {
  const std::lock_guard lock(mutex_);
  member.whose = &whose;
}

void edge_set::tell_of_room(int descriptor, readiness& member) {
  epoll_event wanted{};
  wanted.events = input_events | EPOLLOUT;
  wanted.data.ptr = &member;
  ::epoll_ctl(set_.native_handle(), EPOLL_CTL_MOD, descriptor, &wanted);
}

void edge_set::remove(int descriptor, readiness& member) noexcept {
  if (member.place == readiness::nowhere) return;
  edge_set* const set = member.in;
  const std::lock_guard lock(set->mutex_);
  ::epoll_ctl(set->set_.native_handle(), EPOLL_CTL_DEL, descriptor, nullptr);
  set->members_[member.place] = set->members_.back();  // the last one takes its place
  set->members_[member.place]->place = member.place;
  set->members_.pop_back();
  member.place = readiness::nowhere;
  if (set->members_.empty() && set->waiting_) {  // nothing keeps the loop from running out of work
    boost::system::error_code ignored;
    set->set_.cancel(ignored);
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
  listeners due;
  {
    const std::lock_guard lock(mutex_);
    waiting_ = false;
    due.swap(spare_);
    collect(due);
    wait();
  }
  tell_all(loop_.get_executor(), due);
  const std::lock_guard lock(mutex_);
  spare_ = std::move(due);
}

// With the mutex held, so that no event of a removed member can be met.
void edge_set::collect(listeners& due) {
  std::array<epoll_event, events_at_once> events;
  const int count = ::epoll_wait(set_.native_handle(), events.data(), events_at_once, 0);
  for (int i = 0; i < count; ++i) {
    const epoll_event& event = events[static_cast<std::size_t>(i)];
    readiness& ready = *static_cast<readiness*>(event.data.ptr);
    constexpr unsigned broken = EPOLLHUP | EPOLLERR;
    if ((event.events & (EPOLLRDHUP | broken)) != 0) {
      ready.input_ends.store(true, std::memory_order_release);
    }
    if ((event.events & (EPOLLIN | EPOLLRDHUP | broken)) != 0) {
      ready.readable.store(true, std::memory_order_release);
    }
    if ((event.events & (EPOLLOUT | broken)) != 0) {
      ready.writable.store(true, std::memory_order_release);
    }
    if (auto alive = ready.whose->alive()) due.push_back(std::move(alive));
  }
}

void edge_set::shutdown() {
  listeners left;
  {
    const std::lock_guard lock(mutex_);
    for (readiness* const each : members_) {
      each->place = readiness::nowhere;
      if (auto alive = each->whose->alive()) left.push_back(std::move(alive));
    }
    members_.clear();
    spare_.clear();
  }
  for (const auto& each : left) each->loop_ends();
}

}  // namespace adieu::net
