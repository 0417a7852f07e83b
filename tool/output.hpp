// Writes a descriptor of any kind without blocking the loop: a thread writes what was handed over.
// Who writes much waits for drained(), so that a slow reader of ours slows the peer down instead of
// filling our memory.
//
// The thread is left behind where it waits (in write) when the output goes away; so the executor's
// loop must live as long as the process.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>

#include <memory>
#include <string_view>

namespace adieu::tool {

class output {
 public:
  output(boost::asio::any_io_executor executor, int descriptor);
  ~output();
  output(const output&) = delete;
  output& operator=(const output&) = delete;

  /// Hands bytes over. Nothing happens after a failure or stop().
  void write(std::string_view bytes);

  /// Bytes that were handed over and not written yet.
  [[nodiscard]] std::size_t waiting() const;

  /// Until at most `bytes` wait, or the output failed, or was stopped.
  boost::asio::awaitable<void> drained(std::size_t bytes = 0);

  /// What waits is given up. On the executor.
  void stop();

  /// The errno that ended the output, or 0.
  [[nodiscard]] int error() const;

 private:
  struct shared;
  std::shared_ptr<shared> shared_;
};

}  // namespace adieu::tool
