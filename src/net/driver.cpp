// The driver's calls: from any thread, told to the core or queued for whoever is inside.
#include "net/driver.hpp"

#include <boost/asio/bind_allocator.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>

#include <algorithm>
#include <new>
#include <utility>

#include "net/visit.hpp"

namespace adieu::net {
namespace {

core::ticket ticket_of(call& what) noexcept { return reinterpret_cast<core::ticket>(&what); }

}  // namespace

driver::driver(boost::asio::any_io_executor executor,
               std::unique_ptr<transport> carrier,
               const core::settings& how)
    : executor_(std::move(executor)),
      clock_(clock_service::of(executor_)),
      transport_(std::move(carrier)),
      core_(how, clock_.now()),
      most_buffered_(how.options.max_buffered_amount) {
  status_->publish(core_.state());
}

// Only when no operation is under way any more, or when the loop itself is destroyed.
driver::~driver() {
  loop_end::let_go(*this);
  if (!core_.ended()) transport_->close(transport::ending::cut);
  forget_calls();
}

void driver::start(std::string leftover) {
  leftover_ = std::move(leftover);
  loop_end::of(executor_).watch(*this);
  transport_->start(shared_from_this());
  post_turn();
}

// ── Calls, from any thread ──────────────────────────────────────────────────────────────────────

void driver::with_core(task work) {
  {
    const visit inside(*this);
    if (inside) {
      drain_tasks();
      work();
      status_->publish(core_.state());
    } else {
      queue_task({std::move(work), nullptr});
    }
  }
  post_turn();
}

void driver::submit(call& what) {
  {
    const visit inside(*this);
    if (inside) {
      drain_tasks();
      start_call(what);
      status_->publish(core_.state());
    } else {
      queue_task({nullptr, &what});
    }
  }
  post_turn();
}

void driver::queue_task(queued work) {
  const std::lock_guard lock(tasks_mutex_);
  tasks_.push_back(std::move(work));
  has_tasks_.store(true, std::memory_order_release);
}

void driver::drain_tasks() {
  while (has_tasks_.load(std::memory_order_acquire)) {
    std::vector<queued> work;
    {
      const std::lock_guard lock(tasks_mutex_);
      work.swap(tasks_);
      core_.count_unsent(std::exchange(refused_, {}));
      has_tasks_.store(false, std::memory_order_relaxed);
    }
    for (queued& each : work) {
      if (each.what != nullptr) {
        start_call(*each.what);
      } else {
        each.work();
      }
    }
    work.clear();
    const std::lock_guard lock(tasks_mutex_);
    if (tasks_.capacity() == 0) tasks_.swap(work);  // its memory serves the next burst
  }
}

void driver::post_turn() {
  if (inside_.load(std::memory_order_relaxed) == this_thread() && turning_) return;
  if (turn_posted_.exchange(true, std::memory_order_acq_rel)) return;
  auto run = [self = std::static_pointer_cast<driver>(shared_from_this())] {
    // An exchange, not a store: it sees what was queued by whoever found the flag set.
    self->turn_posted_.exchange(false, std::memory_order_acq_rel);
    self->turn();
  };
  using plain_executor = boost::asio::io_context::executor_type;
  if (const auto* const plain = executor_.target<plain_executor>()) {
    boost::asio::post(
        *plain, boost::asio::bind_allocator(turn_allocator<void>(turn_memory_), std::move(run)));
  } else {
    boost::asio::post(executor_, std::move(run));
  }
}

void driver::start_call(call& what) {
  link(what);
  const core::ticket owner = ticket_of(what);
  const core::instant time = now();
  switch (what.what) {
    case call_kind::receive:
      core_.receive(owner, core::receive_kind::piece, what.buffer, time);
      break;
    case call_kind::receive_some:
      core_.receive(owner, core::receive_kind::some, what.buffer, time);
      break;
    case call_kind::receive_message: core_.receive_message(owner, *what.into, time); break;
    case call_kind::send:
      what.piece.owner = owner;
      core_.send(what.piece, time);
      break;
    case call_kind::ping: core_.ping(owner, time); break;
    case call_kind::close: core_.close(owner, what.code, what.reason, time, what.timeout); break;
    case call_kind::close_output: core_.close_output(owner, what.code, what.reason, time); break;
    case call_kind::wait_closed: core_.wait_closed(owner); break;
  }
}

// The call may have completed meanwhile, on its way to the handler: then there is nothing to
// cancel.
void driver::cancel(call& what) {
  with_core([this, owner = ticket_of(what)] { core_.cancel(owner, now()); });
}

void driver::abort() {
  with_core([this] { core_.abort(now()); });
}

void driver::destroy() {
  const visit inside(*this);
  const auto stop_showing = [this] {
    on_message_ = nullptr;
    core_.show_messages(false);
  };
  if (inside && showing_) {  // by the handler itself, whose view lives until it returns
    stop_showing();
    queue_task({[this] { core_.destroy(now()); }, nullptr});
    return post_turn();
  }
  with_core([this, stop_showing] {
    stop_showing();
    core_.destroy(now());
  });
}

core::sender driver::begin_message() {
  const core::sender from = next_sender_.fetch_add(1, std::memory_order_relaxed);
  with_core([this, from] { core_.begin_message(from); });
  return from;
}

void driver::abandon_message(core::sender from) {
  with_core([this, from] { core_.abandon_message(from, now()); });
}

void driver::close(close_status code,
                   std::string_view reason,
                   std::optional<core::duration> timeout) {
  with_core([this, code, text = std::string(reason), timeout] {
    core_.close(0, code, text, now(), timeout);
    if (timeout) core_.hurry(now() + *timeout);
  });
}

void driver::close_for(cause why, close_status code, std::string_view reason) {
  with_core(
      [this, why, code, text = std::string(reason)] { core_.close_for(why, code, text, now()); });
}

std::optional<core::completion> driver::try_receive(core::bytes buffer) {
  const visit inside(*this);
  if (!inside) return std::nullopt;
  auto done = core_.try_receive(buffer, now());
  if (!turning_) post_turn();
  return done;
}

std::optional<core::completion> driver::try_receive_message(std::string& into) {
  const visit inside(*this);
  if (!inside) return std::nullopt;
  auto done = core_.try_receive_message(into, now());
  if (!turning_) post_turn();
  return done;
}

// A message that nobody waits for: the call and its copy in one piece of memory.
struct driver::copied_send final : call {
  static std::size_t size_of(core::const_bytes payload) noexcept {
    return sizeof(copied_send) + payload.size();
  }
  copied_send(driver& owner, message_type type, core::const_bytes source)
      : call(call_kind::send), home(owner) {
    auto* const copy = reinterpret_cast<std::byte*>(this + 1);
    std::ranges::copy(source, copy);
    piece.type = type;
    piece.payload = {copy, source.size()};
    finish_ = [](call* base, core::completion* done, const connection_status*) {
      auto* const self = static_cast<copied_send*>(base);
      const core::const_bytes payload = self->piece.payload;
      // Nobody is told of a refusal, so it is counted.
      const bool refused = done != nullptr && (done->error == errc::invalid_state ||
                                               done->error == errc::invalid_argument);
      if (refused) self->home.core_.count_unsent({1, payload.size()});
      self->home.buffered_.fetch_sub(size_of(payload), std::memory_order_relaxed);
      self->~copied_send();
      ::operator delete(self);
    };
  }
  driver& home;
};

bool driver::make_room(std::size_t size) noexcept {
  std::size_t before = buffered_.load(std::memory_order_relaxed);
  do {
    if (most_buffered_ != 0 && before != 0 && before + size > most_buffered_) return false;
  } while (!buffered_.compare_exchange_weak(before, before + size, std::memory_order_relaxed));
  return true;
}

errc driver::try_send_copy(message_type type, core::const_bytes payload) {
  if (type == message_type::close) return errc::invalid_message_type;
  if (overflowed_.load()) return errc::invalid_state;
  {
    const visit inside(*this);
    if (inside) {
      if (has_tasks_.load(std::memory_order_acquire)) drain_tasks();
      if (const errc refused = core_.send_refusal(); refused != errc::success) return refused;
      if (core_.send_copy(type, payload, now())) {
        if (!turning_) post_turn();
        return errc::success;
      }
    }
  }
  const std::size_t size = copied_send::size_of(payload);
  if (!make_room(size)) return errc::too_much_buffered;
  void* const memory = ::operator new(size, std::nothrow);
  if (memory == nullptr) {
    buffered_.fetch_sub(size, std::memory_order_relaxed);
    throw std::bad_alloc();
  }
  submit(*::new (memory) copied_send(*this, type, payload));
  return errc::success;
}

void driver::send_copy(message_type type, core::const_bytes payload) {
  const errc refused = try_send_copy(type, payload);
  if (refused == errc::success) return;
  {
    const std::lock_guard lock(tasks_mutex_);
    ++refused_.messages;
    refused_.bytes += payload.size();
    if (refused == errc::too_much_buffered && !overflowed_.exchange(true)) {
      tasks_.push_back({[this] { core_.send_overflowed(now()); }, nullptr});
    }
    has_tasks_.store(true, std::memory_order_release);
  }
  post_turn();
}

void driver::on_message(message_handler handler) {
  auto shared = handler ? std::make_shared<message_handler>(std::move(handler)) : nullptr;
  with_core([this, shared = std::move(shared)] {
    on_message_ = shared;
    show_waiting_ = on_message_ != nullptr;
    core_.show_messages(on_message_ != nullptr);
  });
}

void driver::on_end(end_handler handler) {
  with_core([this, handler = std::move(handler)]() mutable {
    end_handlers_.push_back(std::move(handler));
  });
}

void driver::on_failure(failure_handler handler) {
  with_core([this, handler = std::move(handler)]() mutable { on_failure_ = std::move(handler); });
}

// ── The list of pending calls ───────────────────────────────────────────────────────────────────

void driver::link(call& what) noexcept {
  what.next = pending_;
  if (pending_ != nullptr) pending_->previous = &what;
  pending_ = &what;
}

void driver::unlink(call& what) noexcept {
  (what.previous != nullptr ? what.previous->next : pending_) = what.next;
  if (what.next != nullptr) what.next->previous = what.previous;
}

void driver::forget_calls() {
  std::vector<queued> never_started;
  {
    const std::lock_guard lock(tasks_mutex_);
    never_started.swap(tasks_);
  }
  for (const queued& each : never_started) {
    if (each.what != nullptr) each.what->forget();
  }
  while (pending_ != nullptr) {
    call& forgotten = *pending_;
    unlink(forgotten);
    forgotten.forget();
  }
  end_handlers_.clear();  // they may own whatever owns this
  on_message_.reset();
  on_failure_ = nullptr;
}

void submit(driver& to, call& what) { to.submit(what); }
void cancel(driver& in, call& what) { in.cancel(what); }

}  // namespace adieu::net
