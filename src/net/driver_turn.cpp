// The driver's turn, on the executor: reads, hands out, writes, obeys and keeps time.
#include <boost/asio/bind_allocator.hpp>
#include <boost/asio/post.hpp>

#include <bit>
#include <utility>

#include "net/driver.hpp"
#include "net/visit.hpp"

namespace adieu::net {
namespace {

// NOLINTNEXTLINE(performance-no-int-to-ptr): the driver's tickets are addresses; core does not know
call* call_of(core::ticket owner) noexcept { return reinterpret_cast<call*>(owner); }

}  // namespace

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
  time_ = where_->clock.now();
  take_what_was_left();
  if (core_.ended()) return finish();
  if (opening_ && !opening_->leftover.empty()) {
    std::string first = std::exchange(opening_->leftover, {});
    on_bytes(std::as_writable_bytes(std::span(first)));
  }

  constexpr int most_reads = 16;
  constexpr int most_rounds = 256;  // of a handler that starts the next call when one has completed
  int rounds = 0;
  bool more = true;
  for (int reads = 0; more && reads < most_reads; ++reads) {
    // Everything of one read is parsed, handled, answered and written before the next one.
    const bool paused = core_.read_allowance() == 0;
    if (reads != 0) time_ = where_->clock.now();
    more = transport_->pump();
    more = keep_time() || more;
    bool busy = true;
    for (; busy && rounds < most_rounds; ++rounds) {
      if (std::exchange(show_waiting_, false)) show_messages();
      answer_in_message_mode();
      hand_out_completions();
      take_what_was_left();
      busy = flush() || show_waiting_;
      if (core_.ended()) return finish();
    }
    if (std::exchange(held_back_, false)) transport_->push();
    publish();  // what was written changes the state, too
    if (busy) return true;
    more = more || (paused && core_.read_allowance() != 0);
  }
  set_timer();
  core_.rest();
  return more;
}

// Time comes after the read: what has arrived is older than the deadline. An armed timer is never
// much later than the deadline, so a busy connection compares two numbers here. A loop that stood
// still hears of its timers before it hears of all its sockets; so at a deadline it looks for
// itself, unless a Ping is all that comes of it. True when there is more to read.
bool driver::keep_time() {
  if (armed_ > time_) return false;
  time_ = where_->clock.now();
  armed_ = never;
  bool more = false;
  if (!core_.only_asks()) {
    transport_->look_again();
    more = transport_->pump();
    (void)flush();
  }
  const std::uint32_t sleeps = where_->clock.sleeps();
  if (std::exchange(sleeps_seen_, sleeps) != sleeps) core_.woke_up(time_);
  core_.tick(time_);
  if (core_.take_probe() && transport_->peer_gone()) core_.peer_gone(time_);
  return more;
}

// What goes to many connections, a message or the Close of a server that shuts down, costs least in
// one go: the parts that it takes rest again, still warm, before the next connection needs them
// (docs/decisions/0009-fewer-calls-and-copies.md). False: it is for a turn, or what came of it is.
bool driver::flush_at_once() {
  const auto* const loop = where_->plain;
  if (loop == nullptr || turning_ || turn_posted_.load() || core_.has_unread()) return false;
  burst_count& bursts = where_->bursts;
  if (!loop->running_in_this_thread() || last_burst_ == bursts.now()) return false;
  last_burst_ = bursts.now();
  if (bursts.begin()) {
    auto end = [where = where_] { where->bursts.end(); };
    const turn_allocator<void> memory(where_->turns);
    boost::asio::post(*loop, boost::asio::bind_allocator(memory, std::move(end)));
  }
  turning_ = true;
  time_ = where_->clock.now();
  bool busy = true;
  try {
    busy = flush();
    publish();
    if (!busy && !core_.ended()) set_timer();
  } catch (...) {  // the turn will meet it again
  }
  turning_ = false;
  if (busy || core_.ended()) return false;
  core_.rest();
  return true;
}

// Writes what is there, and obeys. True when that finished something that handlers wait for.
bool driver::flush() {
  // Unread messages will likely be answered in this turn, too.
  write_out(core_.has_unread() ? transport::urgency::more_follows : transport::urgency::now);
  switch (core_.take_command()) {
    case core::command::none: break;
    case core::command::shut_output:
      transport_->shut_output();
      core_.output_shut();
      break;
    case core::command::cut:
      count_refused();
      core_.transport_closed(transport_->close(transport::ending::cut), now());
      break;
    case core::command::reset:
      count_refused();
      core_.transport_closed(transport_->close(transport::ending::reset), now());
      break;
  }
  return core_.has_completions();
}

void driver::write_out(transport::urgency when) {
  while (!write_in_flight_) {
    const auto list = core_.output(now());
    if (list.empty()) break;
    const write_result sent = transport_->write(list, when);
    held_back_ = when == transport::urgency::more_follows;
    if (sent.what == write_result::outcome::failed) {
      core_.output_failed(sent.how, sent.os_error, now());
      break;
    }
    if (sent.what == write_result::outcome::in_flight) {
      write_in_flight_ = true;
      core_.output_in_flight(now());
      break;
    }
    if (sent.size == 0) break;
    core_.wrote(sent.size, now());
  }
}

// Those that are there now: what their handlers start and what completes at once is for the next
// round, so that nobody keeps the loop for himself.
void driver::hand_out_completions() {
  publish();
  if (!core_.has_completions()) return;
  std::vector<core::completion>& ready = core_.completions();  // handlers add to it
  const std::size_t there = ready.size();
  while (next_ready_ < there) {
    core::completion done = std::move(ready[next_ready_++]);
    if (done.owner == 0) continue;  // ours: nobody waits
    call& finished = *call_of(done.owner);
    unlink(finished);
    finished.finish(std::move(done), *status_);
  }
  ready.erase(ready.begin(), ready.begin() + static_cast<std::ptrdiff_t>(there));
  next_ready_ = 0;
}

// What others may see from any thread, before a handler can ask for it. The state comes last: who
// sees that the connection has ended finds the record, too.
void driver::publish() {
  if (!close_published_ && core_.has_close_status()) {
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
  in_message_mode_ = false;
  on_message_ = nullptr;
  self_.reset();
  where_->clock.disarm(*this);
  // The hooks come before the last completions: those may end whoever owns the websocket.
  std::shared_ptr<keeper> whose = std::move(keeper_);
  if (whose) whose->ended(core_.record());
  while (end_handlers_ && !end_handlers_->empty()) {
    const end_handler told = std::move(end_handlers_->front());
    end_handlers_->erase(end_handlers_->begin());
    told(core_.record());
  }
  hand_out_completions();
  whose.reset();  // with the websocket, if it has that: then more may have completed
  core_.rest();
  return core_.has_completions();
}

namespace {

// A keep-alive need not be exact: those of many connections shall come due together, at points in
// time that lie a hundredth of the wait apart.
core::instant made_coarse(core::instant due, core::instant now) {
  if (due <= now) return due;
  const auto grain = std::bit_floor(static_cast<std::uint64_t>((due - now).count()) / 64);
  if (grain == 0) return due;
  const auto point = (static_cast<std::uint64_t>(due.count()) + grain - 1) / grain * grain;
  return core::instant(static_cast<core::instant::rep>(point));
}

}  // namespace

void driver::set_timer() {
  const bool coarse = core_.quiet();
  if (coarse && armed_ != never) return;
  const auto due = core_.deadline();
  if (!due || armed_ <= *due) return;
  armed_ = coarse ? made_coarse(*due, time_) : *due;
  where_->clock.arm(*this, armed_);
}

// D11 without waiting: in message mode there is no receive that would show the Close to the app.
void driver::answer_in_message_mode() {
  if (!in_message_mode_ || core_.phase() != core::phase::close_received) return;
  core_.close_output(0, *core_.close_status(), core_.close_description(), now());
}

// ── What the transport brings ───────────────────────────────────────────────────────────────────

std::size_t driver::read_allowance() { return core_.read_allowance(); }

void driver::on_bytes(core::bytes data) {
  core_.received(data, now());
  show_messages();
}

// The handler is out of its place while it runs: it may be replaced meanwhile.
void driver::show_messages() {
  if (!in_message_mode_ || showing_) return;
  message_handler running = std::move(on_message_);
  handler_is_newer_ = false;
  showing_ = true;
  const std::exception_ptr thrown = show_all(running);
  showing_ = false;
  if (!handler_is_newer_) on_message_ = std::move(running);
  if (!thrown) return;
  const core::instant time = now();
  core_.close_for(cause::handler_error,
                  close_status::internal_server_error,
                  "the message handler failed",
                  time);
  core_.show_messages(false);
  (void)core_.next_message(time);  // D11: the rest of the bytes must not outlive this call
  const std::shared_ptr<keeper> whose = keeper_;
  if (!whose) std::rethrow_exception(thrown);
  whose->handler_failed(thrown);
}

std::exception_ptr driver::show_all(const message_handler& handler) {
  const core::instant time = now();
  try {
    while (const auto* const seen = core_.next_message(time)) handler(*seen);
  } catch (...) {
    return std::current_exception();
  }
  return nullptr;
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

}  // namespace adieu::net
