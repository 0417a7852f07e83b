// Something that one coroutine makes happen and others wait for, on one loop. No sleeping.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <utility>

namespace adieu::tool::demo {

namespace asio = boost::asio;

class moment {
 public:
  explicit moment(asio::io_context& loop) : bell_(loop, asio::steady_timer::time_point::max()) {}

  void happens() {
    happened_ = true;
    bell_.cancel();
  }
  asio::awaitable<void> comes() {
    boost::system::error_code ignored;
    if (!happened_) {
      co_await bell_.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
    }
  }

 private:
  asio::steady_timer bell_;
  bool happened_ = false;
};

}  // namespace adieu::tool::demo
