// A pending call of the public API: its arguments, and a type-erased way to its completion handler.
// The core names it by its address. Memory comes from the handler's allocator, or from Asio's
// per-thread recycling, so that a call on the executor allocates nothing in steady state (P8).
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/associated_allocator.hpp>
#include <boost/asio/associated_cancellation_slot.hpp>
#include <boost/asio/associated_executor.hpp>
#include <boost/asio/dispatch.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/recycling_allocator.hpp>

#include <string>
#include <tuple>

#include "adieu/error.hpp"
#include "adieu/net/connection_status.hpp"

namespace adieu::net {

class driver;

enum class call_kind : std::uint8_t {
  receive,
  receive_some,
  receive_message,
  send,
  ping,
  close,
  close_output,
  wait_closed,
  errand,  ///< the driver's own
};

struct call {
  explicit call(call_kind k) noexcept : what(k) {}
  call(const call&) = delete;
  call& operator=(const call&) = delete;

  call_kind what;

  // Arguments, each for some kinds.
  core::send_piece piece;
  close_status code = close_status::normal_closure;
  core::bytes buffer;
  std::string* into = nullptr;
  message_type* into_type = nullptr;
  std::string reason;
  std::optional<core::duration> timeout;

  /// Hands the handler its result. `record` is for wait_closed.
  void finish(core::completion&& done, const connection_status& status) {
    finish_(this, &done, &status);
  }
  /// Forgets the handler, without calling it.
  void forget() { finish_(this, nullptr, nullptr); }

  // The driver's list of everything that is pending.
  call* previous = nullptr;
  call* next = nullptr;

 protected:
  ~call() = default;
  void (*finish_)(call*, core::completion*, const connection_status*) = nullptr;
};

/// What each kind's handler gets.
template <call_kind Kind>
[[nodiscard]] auto result_of(core::completion&& done, const connection_status& status) {
  const error_code ec = make_error_code(done);
  if constexpr (Kind == call_kind::receive || Kind == call_kind::receive_some ||
                Kind == call_kind::receive_message) {
    return std::tuple(ec, std::move(done.received));
  } else if constexpr (Kind == call_kind::ping) {
    return std::tuple(ec, done.round_trip);
  } else if constexpr (Kind == call_kind::wait_closed) {
    return std::tuple(ec, status.record().value_or(disconnect_record{}));
  } else {
    return std::tuple(ec);
  }
}

template <call_kind Kind, typename Handler>
class handler_call final : public call {
  using executor = boost::asio::associated_executor_t<Handler, boost::asio::any_io_executor>;
  using allocator =
      boost::asio::associated_allocator_t<Handler, boost::asio::recycling_allocator<void>>;
  using own_allocator =
      typename std::allocator_traits<allocator>::template rebind_alloc<handler_call>;

 public:
  handler_call(Handler&& handler, const boost::asio::any_io_executor& home)
      : call(Kind),
        handler_(std::move(handler)),
        executor_(boost::asio::get_associated_executor(handler_, home)) {
    finish_ = &handler_call::do_finish;
    if (boost::asio::any_io_executor(executor_) != home) guard_.emplace(executor_);
  }

  static handler_call* make(Handler&& handler, const boost::asio::any_io_executor& home) {
    own_allocator memory(allocator_of(handler));
    handler_call* const made = std::allocator_traits<own_allocator>::allocate(memory, 1);
    try {
      return ::new (made) handler_call(std::move(handler), home);
    } catch (...) {
      std::allocator_traits<own_allocator>::deallocate(memory, made, 1);
      throw;
    }
  }

  [[nodiscard]] auto cancellation_slot() const noexcept {
    return boost::asio::get_associated_cancellation_slot(handler_);
  }

 private:
  static allocator allocator_of(const Handler& handler) {
    return boost::asio::get_associated_allocator(handler, boost::asio::recycling_allocator<void>());
  }

  static void do_finish(call* base, core::completion* done, const connection_status* status) {
    auto* const self = static_cast<handler_call*>(base);
    if (auto slot = self->cancellation_slot(); slot.is_connected()) slot.clear();
    if (done != nullptr && self->into_type != nullptr) *self->into_type = done->received.type;
    Handler handler(std::move(self->handler_));
    auto guard = std::move(self->guard_);
    own_allocator memory(allocator_of(handler));
    self->~handler_call();
    std::allocator_traits<own_allocator>::deallocate(memory, self, 1);
    if (done == nullptr) return;

    auto result = result_of<Kind>(std::move(*done), *status);
    auto invoke = [handler = std::move(handler), result = std::move(result)]() mutable {
      std::apply(std::move(handler), std::move(result));
    };
    if (guard) {
      boost::asio::dispatch(guard->get_executor(), std::move(invoke));
    } else {
      invoke();  // the driver calls from the connection's executor, never inside a call
    }
  }

  Handler handler_;
  executor executor_;
  std::optional<boost::asio::executor_work_guard<executor>> guard_;  // a foreign executor only
};

/// Gives a filled-in call to the driver. From any thread.
void submit(driver& to, call& what);
/// Cancels a pending call (P7). On the connection's executor.
void cancel(driver& in, call& what);

}  // namespace adieu::net
