// What the client programs share: the load generator's options, and a window of time in which the
// replies and this process's own CPU time are counted. The server is the ceiling's, on another
// core.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>

#include <sys/resource.h>

#include <chrono>
#include <cstdint>
#include <cstdio>

#include "load/messages.hpp"
#include "load/options.hpp"

namespace bench {

class client_window {
 public:
  client_window(boost::asio::io_context& loop, const load::options& chosen)
      : loop_(loop), chosen_(chosen), timer_(loop) {}

  /// Once all connections are open and have sent their messages.
  void begin() {
    timer_.expires_after(std::chrono::milliseconds(chosen_.warm_up_milliseconds));
    timer_.async_wait([this](boost::system::error_code) {
      replies_ = 0;
      cpu_ = cpu_microseconds();
      started_ = std::chrono::steady_clock::now();
      timer_.expires_after(std::chrono::milliseconds(chosen_.milliseconds));
      timer_.async_wait([this](boost::system::error_code) { end(); });
    });
  }

  /// A reply, which has the length of what was sent, or the end of the program.
  void on_reply(std::size_t length) {
    if (length != chosen_.size) fail("a reply of " + std::to_string(length) + " bytes");
    ++replies_;
  }

 private:
  static double cpu_microseconds() {
    rusage used{};
    ::getrusage(RUSAGE_SELF, &used);
    const auto sum = [](const timeval& time) {
      return static_cast<double>(time.tv_sec) * 1e6 + static_cast<double>(time.tv_usec);
    };
    return sum(used.ru_utime) + sum(used.ru_stime);
  }

  void end() {
    const double cpu = cpu_microseconds() - cpu_;
    const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - started_;
    if (replies_ == 0) fail("no reply");
    const auto messages = static_cast<double>(replies_);
    std::printf("messages=%.0f rate=%.0f cpu_us_per_message=%.5f\n",
                messages,
                messages / seconds.count(),
                cpu / messages);
    std::fflush(stdout);
    loop_.stop();
  }

  boost::asio::io_context& loop_;
  const load::options& chosen_;
  boost::asio::steady_timer timer_;
  std::uint64_t replies_ = 0;
  double cpu_ = 0;
  std::chrono::steady_clock::time_point started_;
};

}  // namespace bench
