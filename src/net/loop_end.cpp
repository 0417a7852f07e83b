// Forgets the pending calls of every connection when their loop is destroyed.
#include "net/loop_end.hpp"

#include <boost/asio/query.hpp>

#include <algorithm>

#include "net/driver.hpp"

namespace adieu::net {

boost::asio::execution_context::id loop_end::id;

loop_end& loop_end::of(const boost::asio::any_io_executor& executor) {
  return boost::asio::use_service<loop_end>(
      boost::asio::query(executor, boost::asio::execution::context));
}

// The list is cleaned when it has doubled: constant work a connection.
void loop_end::watch(const std::shared_ptr<driver>& connection) {
  const std::lock_guard lock(mutex_);
  if (connections_.size() >= clean_at_) {
    std::erase_if(connections_, [](const auto& weak) { return weak.expired(); });
    clean_at_ = std::max<std::size_t>(64, connections_.size() * 2);
  }
  connections_.push_back(connection);
}

void loop_end::shutdown() {
  std::vector<std::weak_ptr<driver>> connections;
  {
    const std::lock_guard lock(mutex_);
    connections.swap(connections_);
  }
  for (const auto& weak : connections) {
    if (const auto connection = weak.lock()) connection->forget_calls();
  }
}

}  // namespace adieu::net
