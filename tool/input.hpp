// Reads a descriptor of any kind without blocking the loop: a thread reads one piece when it is
// asked for one, so nothing is read ahead. epoll can't do it: it refuses regular files, and making
// a terminal non-blocking changes it for the shell too.
//
// The thread is left behind where it waits (in read) when the input goes away; so the executor's
// loop must live as long as the process.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>

#include <memory>
#include <string>

namespace adieu::tool {

class input {
 public:
  /// Nothing is read before the first read().
  input(boost::asio::any_io_executor executor, int descriptor);
  ~input();
  input(const input&) = delete;
  input& operator=(const input&) = delete;

  /// The next bytes, at most 64 KiB; nothing at the end of the input, at an error, after stop().
  boost::asio::awaitable<std::string> read();

  /// Ends a read that waits, and all later ones. On the executor.
  void stop();

  /// The errno that ended the input; 0: its end.
  [[nodiscard]] int error() const noexcept;

 private:
  struct shared;
  std::shared_ptr<shared> shared_;
};

}  // namespace adieu::tool
