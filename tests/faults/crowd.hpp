// Thousands of raw clients of all tempers, with one epoll set, in a process of their own: each
// process may have so many descriptors only.
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tests/faults/frame_watch.hpp"
#include "tests/faults/tcp_pair.hpp"

namespace adieu::test {

enum class temper : std::uint8_t {
  polite,       ///< answers the Close, waits for the server's FIN
  busy,         ///< sends all the time, and answers the Close
  chattering,   ///< sends all the time, reads, and never answers
  not_reading,  ///< reads nothing after the handshake
  silent,       ///< reads, and never answers
  gone,         ///< answers nothing, because its packets are lost
};
constexpr std::size_t tempers = 6;
constexpr std::array<std::string_view, tempers> temper_names{
    "polite", "busy", "chattering", "not_reading", "silent", "gone"};

class crowd {
 public:
  struct group {
    temper how;
    std::size_t count;
    sockaddr_in to;
  };
  struct sums {
    std::size_t opened = 0;
    std::size_t closes = 0;  ///< that read exactly one Close, with the right code
    std::size_t fins = 0, resets = 0;
  };

  using all_sums = std::array<sums, tempers>;

  /// Connects them all, a few hundred at a time, from the host where the caller is. The target of
  /// each request is its temper.
  crowd(const std::vector<group>& groups, unsigned expected_code);
  crowd(const crowd&) = delete;
  crowd& operator=(const crowd&) = delete;
  ~crowd();

  /// True when all are open.
  [[nodiscard]] bool open(std::chrono::seconds longest);
  /// When everybody's connection has ended but those of `gone`, which nobody tells.
  [[nodiscard]] std::optional<all_sums> end(std::chrono::seconds longest);

 private:
  struct peer {
    temper how;
    sockaddr_in to;
    raw_socket socket;
    std::string response;  // until the end of its header
    frame_watch watch;
    std::string unsent;
    bool open = false;
    bool over = false;
  };
  void run();
  [[nodiscard]] bool read_report(void* into, std::size_t size, std::chrono::seconds longest);
  void connect_some();
  void on_event(peer& which, unsigned events);
  void read(peer& which);
  void on_close(peer& which);
  void write(peer& which);
  void await(peer& which, int operation);
  void finish(peer& which, raw_socket::end how);

  unsigned expected_code_;
  std::vector<std::unique_ptr<peer>> peers_;
  std::size_t next_ = 0;     // to connect
  std::size_t opening_ = 0;  // under way
  std::size_t opened_ = 0;
  std::size_t over_ = 0;
  std::size_t never_over_ = 0;
  all_sums sums_{};
  raw_socket epoll_;
  raw_socket report_;  // a pipe from the child: a byte when all are open, then the sums
  int child_ = 0;
};

}  // namespace adieu::test
