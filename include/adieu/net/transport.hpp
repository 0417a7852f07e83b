// What carries the bytes: the small interface between a connection's driver and TCP, TLS, a Unix
// socket, a pair in memory, or a stream of the user's.
//
// A transport pushes what it reads into its listener and never keeps any of it. Everything here is
// called by one thread at a time: the driver sees to that.
#pragma once

#include <boost/asio/any_io_executor.hpp>

#include <memory>
#include <string>

#include "adieu/core/connection.hpp"

namespace adieu::net {

/// Whoever wants to hear that something may have changed: readable, writable, a write finished.
class event_listener {
 public:
  virtual ~event_listener() = default;

  /// From the executor.
  virtual void on_event() = 0;
  /// Null when it is being destroyed on another thread just now.
  [[nodiscard]] virtual std::shared_ptr<event_listener> alive() noexcept = 0;
  /// The loop is being destroyed: nothing follows. Who holds itself until an event lets go.
  virtual void loop_ends() noexcept {}
};

/// The driver, as its transport sees it. A transport calls `on_event` from its executor, and only
/// that; the driver then calls back into `transport::pump` when it is its turn.
class transport_listener : public event_listener,
                           public std::enable_shared_from_this<transport_listener> {
 public:
  [[nodiscard]] std::shared_ptr<event_listener> alive() noexcept override {
    return weak_from_this().lock();
  }

  // Called from within transport::pump():
  [[nodiscard]] virtual std::size_t read_allowance() = 0;
  /// Where the next read should go, if that is possible; empty: anywhere.
  [[nodiscard]] virtual core::bytes read_space() { return {}; }
  virtual void on_bytes(core::bytes data) = 0;
  virtual void on_input_end(core::input_end how, int os_error) = 0;
  virtual void on_written(std::size_t size) = 0;
  virtual void on_output_failed(core::input_end how, int os_error) = 0;
};

/// What became of a write.
struct write_result {
  enum class outcome : std::uint8_t {
    written,    // `size` bytes went out, maybe not all; the rest would block
    in_flight,  // all was taken; on_written() will follow
    failed,
  } what = outcome::written;
  std::size_t size = 0;
  core::input_end how = core::input_end::reset;  // failed
  int os_error = 0;
};

class transport {
 public:
  virtual ~transport() = default;

  /// Called once. The listener outlives the transport's pending operations: they hold a pointer.
  virtual void start(const std::shared_ptr<transport_listener>& listener) = 0;

  /// One read at most, as far as the listener allows, and reports of finished writes. True: there
  /// may be more at once. False: on_event() follows when there is, or reading is not allowed.
  [[nodiscard]] virtual bool pump() = 0;

  /// Whether the bytes shall travel at once, or wait in the kernel for more of the same turn.
  enum class urgency : std::uint8_t { now, more_follows };

  /// The next pump() reads and the next write() writes even where nobody has told yet that it goes:
  /// what has happened shall come before what a clock says.
  virtual void look_again() {}

  /// Writes what goes now. After less than everything, on_event() follows when there is room.
  [[nodiscard]] virtual write_result write(std::span<const core::const_bytes> list,
                                           urgency when) = 0;
  /// Lets go of what was written with `more_follows`.
  virtual void push() {}

  /// Our FIN (TLS: close_notify first), behind what was written.
  virtual void shut_output() = 0;

  /// Closes for good, orderly or with a reset; no event follows.
  enum class ending : std::uint8_t { cut, reset };
  virtual core::closing_facts close(ending how) = 0;

  /// The peer's FIN or reset has arrived behind unread data (TCP_INFO).
  [[nodiscard]] virtual bool peer_gone() { return false; }
};

}  // namespace adieu::net
