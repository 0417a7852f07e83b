// Readiness without a system call a wait: our own edge-triggered epoll set, one for each
// io_context, whose descriptor is waited on through Asio (docs/decisions/0001-readiness.md). A
// socket is registered once; a wake-up brings the events of many.
//
// Edges are not repeated: they are kept in the member until its owner takes them.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>

#include <atomic>
#include <memory>
#include <mutex>
#include <unordered_map>
#include <vector>

#include "adieu/net/transport.hpp"

namespace adieu::net {

/// What a socket became; taken by whoever is in the driver.
struct readiness {
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

  /// Registers the descriptor, which Asio must not watch. While it is registered, it keeps the
  /// listener alive and the loop at work, as a pending operation would.
  void add(int descriptor, readiness& member, std::shared_ptr<transport_listener> listener);
  void remove(int descriptor) noexcept;

 private:
  struct member {
    readiness* flags;
    std::shared_ptr<transport_listener> listener;
  };
  using batch = std::vector<std::shared_ptr<transport_listener>>;

  void shutdown() override;
  void wait();
  void wake();
  void collect(batch& due);
  void notify(batch due);

  boost::asio::io_context& loop_;
  std::mutex mutex_;
  boost::asio::posix::stream_descriptor set_;
  std::unordered_map<int, member> members_;
  batch spare_;
  bool waiting_ = false;
};

/// For tests: sockets wait through Asio, as they do on a strand.
void force_portable_readiness(bool on) noexcept;

}  // namespace adieu::net
