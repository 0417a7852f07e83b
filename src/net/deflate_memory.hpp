// zlib's memory, shared by the connections of one execution context that keep no context between
// messages.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/execution_context.hpp>

#include <memory>
#include <mutex>
#include <vector>

#include "adieu/core/deflate.hpp"

namespace adieu::net {

/// A few spare streams. From any thread.
class spare_streams final : public core::deflate_pool {
 public:
  [[nodiscard]] std::unique_ptr<core::zlib_stream> take(core::zlib_stream::kind what,
                                                        const core::deflate_settings& how) override;
  void give_back(std::unique_ptr<core::zlib_stream> spare) override;

 private:
  std::mutex mutex_;
  std::vector<std::unique_ptr<core::zlib_stream>> spares_;
};

class deflate_memory final : public boost::asio::execution_context::service {
 public:
  using key_type = deflate_memory;
  static boost::asio::execution_context::id id;

  explicit deflate_memory(boost::asio::execution_context& context)
      : boost::asio::execution_context::service(context) {}
  [[nodiscard]] static std::shared_ptr<core::deflate_pool> of(
      const boost::asio::any_io_executor& executor);

 private:
  void shutdown() override {}

  std::shared_ptr<core::deflate_pool> pool_ = std::make_shared<spare_streams>();
};

}  // namespace adieu::net
