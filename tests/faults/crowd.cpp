// Level-triggered epoll: reads and writes that do not wait.
#include "tests/faults/crowd.hpp"

#include <fcntl.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/wait.h>
#include <unistd.h>

namespace adieu::test {
namespace {

constexpr std::size_t most_at_once = 400;  // that connect

std::string request(temper how) {
  return "GET /" + std::string(temper_names[static_cast<std::size_t>(how)]) +
         " HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
         "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n";
}

bool sends_all_the_time(temper how) { return how == temper::busy || how == temper::chattering; }

}  // namespace

crowd::crowd(const std::vector<group>& groups, unsigned expected_code)
    : expected_code_(expected_code) {
  for (const group& each : groups) {
    for (std::size_t i = 0; i < each.count; ++i) {
      auto& added = *peers_.emplace_back(std::make_unique<peer>());
      added.how = each.how;
      added.to = each.to;
    }
    if (each.how == temper::gone) never_over_ += each.count;
  }
  std::array<int, 2> pipe;
  if (::pipe2(pipe.data(), O_CLOEXEC) != 0) throw std::runtime_error("pipe");
  child_ = ::fork();
  if (child_ < 0) throw std::runtime_error("fork");
  if (child_ == 0) {  // nothing of the parent's stays open here
    ::dup2(pipe[1], 3);
    ::close_range(4, ~0U, 0);
    report_ = raw_socket(3);
    epoll_ = raw_socket(::epoll_create1(EPOLL_CLOEXEC));
    run();
    ::_exit(::write(3, &sums_, sizeof sums_) == sizeof sums_ ? 0 : 1);
  }
  ::close(pipe[1]);
  report_ = raw_socket(pipe[0]);
  peers_.clear();
}

crowd::~crowd() {
  ::kill(child_, SIGKILL);
  ::waitpid(child_, nullptr, 0);
}

bool crowd::read_report(void* into, std::size_t size, std::chrono::seconds longest) {
  pollfd ask{report_.descriptor(), POLLIN, 0};
  return ::poll(&ask, 1, static_cast<int>(longest / std::chrono::milliseconds(1))) == 1 &&
         ::read(report_.descriptor(), into, size) == static_cast<ssize_t>(size);
}

bool crowd::open(std::chrono::seconds longest) {
  char all = 0;
  return read_report(&all, 1, longest);
}

std::optional<crowd::all_sums> crowd::end(std::chrono::seconds longest) {
  if (!read_report(&sums_, sizeof sums_, longest)) return std::nullopt;
  return sums_;
}

void crowd::run() {
  std::array<epoll_event, 512> events;
  while (over_ + never_over_ < peers_.size()) {
    connect_some();
    const int count =
        ::epoll_wait(epoll_.descriptor(), events.data(), static_cast<int>(events.size()), -1);
    for (int i = 0; i < count; ++i) {
      const epoll_event& event = events[static_cast<std::size_t>(i)];
      on_event(*static_cast<peer*>(event.data.ptr), event.events);
    }
  }
}

void crowd::connect_some() {
  for (; next_ < peers_.size() && opening_ < most_at_once; ++next_, ++opening_) {
    peer& which = *peers_[next_];
    which.socket = raw_socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    const int little = 8 * 1024;  // there are thousands of them
    ::setsockopt(which.socket.descriptor(), SOL_SOCKET, SO_SNDBUF, &little, sizeof little);
    ::setsockopt(which.socket.descriptor(), SOL_SOCKET, SO_RCVBUF, &little, sizeof little);
    ::connect(
        which.socket.descriptor(), reinterpret_cast<const sockaddr*>(&which.to), sizeof which.to);
    which.unsent = request(which.how);
    await(which, EPOLL_CTL_ADD);
  }
}

void crowd::await(peer& which, int operation) {
  epoll_event wanted{};
  const bool reads = !which.open || which.how != temper::not_reading;
  const bool sends = which.open && sends_all_the_time(which.how) &&
                     (which.how == temper::chattering || which.watch.closes() == 0);
  if (reads) wanted.events |= EPOLLIN;
  if (sends || !which.unsent.empty()) wanted.events |= EPOLLOUT;
  wanted.data.ptr = &which;
  ::epoll_ctl(epoll_.descriptor(), operation, which.socket.descriptor(), &wanted);
}

void crowd::on_event(peer& which, unsigned events) {
  if (which.over) return;
  if ((events & EPOLLIN) != 0) read(which);
  if (!which.over && (events & EPOLLOUT) != 0) write(which);
  if (!which.over && (events & (EPOLLERR | EPOLLHUP)) != 0) finish(which, raw_socket::end::reset);
}

void crowd::read(peer& which) {
  std::array<char, 16384> space;
  const std::size_t most = which.how == temper::not_reading ? 256 : space.size();
  const auto size = ::recv(which.socket.descriptor(), space.data(), most, MSG_DONTWAIT);
  if (size < 0 && errno == EAGAIN) return;
  if (size <= 0) return finish(which, size == 0 ? raw_socket::end::fin : raw_socket::end::reset);
  std::string got(space.data(), static_cast<std::size_t>(size));
  if (!which.open) {
    which.response += got;
    const auto header = which.response.find("\r\n\r\n");
    if (header != std::string::npos) {
      got = which.response.substr(header + 4);
      which.open = which.response.starts_with("HTTP/1.1 101");
      which.response.clear();
      --opening_;
      if (which.open) {
        ++sums_[static_cast<std::size_t>(which.how)].opened;
        await(which, EPOLL_CTL_MOD);
        if (++opened_ == peers_.size() && ::write(report_.descriptor(), "", 1) != 1) ::_exit(1);
      }
    }
  }
  if (!which.open) return;
  const unsigned before = which.watch.closes();
  which.watch.take(got);
  if (which.watch.closes() != before) on_close(which);
}

// RFC 6455 §5.5.1: the answer, behind the message that is on its way.
void crowd::on_close(peer& which) {
  if (which.how != temper::polite && which.how != temper::busy) return;
  which.unsent += masked_frame(close_frame_byte, close_body(which.watch.close_code()));
  write(which);
}

void crowd::write(peer& which) {
  static const std::string message = masked_frame(0x82, std::string(1024, 'x'));
  const bool goes_on = which.how == temper::chattering || which.watch.closes() == 0;
  if (which.unsent.empty() && which.open && sends_all_the_time(which.how) && goes_on) {
    which.unsent = message;
  }
  const auto sent = ::send(which.socket.descriptor(),
                           which.unsent.data(),
                           which.unsent.size(),
                           MSG_NOSIGNAL | MSG_DONTWAIT);
  if (sent < 0 && errno != EAGAIN) return finish(which, raw_socket::end::reset);
  if (sent > 0) which.unsent.erase(0, static_cast<std::size_t>(sent));
  await(which, EPOLL_CTL_MOD);
}

void crowd::finish(peer& which, raw_socket::end how) {
  which.over = true;
  ++over_;
  if (!which.open) --opening_;  // it was refused
  sums& sum = sums_[static_cast<std::size_t>(which.how)];
  sum.closes += which.watch.closes() == 1 && which.watch.close_code() == expected_code_;
  ++(how == raw_socket::end::fin ? sum.fins : sum.resets);
  which.socket.close();
}

}  // namespace adieu::test
