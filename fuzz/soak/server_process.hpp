// `adieu serve` as a process: started, its lines counted as they come, its memory looked at, shut
// down. Its output goes through a pipe that is read all the time, by a thread.
#pragma once

#include <sys/types.h>

#include <atomic>
#include <cstddef>
#include <string>
#include <thread>

namespace adieu::soak {

class server_process {
 public:
  /// Throws when it does not say where it listens.
  explicit server_process(const std::string& program);
  ~server_process();
  server_process(const server_process&) = delete;
  server_process& operator=(const server_process&) = delete;

  [[nodiscard]] unsigned short port() const noexcept { return port_; }
  [[nodiscard]] std::size_t ended_connections() const noexcept { return lines_; }

  struct footprint {
    std::size_t kib = 0;  // proportional: what this process costs the machine
    std::size_t descriptors = 0;
  };
  [[nodiscard]] footprint look() const;

  /// SIGTERM; waits. Returns the exit status (128 + the signal that killed it).
  [[nodiscard]] int shut_down();
  /// After shut_down(): the counts that it printed.
  [[nodiscard]] const std::string& last_line() const noexcept { return last_line_; }

 private:
  void read_lines(int from);

  pid_t pid_ = -1;
  unsigned short port_ = 0;
  std::atomic<std::size_t> lines_{0};
  std::string last_line_;
  std::thread reader_;
};

}  // namespace adieu::soak
