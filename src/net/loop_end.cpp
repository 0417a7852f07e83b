// Forgets the pending calls of every connection when their loop is destroyed.
#include "net/loop_end.hpp"

#include <boost/asio/query.hpp>

#include "net/driver.hpp"

namespace adieu::net {

boost::asio::execution_context::id loop_end::id;

loop_end& loop_end::of(const boost::asio::any_io_executor& executor) {
  return boost::asio::use_service<loop_end>(
      boost::asio::query(executor, boost::asio::execution::context));
}

void loop_end::watch(driver& connection) {
  const std::lock_guard lock(mutex_);
  connection.place_in_loop() = {this, connections_.size()};
  connections_.push_back(&connection);
}

void loop_end::let_go(driver& connection) noexcept {
  loop_end* const loop = connection.place_in_loop().in;
  if (loop == nullptr) return;
  const std::lock_guard lock(loop->mutex_);
  const std::size_t at = connection.place_in_loop().at;
  loop->connections_[at] = loop->connections_.back();  // the last one takes its place
  loop->connections_[at]->place_in_loop().at = at;
  loop->connections_.pop_back();
}

void loop_end::shutdown() {
  std::vector<std::shared_ptr<transport_listener>> alive;
  {
    const std::lock_guard lock(mutex_);
    for (driver* const each : connections_) {
      each->place_in_loop() = {};
      if (auto connection = each->weak_from_this().lock()) alive.push_back(std::move(connection));
    }
    connections_.clear();
  }
  for (const auto& connection : alive) static_cast<driver&>(*connection).forget_calls();
}

}  // namespace adieu::net
