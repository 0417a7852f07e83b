// One pool for each execution context.
#include "net/deflate_memory.hpp"

namespace adieu::net {

boost::asio::execution_context::id deflate_memory::id;

std::shared_ptr<core::deflate_pool> deflate_memory::of(
    const boost::asio::any_io_executor& executor) {
  return boost::asio::use_service<deflate_memory>(
             boost::asio::query(executor, boost::asio::execution::context))
      .pool_;
}

}  // namespace adieu::net
