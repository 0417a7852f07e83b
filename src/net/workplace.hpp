// What the connections of one executor share, so that each holds one pointer to it.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/io_context.hpp>

#include <memory>

#include "net/burst.hpp"
#include "net/turn_memory.hpp"

namespace adieu::net {

class clock_service;
class loop_end;

class workplace {
 public:
  /// Of an io_context's own executor there is one, which stays.
  [[nodiscard]] static std::shared_ptr<const workplace> of(
      const boost::asio::any_io_executor& executor);

  explicit workplace(const boost::asio::any_io_executor& on);
  workplace(const workplace&) = delete;
  workplace& operator=(const workplace&) = delete;

  using plain_executor = boost::asio::io_context::executor_type;

  const boost::asio::any_io_executor executor;
  const plain_executor* const plain;  ///< the same, when it is an io_context's own and no strand
  clock_service& clock;
  loop_end& loop;
  mutable turn_memory turns;
  mutable burst_count bursts;
};

using workplace_ptr = std::shared_ptr<const workplace>;

}  // namespace adieu::net
