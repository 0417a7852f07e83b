// Two ends of one real TCP connection, as plain descriptors, with buffers of a known size: on this
// host, or across a network's cable.
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstring>
#include <stdexcept>
#include <string>
#include <utility>

#include "tests/faults/network.hpp"
#include "tests/net/raw_peer.hpp"

namespace adieu::test {

struct buffers {
  int ours_sends = 0;  ///< SO_SNDBUF; 0: as the kernel likes
  int theirs_sends = 0;
  int theirs_receives = 0;  ///< SO_RCVBUF
};

inline sockaddr_in address_of(const std::string& host, std::uint16_t port) {
  sockaddr_in out{};
  out.sin_family = AF_INET;
  out.sin_port = htons(port);
  if (::inet_pton(AF_INET, host.c_str(), &out.sin_addr) != 1) throw std::runtime_error(host);
  return out;
}

inline void set_size(int descriptor, int what, int size) {
  if (size != 0) ::setsockopt(descriptor, SOL_SOCKET, what, &size, sizeof size);
}

/// Listens at an address of the thread's namespace; the kernel chooses the port.
class listener_at {
 public:
  explicit listener_at(const std::string& host, int backlog = 4096)
      : socket_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)), where_(address_of(host, 0)) {
    socklen_t size = sizeof where_;
    if (::bind(socket_.descriptor(), reinterpret_cast<sockaddr*>(&where_), size) != 0 ||
        ::listen(socket_.descriptor(), backlog) != 0 ||
        ::getsockname(socket_.descriptor(), reinterpret_cast<sockaddr*>(&where_), &size) != 0) {
      throw std::runtime_error("can't listen: " + std::string(std::strerror(errno)));
    }
  }
  [[nodiscard]] int descriptor() const noexcept { return socket_.descriptor(); }
  [[nodiscard]] const sockaddr_in& where() const noexcept { return where_; }
  [[nodiscard]] std::uint16_t port() const noexcept { return ntohs(where_.sin_port); }

 private:
  raw_socket socket_;
  sockaddr_in where_;
};

inline raw_socket connected_to(const sockaddr_in& where, const buffers& sizes = {}) {
  raw_socket out(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  set_size(out.descriptor(), SO_RCVBUF, sizes.theirs_receives);
  set_size(out.descriptor(), SO_SNDBUF, sizes.theirs_sends);
  if (::connect(out.descriptor(), reinterpret_cast<const sockaddr*>(&where), sizeof where) != 0) {
    throw std::runtime_error("can't connect: " + std::string(std::strerror(errno)));
  }
  return out;
}

/// Makes pairs, one at a time: `ours` is accepted, near; `theirs` connects, far.
class pair_maker {
 public:
  /// Without a cable, on loopback.
  explicit pair_maker(const network* cable = nullptr)
      : cable_(cable),
        listener_(cable == nullptr ? listener_at("127.0.0.1") : cable->at(network::host::near, [] {
          return listener_at(network::address(network::host::near));
        })) {}

  struct ends {
    raw_socket ours, theirs;
  };
  [[nodiscard]] ends make(const buffers& sizes) const {
    const auto connect = [&] { return connected_to(listener_.where(), sizes); };
    ends out;
    out.theirs = cable_ == nullptr ? connect() : cable_->at(network::host::far, connect);
    out.ours = raw_socket(::accept4(listener_.descriptor(), nullptr, nullptr, SOCK_CLOEXEC));
    set_size(out.ours.descriptor(), SO_SNDBUF, sizes.ours_sends);
    return out;
  }

 private:
  const network* cable_;
  listener_at listener_;
};

}  // namespace adieu::test
