// Readiness without a system call a wait: our own edge-triggered epoll set, one for each
// io_context, whose descriptor is waited on through Asio (docs/decisions/0001-readiness.md). A
// socket is registered once; a wake-up brings the events of many.
//
// Edges are not repeated: they are kept in the member until its owner takes them. Room to write is
// told of only to who has asked for it once.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>

#include <atomic>
#include <memory>
#include <mutex>
#include <vector>

#include "net/telling.hpp"

namespace adieu::net {

class edge_set;

/// What a socket became; taken by whoever is in the driver. It stays where it is.
struct readiness {
  static constexpr std::uint32_t nowhere = ~std::uint32_t{0};

  edge_set* in = nullptr;  // where it is, or can be, registered
  event_listener* whose = nullptr;
  std::uint32_t place = nowhere;  // in the set's list of members
  std::atomic<bool> readable{false};
  std::atomic<bool> writable{false};
  std::atomic<bool> input_ends{false};  // a FIN or a reset waits behind the data: stays set
};

class edge_set final : public boost::asio::execution_context::service {
 public:
  using key_type = edge_set;
  static boost::asio::execution_context::id id;

  explicit edge_set(boost::asio::execution_context& context);
  ~edge_set() override;

  /// The one that `executor` can use: null when it is not an io_context's own executor, because a
  /// strand's handlers must run in the strand.
  static edge_set* of(const boost::asio::any_io_executor& executor);

  /// Registers the descriptor, which Asio must not watch. While it is registered, it keeps the loop
  /// at work, as a pending operation would.
  void add(int descriptor, readiness& member, event_listener& whose);
  /// From now on `whose` is told, who can't rely on having been told before.
  void hand_over(readiness& member, event_listener& whose);
  /// Room to write is told, too: what there is now, and all that comes.
  void tell_of_room(int descriptor, readiness& member);
  /// Before its listener goes away, if it was added.
  static void remove(int descriptor, readiness& member) noexcept;

 private:
  void shutdown() override;
  void wait();
  void wake();
  void collect(listeners& due);

  boost::asio::io_context& loop_;
  std::mutex mutex_;
  boost::asio::posix::stream_descriptor set_;
  std::vector<readiness*> members_;
  listeners spare_;
  bool waiting_ = false;
};

/// For tests: sockets wait through Asio, as they do on a strand.
void force_portable_readiness(bool on) noexcept;

}  // namespace adieu::net
