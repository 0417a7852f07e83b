// Two websockets, connected in memory.
#include "adieu/memory_pair.hpp"

#include "net/memory_transport.hpp"

namespace adieu {

std::pair<websocket, websocket> make_memory_pair(const asio::any_io_executor& client,
                                                 const asio::any_io_executor& server,
                                                 const memory_pair_options& options) {
  auto ends = net::memory_transport::make_pair(client, server, options.capacity);
  return {websocket::adopted(client, std::move(ends.first), role::client, options.client),
          websocket::adopted(server, std::move(ends.second), role::server, options.server)};
}

}  // namespace adieu
