// A socket pair to a process that forks peers; sockets travel over it as SCM_RIGHTS.
#include "tests/faults/matrix_process.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>

#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <cstring>
#include <stdexcept>

#include "tests/faults/matrix_peer.hpp"

namespace adieu::test {
namespace {

// One cell, with its two sockets beside it.
struct order {
  cell in;
  alignas(cmsghdr) char aside[CMSG_SPACE(2 * sizeof(int))] = {};
  iovec main{&in, sizeof in};

  explicit order(const cell& which) : in(which) {}
  [[nodiscard]] msghdr message() {
    msghdr out{};
    out.msg_iov = &main;
    out.msg_iovlen = 1;
    out.msg_control = aside;
    out.msg_controllen = sizeof aside;
    return out;
  }
};

[[noreturn]] void be_a_peer(const cell& in, int data, int line, SSL_CTX& tls) {
  {
    asio::io_context loop;
    auto self = std::make_shared<peer>(
        loop.get_executor(), in, data, phone(loop, asio::local::stream_protocol(), line), tls);
    asio::co_spawn(loop, peer::play(std::move(self)), asio::detached);
    loop.run();
  }
  std::_Exit(0);
}

[[noreturn]] void make_peers(int office, const std::string& certificate, const std::string& key) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  ::signal(SIGCHLD, SIG_IGN);  // nobody waits for them
  const tls_context tls = make_peer_context(certificate, key);
  for (;;) {
    order next{cell{}};
    msghdr message = next.message();
    if (::recvmsg(office, &message, MSG_CMSG_CLOEXEC) <= 0) std::_Exit(0);
    int sockets[2];
    std::memcpy(sockets, CMSG_DATA(CMSG_FIRSTHDR(&message)), sizeof sockets);
    const pid_t child = ::fork();
    if (child == 0) {
      ::prctl(PR_SET_PDEATHSIG, SIGKILL);
      ::close(office);
      be_a_peer(next.in, sockets[0], sockets[1], *tls);
    }
    ::close(sockets[0]);
    ::close(sockets[1]);
    (void)!::send(office, &child, sizeof child, MSG_NOSIGNAL);
  }
}

}  // namespace

peer_processes::peer_processes(const std::string& certificate, const std::string& key) {
  int ends[2];
  if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0) {
    throw std::runtime_error("socketpair");
  }
  maker_ = ::fork();
  if (maker_ == 0) {
    ::close(ends[0]);
    make_peers(ends[1], certificate, key);
  }
  ::close(ends[1]);
  office_ = ends[0];
}

peer_processes::~peer_processes() {
  ::close(office_);
  ::waitpid(maker_, nullptr, 0);
}

pid_t peer_processes::start(const cell& in, int data, int line) const {
  order next(in);
  msghdr message = next.message();
  cmsghdr* const aside = CMSG_FIRSTHDR(&message);
  aside->cmsg_level = SOL_SOCKET;
  aside->cmsg_type = SCM_RIGHTS;
  aside->cmsg_len = CMSG_LEN(2 * sizeof(int));
  const int sockets[2]{data, line};
  std::memcpy(CMSG_DATA(aside), sockets, sizeof sockets);
  pid_t out = -1;
  if (::sendmsg(office_, &message, MSG_NOSIGNAL) < 0 ||
      ::recv(office_, &out, sizeof out, 0) != sizeof out) {
    throw std::runtime_error("no process for a peer");
  }
  ::close(data);
  ::close(line);
  return out;
}

}  // namespace adieu::test
