// An io_context that a thread of its own runs, at a host of a network if need be. Its end waits for
// everything that is under way on it.
#pragma once

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>

#include <future>
#include <thread>
#include <utility>

#include "tests/faults/network.hpp"

namespace adieu::test {

class running_loop {
 public:
  running_loop() : thread_([this] { context_.run(); }) {}
  running_loop(const network& in, network::host where)
      : thread_(in.at(where, [this] { return std::thread([this] { context_.run(); }); })) {}
  running_loop(const running_loop&) = delete;
  running_loop& operator=(const running_loop&) = delete;
  ~running_loop() {
    work_.reset();
    thread_.join();
  }

  [[nodiscard]] boost::asio::io_context& context() noexcept { return context_; }
  [[nodiscard]] boost::asio::any_io_executor executor() { return context_.get_executor(); }
  /// Runs on the loop; waits for what it returns.
  template <typename Work>
  auto call(Work work) {
    std::packaged_task<decltype(work())()> task(std::move(work));
    auto result = task.get_future();
    boost::asio::post(context_, [task = std::move(task)]() mutable { task(); });
    return result.get();
  }

 private:
  boost::asio::io_context context_;
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work_ =
      boost::asio::make_work_guard(context_);
  std::thread thread_;
};

}  // namespace adieu::test
