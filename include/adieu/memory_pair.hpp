// Two websockets that are connected in memory: for tests of code that uses a websocket, without
// sockets and ports. It behaves as TCP does: bounded buffers, FIN, reset.
#pragma once

#include <utility>

#include "adieu/websocket.hpp"

namespace adieu {

struct memory_pair_options {
  websocket_options client;
  websocket_options server;
  /// How many bytes each direction holds before its writer is blocked.
  std::size_t capacity = 64 * 1024;
};

/// The client's end and the server's end. Each runs on its own executor, which may be the same.
[[nodiscard]] std::pair<websocket, websocket> make_memory_pair(
    const asio::any_io_executor& client,
    const asio::any_io_executor& server,
    const memory_pair_options& options = {});

}  // namespace adieu
