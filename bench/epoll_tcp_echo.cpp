// The ceiling below the ceiling: bytes back over TCP, no WebSocket. What the kernel alone costs.
//
// Edge-triggered epoll, one read buffer for all, one send for what a read brought; the same turn
// rules as epoll_ws_echo.cpp, so that their difference is the protocol.

#include <sys/epoll.h>
#include <unistd.h>

#include <array>
#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "support.hpp"

namespace {

constexpr std::size_t read_size = 512 * 1024;
constexpr int reads_a_turn = 4;

struct connection {
  int socket;
  std::string unsent;
};

class echo_server {
 public:
  explicit echo_server(int listener)
      : listener_(listener), set_(bench::checked(::epoll_create1(EPOLL_CLOEXEC), "epoll_create1")) {
    watch(listener_, EPOLLIN, nullptr);
  }

  [[noreturn]] void run() {
    while (true) {
      const int timeout = again_.empty() ? -1 : 0;
      const int count =
          ::epoll_wait(set_, events_.data(), static_cast<int>(events_.size()), timeout);
      auto again = std::exchange(again_, {});
      for (int i = 0; i < count; ++i) {
        auto* const which = static_cast<connection*>(events_[static_cast<std::size_t>(i)].data.ptr);
        if (which == nullptr) {
          accept_one();
        } else {
          std::erase(again, which);
          on_ready(*which);
        }
      }
      for (auto* which : again) {
        on_ready(*which);
      }
    }
  }

 private:
  void watch(int descriptor, unsigned what, connection* which) const {
    epoll_event interest{};
    interest.events = what;
    interest.data.ptr = which;
    bench::checked(::epoll_ctl(set_, EPOLL_CTL_ADD, descriptor, &interest), "epoll_ctl");
  }

  void accept_one() const {
    const int socket = ::accept4(listener_, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (socket >= 0) {
      bench::no_delay(socket);
      watch(socket, EPOLLIN | EPOLLOUT | EPOLLET, new connection{socket, {}});
    }
  }

  void on_ready(connection& which) {
    if (!which.unsent.empty()) {
      const std::string unsent = std::exchange(which.unsent, {});
      send(which, unsent);
    }
    for (int reads = 0; which.unsent.empty(); ++reads) {
      if (reads == reads_a_turn) {
        again_.push_back(&which);  // more than its share: the others first
        return;
      }
      const auto got = ::recv(which.socket, received_.data(), received_.size(), 0);
      if (got == 0 || (got < 0 && errno != EAGAIN)) {
        ::close(which.socket);
        delete &which;
        return;
      }
      if (got < 0) {
        return;
      }
      send(which, {received_.data(), static_cast<std::size_t>(got)});
      if (static_cast<std::size_t>(got) < received_.size()) {
        return;  // drained: the next bytes raise the next edge
      }
    }
  }

  static void send(connection& which, std::string_view bytes) {
    while (!bytes.empty()) {
      const auto sent = ::send(which.socket, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (sent < 0) {
        if (errno == EAGAIN) {
          which.unsent.assign(bytes);
        }
        return;  // another error shows at the next read
      }
      bytes.remove_prefix(static_cast<std::size_t>(sent));
    }
  }

  int listener_;
  int set_;
  std::array<epoll_event, 256> events_{};
  std::vector<connection*> again_;
  std::vector<char> received_ = std::vector<char>(read_size);
};

}  // namespace

int main(int argc, char** argv) {
  const int listener = bench::listen_on(bench::port_argument(argc, argv));
  bench::announce(listener);
  echo_server(listener).run();
}
