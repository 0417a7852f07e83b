#include "net/driver.hpp"

#include <boost/asio/bind_allocator.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>

#include <algorithm>
#include <new>

namespace adieu::net {
namespace {

// An address that is each thread's own.
const void* this_thread() noexcept {
  static thread_local const char mark = 0;
  return &mark;
}

constexpr core::duration noticeable_sleep = std::chrono::seconds(1);

core::ticket ticket_of(call& what) noexcept { return reinterpret_cast<core::ticket>(&what); }
call* call_of(core::ticket owner) noexcept { return reinterpret_cast<call*>(owner); }

}  // namespace

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

driver::driver(boost::asio::any_io_executor executor,
               std::unique_ptr<transport> carrier,
               const core::settings& how)
    : executor_(std::move(executor)),
      clock_(clock_service::of(executor_)),
      transport_(std::move(carrier)),
      core_(how, clock_.now()) {
  status_->publish(core_.state());
}

// Only when no operation is under way any more, or when the loop itself is destroyed.
driver::~driver() {
  if (!core_.ended()) transport_->close(transport::ending::cut);
  forget_calls();
}

void driver::start(std::string leftover) {
  leftover_ = std::move(leftover);
  loop_end::of(executor_).watch(std::static_pointer_cast<driver>(shared_from_this()));
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
      core_.send({owner, what.from, what.type, what.end_of_message, what.data}, time);
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

void driver::send_copy(message_type type, core::const_bytes payload) {
  {
    const visit inside(*this);
    if (inside) {
      drain_tasks();
      if (core_.send_copy(type, payload, now())) {
        post_turn();
        return;
      }
    }
  }
  // One piece of memory for the call and its copy.
  struct copied_send final : call {
    copied_send(driver& owner, core::const_bytes source) : call(call_kind::send), home(owner) {
      auto* const copy = reinterpret_cast<std::byte*>(this + 1);
      std::ranges::copy(source, copy);
      data = {copy, source.size()};
      finish_ = [](call* base, core::completion* done, const connection_status*) {
        auto* const self = static_cast<copied_send*>(base);
        // Nobody is told, so it is counted.
        if (done != nullptr && done->error == errc::invalid_state) {
          self->home.core_.count_unsent(self->data.size());
        }
        self->~copied_send();
        ::operator delete(self);
      };
    }
    driver& home;
  };
  void* const memory = ::operator new(sizeof(copied_send) + payload.size());
  auto* const what = ::new (memory) copied_send(*this, payload);
  what->type = type;
  submit(*what);
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

// ── The turn, on the executor ───────────────────────────────────────────────────────────────────

void driver::on_event() { turn(); }

void driver::turn() {
  const std::shared_ptr<transport_listener> keep = shared_from_this();
  {
    const visit inside(*this);
    if (inside) {
      if (turning_) return;  // a handler runs its own loop; the outer turn goes on
      turning_ = true;
      bool again = false;
      try {
        again = turn_inside();
      } catch (...) {  // a handler's exception leaves through the loop's run()
        turning_ = false;
        post_turn();
        throw;
      }
      turning_ = false;
      if (again) post_turn();
      return;
    }
  }
  // Somebody else is inside. Whoever leaves posts the turn, unless they have left just now.
  turn_missed_.store(true);
  if (inside_.load() == nullptr && turn_missed_.exchange(false)) post_turn();
}

// True when there is more to do, and others should have their turn first.
bool driver::turn_inside() {
  time_ = clock_.now();
  drain_tasks();
  if (core_.ended()) return finish();
  if (!leftover_.empty()) {
    std::string first = std::exchange(leftover_, {});
    on_bytes(std::as_writable_bytes(std::span(first)));
  }

  constexpr int most_reads = 16;
  constexpr int most_rounds = 256;  // of a handler that starts the next call when one has completed
  int rounds = 0;
  bool more = true;
  for (int reads = 0; more && reads < most_reads; ++reads) {
    // Everything of one read is parsed, handled, answered and written before the next one.
    const bool paused = core_.read_allowance() == 0;
    more = transport_->pump();
    keep_time();
    bool busy = true;
    for (; busy && rounds < most_rounds; ++rounds) {
      if (std::exchange(show_waiting_, false)) show_messages();
      answer_in_message_mode();
      hand_out_completions();
      drain_tasks();
      busy = flush();
      if (core_.ended()) return finish();
    }
    if (std::exchange(held_back_, false)) transport_->push();
    publish();  // what was written changes the state, too
    if (busy) return true;
    more = more || (paused && core_.read_allowance() != 0);
  }
  set_timer();
  return more;
}

// Time comes after the read: what has arrived is older than the deadline. An armed timer is never
// later than the deadline, so a busy connection compares two numbers here.
void driver::keep_time() {
  time_ = clock_.now();
  if (!armed_ || *armed_ > time_) return;
  armed_.reset();
  const core::duration asleep = time_asleep();
  if (asleep - asleep_ > noticeable_sleep) core_.woke_up(time_);
  asleep_ = asleep;
  core_.tick(time_);
  if (core_.take_probe() && transport_->peer_gone()) core_.peer_gone(time_);
}

// Writes what is there, and obeys. True when that finished something that handlers wait for.
bool driver::flush() {
  while (!write_in_flight_) {
    const auto list = core_.output(now());
    if (list.empty()) break;
    // Unread messages will likely be answered in this turn, too.
    const bool more = core_.has_unread();
    const write_result sent =
        transport_->write(list, more ? transport::urgency::more_follows : transport::urgency::now);
    held_back_ = more;
    if (sent.what == write_result::outcome::failed) {
      core_.output_failed(sent.how, sent.os_error, now());
      break;
    }
    if (sent.what == write_result::outcome::in_flight) {
      write_in_flight_ = true;
      core_.output_in_flight();
      break;
    }
    if (sent.size == 0) break;
    core_.wrote(sent.size, now());
  }
  switch (core_.take_command()) {
    case core::command::none: break;
    case core::command::shut_output:
      transport_->shut_output();
      core_.output_shut();
      break;
    case core::command::cut:
      core_.transport_closed(transport_->close(transport::ending::cut), now());
      break;
    case core::command::reset:
      core_.transport_closed(transport_->close(transport::ending::reset), now());
      break;
  }
  return !core_.completions().empty();
}

// Those that are there now: what their handlers start and what completes at once is for the next
// round, so that nobody keeps the loop for himself.
void driver::hand_out_completions() {
  publish();
  if (next_ready_ == ready_.size()) {
    ready_.clear();
    next_ready_ = 0;
    ready_.swap(core_.completions());
  }
  while (next_ready_ < ready_.size()) {
    core::completion done = std::move(ready_[next_ready_++]);
    if (done.owner == 0) continue;  // ours: nobody waits
    call& finished = *call_of(done.owner);
    unlink(finished);
    finished.finish(std::move(done), *status_);
  }
}

// What others may see from any thread, before a handler can ask for it. The state comes last: who
// sees that the connection has ended finds the record, too.
void driver::publish() {
  if (!close_published_ && core_.close_status()) {
    close_published_ = true;
    status_->publish({*core_.close_status(), core_.close_description()});
  }
  if (core_.ended() && !record_published_) {
    record_published_ = true;
    status_->publish(core_.record());
  }
  status_->publish(core_.state());
}

// The connection has ended: the last completions, the hooks; nothing is left that holds us.
bool driver::finish() {
  publish();
  on_message_.reset();
  // The hooks come before the last completions: those may end whoever owns the websocket.
  while (!end_handlers_.empty()) {
    const end_handler told = std::move(end_handlers_.front());
    end_handlers_.erase(end_handlers_.begin());
    told(core_.record());
  }
  clock_.disarm(*this);
  hand_out_completions();
  return !core_.completions().empty();
}

void driver::set_timer() {
  if (armed_ && core_.quiet()) return;
  const auto due = core_.deadline();
  if (!due || (armed_ && *armed_ <= *due)) return;
  armed_ = due;
  clock_.arm(executor_, *this, *due);
}

// D11 without waiting: in message mode there is no receive that would show the Close to the app.
void driver::answer_in_message_mode() {
  if (!on_message_ || core_.phase() != core::phase::close_received) return;
  core_.close_output(0, *core_.close_status(), core_.close_description(), now());
}

// ── What the transport brings ───────────────────────────────────────────────────────────────────

std::size_t driver::read_allowance() { return core_.read_allowance(); }

void driver::on_bytes(core::bytes data) {
  core_.received(data, now());
  show_messages();
}

void driver::show_messages() {
  const std::shared_ptr<message_handler> handler = on_message_;
  if (!handler) return;
  const core::instant time = now();
  showing_ = true;
  try {
    while (const auto message = core_.next_message(time)) (*handler)(*message);
    showing_ = false;
  } catch (...) {  // D11: the rest of the bytes must not outlive this call
    showing_ = false;
    core_.close_for(cause::handler_error,
                    close_status::internal_server_error,
                    "the message handler failed",
                    time);
    core_.show_messages(false);
    (void)core_.next_message(time);
    if (!on_failure_) throw;
    on_failure_(std::current_exception());
  }
}

void driver::on_input_end(core::input_end how, int os_error) {
  if (how == core::input_end::truncated && core_.phase() == core::phase::closed) {
    core_.note_missing_close_notify();
  }
  core_.input_ended(how, os_error, now());
}

void driver::on_written(std::size_t size) {
  write_in_flight_ = false;
  core_.wrote(size, now());
}

void driver::on_output_failed(core::input_end how, int os_error) {
  write_in_flight_ = false;
  core_.output_failed(how, os_error, now());
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
