// When an execution context is destroyed while connections live on it, their pending handlers must
// be destroyed by it, as Asio does with its own: a suspended coroutine may own the websocket whose
// driver holds that coroutine's handler. This service breaks such circles.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/execution_context.hpp>

#include <atomic>
#include <memory>
#include <mutex>
#include <vector>

namespace adieu::net {

class driver;

class loop_end final : public boost::asio::execution_context::service {
 public:
  using key_type = loop_end;
  static boost::asio::execution_context::id id;

  explicit loop_end(boost::asio::execution_context& context)
      : boost::asio::execution_context::service(context) {}
  static loop_end& of(const boost::asio::any_io_executor& executor);

  /// Where a connection stands in the list, kept by the connection.
  struct place {
    static constexpr std::uint32_t nowhere = ~std::uint32_t{0};
    std::atomic<std::uint32_t> at{nowhere};
  };
  void watch(driver& connection);
  /// From its destructor, where it stands in the list. With a weak_ptr it would not be needed, but
  /// that holds the memory of what is gone.
  void let_go(driver& connection) noexcept;

 private:
  void shutdown() override;

  std::mutex mutex_;
  std::vector<driver*> connections_;
};

}  // namespace adieu::net
