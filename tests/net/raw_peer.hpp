// A peer made of plain POSIX sockets, for everything that a proper WebSocket never does. It never
// blocks for long: a read gives up after two seconds.
#pragma once

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

namespace adieu::test {

class raw_socket {
 public:
  raw_socket() = default;
  explicit raw_socket(int descriptor) : descriptor_(descriptor) {}
  raw_socket(raw_socket&& other) noexcept : descriptor_(std::exchange(other.descriptor_, -1)) {}
  raw_socket& operator=(raw_socket&& other) noexcept {
    close();
    descriptor_ = std::exchange(other.descriptor_, -1);
    return *this;
  }
  ~raw_socket() { close(); }

  [[nodiscard]] int descriptor() const noexcept { return descriptor_; }
  [[nodiscard]] int release() noexcept { return std::exchange(descriptor_, -1); }

  static raw_socket connect_to(std::uint16_t port) {
    raw_socket out(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_in to = loopback(port);
    if (::connect(out.descriptor_, reinterpret_cast<sockaddr*>(&to), sizeof to) != 0) {
      throw std::runtime_error("connect");
    }
    return out;
  }
  static sockaddr_in loopback(std::uint16_t port) {
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = htons(port);
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return to;
  }

  void send(std::string_view bytes) const {
    while (!bytes.empty()) {
      const auto sent = ::send(descriptor_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (sent <= 0) return;
      bytes.remove_prefix(static_cast<std::size_t>(sent));
    }
  }
  /// What goes without blocking.
  std::size_t send_some(std::string_view bytes) const {
    const auto sent = ::send(descriptor_, bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    return sent < 0 ? 0 : static_cast<std::size_t>(sent);
  }
  void fin() const { ::shutdown(descriptor_, SHUT_WR); }
  void reset() {
    const linger now{1, 0};
    ::setsockopt(descriptor_, SOL_SOCKET, SO_LINGER, &now, sizeof now);
    close();
  }
  void close() {
    if (descriptor_ >= 0) ::close(std::exchange(descriptor_, -1));
  }

  enum class end { none, fin, reset };
  /// Takes what is there now into `got`; how the stream has ended, if it has.
  end read_now() {
    char space[65536];
    for (;;) {
      const auto size = ::recv(descriptor_, space, sizeof space, MSG_DONTWAIT);
      if (size > 0) {
        got.append(space, static_cast<std::size_t>(size));
      } else if (size == 0) {
        return end::fin;
      } else {
        return errno == EAGAIN || errno == EINTR ? end::none : end::reset;
      }
    }
  }
  /// Waits for the stream's end.
  end read_to_end() {
    const auto latest = std::chrono::steady_clock::now() + std::chrono::seconds(2);
    for (;;) {
      if (const end how = read_now(); how != end::none) return how;
      pollfd ask{descriptor_, POLLIN, 0};
      if (std::chrono::steady_clock::now() > latest || ::poll(&ask, 1, 2000) <= 0) return end::none;
    }
  }
  std::string got;

 private:
  int descriptor_ = -1;
};

/// Listens on loopback; the kernel chooses the port.
class raw_listener {
 public:
  raw_listener() : socket_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in where = raw_socket::loopback(0);
    socklen_t size = sizeof where;
    if (::bind(socket_.descriptor(), reinterpret_cast<sockaddr*>(&where), size) != 0 ||
        ::listen(socket_.descriptor(), 16) != 0 ||
        ::getsockname(socket_.descriptor(), reinterpret_cast<sockaddr*>(&where), &size) != 0) {
      throw std::runtime_error("listen");
    }
    port_ = ntohs(where.sin_port);
  }
  [[nodiscard]] int descriptor() const noexcept { return socket_.descriptor(); }
  [[nodiscard]] std::uint16_t port() const noexcept { return port_; }
  [[nodiscard]] std::string url() const { return "ws://127.0.0.1:" + std::to_string(port_) + "/"; }
  [[nodiscard]] raw_socket accept() const {
    return raw_socket(::accept4(socket_.descriptor(), nullptr, nullptr, SOCK_CLOEXEC));
  }
  [[nodiscard]] bool somebody_waits() const {
    pollfd ask{socket_.descriptor(), POLLIN, 0};
    return ::poll(&ask, 1, 0) > 0;
  }

 private:
  raw_socket socket_;
  std::uint16_t port_ = 0;
};

// ── Frames ──────────────────────────────────────────────────────────────────────────────────────

/// A server's frame, not masked, final unless `opcode` lacks 0x80.
inline std::string bare_frame(unsigned char first, std::string_view payload) {
  std::string out(1, static_cast<char>(first));
  if (payload.size() < 126) {
    out += static_cast<char>(payload.size());
  } else if (payload.size() < 65536) {
    out += static_cast<char>(126);
    out += static_cast<char>(payload.size() >> 8U);
    out += static_cast<char>(payload.size() & 0xFFU);
  } else {
    out += static_cast<char>(127);
    for (int shift = 56; shift >= 0; shift -= 8) {
      out += static_cast<char>((payload.size() >> static_cast<unsigned>(shift)) & 0xFFU);
    }
  }
  return out.append(payload);
}

/// A client's frame: masked, with a key of zeros.
inline std::string masked_frame(unsigned char first, std::string_view payload) {
  std::string out = bare_frame(first, payload);
  out[1] = static_cast<char>(static_cast<unsigned char>(out[1]) | 0x80U);
  return out.insert(out.size() - payload.size(), 4, '\0');
}

inline std::string close_body(unsigned code, std::string_view reason = {}) {
  std::string out{static_cast<char>(code >> 8U), static_cast<char>(code & 0xFFU)};
  return out.append(reason);
}

constexpr unsigned char text_frame = 0x81;
constexpr unsigned char close_frame_byte = 0x88;
constexpr unsigned char ping_frame = 0x89;
constexpr unsigned char pong_frame = 0x8A;

}  // namespace adieu::test
