// What the kernel says of a TCP socket that somebody else owns and may close.
#pragma once

#include <sys/types.h>

#include <cstdint>

namespace oracle {

class kernel_view {
 public:
  void watch(int descriptor);
  /// False: its owner has closed it. The number of the descriptor may be another socket's by then;
  /// the inode is not.
  [[nodiscard]] bool look();

  // What look() saw.
  [[nodiscard]] std::uint64_t bytes_sent() const noexcept { return bytes_sent_; }
  [[nodiscard]] std::uint64_t bytes_received() const noexcept { return bytes_received_; }
  [[nodiscard]] bool is_gone() const noexcept;  ///< a reset, or both FINs
  [[nodiscard]] bool fin_received() const noexcept;
  [[nodiscard]] bool fin_sent() const noexcept;

 private:
  int descriptor_ = -1;
  ino_t inode_ = 0;
  int state_ = 0;
  std::uint64_t bytes_sent_ = 0;
  std::uint64_t bytes_received_ = 0;
};

}  // namespace oracle
