// An io_context that a thread of its own runs, at a host of a network if need be. Its end waits for
// everything that is under way on it.
#pragma once

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>

#include <unistd.h>

#include <chrono>
#include <cstdint>
#include <fstream>
#include <future>
#include <string>
#include <thread>
#include <utility>

#include "tests/faults/network.hpp"

namespace adieu::test {

class running_loop {
 public:
  running_loop() : thread_([this] { run(); }) {}
  running_loop(const network& in, network::host where)
      : thread_(in.at(where, [this] { return std::thread([this] { run(); }); })) {}
  running_loop(const running_loop&) = delete;
  running_loop& operator=(const running_loop&) = delete;
  ~running_loop() {
    work_.reset();
    thread_.join();
  }

  [[nodiscard]] boost::asio::io_context& context() noexcept { return context_; }
  [[nodiscard]] boost::asio::any_io_executor executor() { return context_.get_executor(); }
  /// How long its thread and the caller's have waited for a processor until now, while they could
  /// have run: on a busy machine nothing is prompt.
  [[nodiscard]] std::chrono::nanoseconds withheld() {
    return waited("/proc/thread-self/schedstat") +
           waited("/proc/self/task/" + std::to_string(thread_id_.get()) + "/schedstat");
  }
  /// Runs on the loop; waits for what it returns.
  template <typename Work>
  auto call(Work work) {
    std::packaged_task<decltype(work())()> task(std::move(work));
    auto result = task.get_future();
    boost::asio::post(context_, [task = std::move(task)]() mutable { task(); });
    return result.get();
  }

 private:
  static std::chrono::nanoseconds waited(const std::string& statistics) {
    std::int64_t ran = 0, wait = 0;
    std::ifstream(statistics) >> ran >> wait;
    return std::chrono::nanoseconds(wait);
  }
  void run() {
    id_.set_value(::gettid());
    context_.run();
  }

  std::promise<int> id_;
  std::shared_future<int> thread_id_ = id_.get_future().share();
  boost::asio::io_context context_;
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work_ =
      boost::asio::make_work_guard(context_);
  std::thread thread_;
};

}  // namespace adieu::test
