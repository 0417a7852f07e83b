// The kernel's struct tcp_info by its offsets, which never change: the C library's ends before the
// counts of bytes, and <linux/tcp.h> can't stand beside it.
#include "tests/oracle/kernel_view.hpp"

#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <array>
#include <cstring>

namespace oracle {
namespace {

constexpr std::size_t state_at = 0, bytes_received_at = 128, bytes_sent_at = 200,
                      bytes_resent_at = 208;

ino_t inode_of(int descriptor) {
  struct stat about {};
  return ::fstat(descriptor, &about) == 0 ? about.st_ino : 0;
}

}  // namespace

void kernel_view::watch(int descriptor) {
  descriptor_ = descriptor;
  inode_ = inode_of(descriptor);
}

bool kernel_view::look() {
  if (inode_of(descriptor_) != inode_) return false;
  std::array<unsigned char, 256> info{};
  socklen_t size = info.size();
  if (::getsockopt(descriptor_, IPPROTO_TCP, TCP_INFO, info.data(), &size) != 0) return false;
  if (inode_of(descriptor_) != inode_) return false;
  state_ = info[state_at];
  std::memcpy(&bytes_received_, &info[bytes_received_at], sizeof bytes_received_);
  std::memcpy(&bytes_sent_, &info[bytes_sent_at], sizeof bytes_sent_);
  std::uint64_t resent = 0;
  std::memcpy(&resent, &info[bytes_resent_at], sizeof resent);
  bytes_sent_ -= resent;
  return true;
}

bool kernel_view::is_gone() const noexcept { return state_ == TCP_CLOSE; }
bool kernel_view::fin_received() const noexcept {
  return state_ != TCP_ESTABLISHED && state_ != TCP_FIN_WAIT1 && state_ != TCP_FIN_WAIT2;
}
bool kernel_view::fin_sent() const noexcept {
  return state_ != TCP_ESTABLISHED && state_ != TCP_CLOSE_WAIT;
}

}  // namespace oracle
