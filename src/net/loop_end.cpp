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
  connection.place_in_loop().at = static_cast<std::uint32_t>(connections_.size());
  connections_.push_back(&connection);
}

void loop_end::let_go(driver& connection) noexcept {
  const std::lock_guard lock(mutex_);
  const std::uint32_t at = connection.place_in_loop().at;
  connections_[at] = connections_.back();  // the last one takes its place
  connections_[at]->place_in_loop().at = at;
  connections_.pop_back();
}

void loop_end::shutdown() {
  std::vector<std::shared_ptr<transport_listener>> alive;
  {
    const std::lock_guard lock(mutex_);
    for (driver* const each : connections_) {
      each->place_in_loop().at = loop_end::place::nowhere;
      if (auto connection = each->weak_from_this().lock()) alive.push_back(std::move(connection));
    }
    connections_.clear();
  }
  for (const auto& connection : alive) static_cast<driver&>(*connection).forget_calls();
}

}  // namespace adieu::net
