// One pool for each execution context.
#include "net/deflate_memory.hpp"

#include <algorithm>

namespace adieu::net {
namespace {
constexpr std::size_t spares_kept = 8;
}

std::unique_ptr<core::zlib_stream> spare_streams::take(core::zlib_stream::kind what,
                                                       const core::deflate_settings& how) {
  {
    const std::lock_guard lock(mutex_);
    const auto found =
        std::ranges::find_if(spares_, [&](const auto& spare) { return spare->fits(what, how); });
    if (found != spares_.end()) {
      std::unique_ptr<core::zlib_stream> out = std::move(*found);
      spares_.erase(found);
      return out;
    }
  }
  return std::make_unique<core::zlib_stream>(what, how);
}

void spare_streams::give_back(std::unique_ptr<core::zlib_stream> spare) {
  const std::lock_guard lock(mutex_);
  if (spares_.size() < spares_kept) spares_.push_back(std::move(spare));
}

boost::asio::execution_context::id deflate_memory::id;

std::shared_ptr<core::deflate_pool> deflate_memory::of(
    const boost::asio::any_io_executor& executor) {
  return boost::asio::use_service<deflate_memory>(
             boost::asio::query(executor, boost::asio::execution::context))
      .pool_;
}

}  // namespace adieu::net
