// The driver's calls: from any thread, told to the core or queued for whoever is inside.
#include "net/driver.hpp"

#include <boost/asio/bind_allocator.hpp>
#include <boost/asio/post.hpp>

#include <utility>

#include "net/backlog.hpp"
#include "net/visit.hpp"

namespace adieu::net {
namespace {

core::ticket ticket_of(call& what) noexcept { return reinterpret_cast<core::ticket>(&what); }

}  // namespace

driver::driver(workplace_ptr where,
               std::unique_ptr<transport> carrier,
               core::settings_ptr how,
               std::chrono::system_clock::time_point opened_at)
    : where_(std::move(where)),
      transport_(std::move(carrier)),
      core_(std::move(how), where_->clock.now(), opened_at) {
  status_->publish(core_.state());
}

// Only when TCP is gone, or when the loop itself is being destroyed, or was.
driver::~driver() {
  if (place_in_clock_.at != clock_service::place::nowhere) where_->clock.disarm(*this);
  if (place_in_loop_.at != loop_end::place::nowhere) where_->loop.let_go(*this);
  if (!core_.ended()) transport_->close(transport::ending::cut);
  forget_calls();
  delete backlog_.load(std::memory_order_acquire);
}

void driver::start(opening_result how_it_opened) {
  opening_result& how = how_it_opened;
  if (!how.subprotocol.empty() || !how.extensions.empty() || !how.leftover.empty()) {
    opening_ = std::make_unique<opening_result>(std::move(how));
  }
  where_->loop.watch(*this);
  self_ = shared_from_this();
  try {
    transport_->start(self_);
  } catch (...) {
    self_.reset();
    throw;
  }
  post_turn();
}

const std::string& driver::subprotocol() const noexcept {
  static const std::string none;
  return opening_ ? opening_->subprotocol : none;
}

const std::string& driver::extensions() const noexcept {
  static const std::string none;
  return opening_ ? opening_->extensions : none;
}

// ── Calls, from any thread ──────────────────────────────────────────────────────────────────────

// Something to do that is no call of the app's.
struct driver::errand final : call {
  explicit errand(task what_to_do) : call(call_kind::errand), work(std::move(what_to_do)) {
    finish_ = [](call* base, core::completion*, const connection_status*) {
      delete static_cast<errand*>(base);
    };
  }
  task work;
};

template <typename Work>
void driver::with_core(Work work, output_goes when) {
  {
    const visit inside(*this);
    if (inside) {
      take_what_was_left();
      work();
      status_->publish(core_.state());
      if (when == output_goes::at_once && flush_at_once()) return;
    } else {
      leave(std::move(work));
    }
  }
  post_turn();
}

void driver::submit(call& what) {
  {
    const visit inside(*this);
    if (inside) {
      take_what_was_left();
      start_call(what);
      status_->publish(core_.state());
    } else {
      leave(what);
    }
  }
  post_turn();
}

void driver::leave(call& what) noexcept {
  what.next = left_.load(std::memory_order_relaxed);
  while (!left_.compare_exchange_weak(
      what.next, &what, std::memory_order_release, std::memory_order_relaxed)) {
  }
}

void driver::leave(task work) { leave(*std::make_unique<errand>(std::move(work)).release()); }

void driver::take_all_that_was_left() {
  while (left_.load(std::memory_order_relaxed) != nullptr) {
    call* last = left_.exchange(nullptr, std::memory_order_acquire);
    call* first = nullptr;
    while (last != nullptr) {
      call* const before = std::exchange(last->next, first);
      first = std::exchange(last, before);
    }
    while (first != nullptr) start_call(*std::exchange(first, std::exchange(first->next, nullptr)));
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
  if (where_->plain != nullptr) {
    const turn_allocator<void> memory(where_->turns);
    boost::asio::post(*where_->plain, boost::asio::bind_allocator(memory, std::move(run)));
  } else {
    boost::asio::post(executor(), std::move(run));
  }
}

void driver::start_call(call& what) {
  if (what.what == call_kind::errand) {
    const std::unique_ptr<errand> own(&static_cast<errand&>(what));
    return own->work();
  }
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
    case call_kind::errand: break;
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
    in_message_mode_ = false;
    handler_is_newer_ = true;
    on_message_ = nullptr;
    core_.show_messages(false);
  };
  if (inside && showing_) {  // by the handler itself, whose view lives until it returns
    stop_showing();
    leave([this] { core_.destroy(now()); });
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
  with_core(
      [this, code, text = std::string(reason), timeout] {
        core_.close(0, code, text, now(), timeout);
        if (timeout) core_.hurry(now() + *timeout);
      },
      output_goes::at_once);
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

bool driver::take_whole_message(message& into) {
  return inside_.load(std::memory_order_relaxed) == this_thread() && turning_ &&
         core_.take_whole_message(into.payload, into.type, time_);
}

void driver::on_message(message_handler handler) {
  with_core([this, handler = std::move(handler)]() mutable {
    in_message_mode_ = show_waiting_ = handler != nullptr;
    handler_is_newer_ = true;
    on_message_ = std::move(handler);
    core_.show_messages(in_message_mode_);
  });
}

void driver::on_end(end_handler handler) {
  with_core([this, handler = std::move(handler)]() mutable {
    if (!end_handlers_) end_handlers_ = std::make_unique<std::vector<end_handler>>();
    end_handlers_->push_back(std::move(handler));
  });
}

void driver::keep_by(std::shared_ptr<keeper> whom) {
  with_core([this, whom = std::move(whom)]() mutable { keeper_ = std::move(whom); });
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
  for (call* each = left_.exchange(nullptr); each != nullptr;) {
    std::exchange(each, each->next)->forget();
  }
  while (pending_ != nullptr) {
    call& forgotten = *pending_;
    unlink(forgotten);
    forgotten.forget();
  }
  // They may own whatever owns this.
  end_handlers_.reset();
  on_message_ = nullptr;
  keeper_.reset();
  self_.reset();
}

void submit(driver& to, call& what) { to.submit(what); }
void cancel(driver& in, call& what) { in.cancel(what); }

}  // namespace adieu::net
