// The driver's sends that nobody waits for: composed at once where that can be, else copied.
#include <algorithm>
#include <new>

#include "net/backlog.hpp"
#include "net/driver.hpp"
#include "net/visit.hpp"

namespace adieu::net {
namespace {

constexpr std::size_t large = 64 * 1024;  // a list's fill: nothing is composed behind it

}  // namespace

// From any thread; there is one as soon as it is needed, until the connection goes.
driver::backlog& driver::waiting_copies() {
  backlog* there = backlog_.load(std::memory_order_acquire);
  if (there != nullptr) return *there;
  auto made = std::make_unique<backlog>();
  if (backlog_.compare_exchange_strong(there, made.get(), std::memory_order_acq_rel)) {
    return *made.release();
  }
  return *there;
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
      self->home.waiting_copies().memory.fetch_sub(size_of(payload), std::memory_order_relaxed);
      self->~copied_send();
      ::operator delete(self);
    };
  }
  driver& home;
};

bool driver::make_room(std::size_t size) {
  const std::size_t most = core_.options().max_buffered_amount;
  std::atomic<std::size_t>& memory = waiting_copies().memory;
  std::size_t before = memory.load(std::memory_order_relaxed);
  do {
    if (most != 0 && before != 0 && before + size > most) return false;
  } while (!memory.compare_exchange_weak(before, before + size, std::memory_order_relaxed));
  return true;
}

// A copy of a large message costs as much as sending it. In a turn it is offered to the transport
// first, out of the caller's memory; only what does not go out at once is copied.
bool driver::compose_large(message_type type, core::const_bytes payload) {
  if (!turning_ || core_.self() == role::client) {  // a client masks, which is a copy
    return core_.send_copy(type, payload, now());
  }
  if (!core_.send_copy(type, payload, now(), core::outbox::payload_memory::callers)) return false;
  try {
    write_out(transport::urgency::now);
    core_.keep_unwritten();
  } catch (...) {
    core_.abort(now());  // nothing may refer to that memory any more
    throw;
  }
  return true;
}

// By a handler, in the turn: nobody can be in the way, and what is composed goes out with the turn.
bool driver::answer(message_type type, core::const_bytes payload) {
  return inside_.load(std::memory_order_relaxed) == this_thread() && turning_ &&
         left_.load(std::memory_order_relaxed) == nullptr && payload.size() < large &&
         core_.send_copy(type, payload, time_);
}

errc driver::try_send_copy(message_type type, core::const_bytes payload) {
  if (type == message_type::close) return errc::invalid_message_type;
  const backlog* const waiting = backlog_.load(std::memory_order_acquire);
  if (waiting != nullptr && waiting->overflowed.load()) return errc::invalid_state;
  if (answer(type, payload)) return errc::success;
  {
    const visit inside(*this);
    if (inside) {
      take_what_was_left();
      const bool composed = payload.size() < large ? core_.send_copy(type, payload, now())
                                                   : compose_large(type, payload);
      if (composed) {
        if (!turning_ && !flush_at_once()) post_turn();
        return errc::success;
      }
      if (const errc refused = core_.send_refusal(); refused != errc::success) return refused;
    }
  }
  return submit_copy(type, payload);
}

// Whoever is inside takes it.
errc driver::submit_copy(message_type type, core::const_bytes payload) {
  const std::size_t size = copied_send::size_of(payload);
  if (!make_room(size)) return errc::too_much_buffered;
  void* const memory = ::operator new(size, std::nothrow);
  if (memory == nullptr) {
    waiting_copies().memory.fetch_sub(size, std::memory_order_relaxed);
    throw std::bad_alloc();
  }
  submit(*::new (memory) copied_send(*this, type, payload));
  return errc::success;
}

void driver::send_copy(message_type type, core::const_bytes payload) {
  const errc refused = try_send_copy(type, payload);
  if (refused != errc::success) count_refusal(refused, payload.size());
}

void driver::count_refusal(errc why, std::size_t size) {
  backlog& counts = waiting_copies();
  counts.refused_bytes.fetch_add(size, std::memory_order_relaxed);
  counts.refused_messages.fetch_add(1, std::memory_order_release);
  if (why == errc::too_much_buffered && !counts.overflowed.exchange(true)) {
    leave([this] { core_.send_overflowed(now()); });
  }
  post_turn();
}

// Before the record is made.
void driver::count_refused() {
  backlog* const counts = backlog_.load(std::memory_order_acquire);
  if (counts == nullptr) return;
  const std::uint64_t messages = counts->refused_messages.exchange(0, std::memory_order_acquire);
  core_.count_unsent({messages, counts->refused_bytes.exchange(0, std::memory_order_relaxed)});
}

}  // namespace adieu::net
