// System calls on one socket, and what their errors mean.
#include "net/socket_stream.hpp"

#include <linux/sockios.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <utility>

namespace adieu::net {
namespace {

constexpr std::size_t most_buffers = 64;  // of one writev

}  // namespace

core::input_end input_end_of(io_result::outcome what) noexcept {
  switch (what) {
    case io_result::outcome::fin: return core::input_end::fin;
    case io_result::outcome::reset: return core::input_end::reset;
    case io_result::outcome::truncated: return core::input_end::truncated;
    default: return core::input_end::error;
  }
}

socket_stream::socket_stream(socket_type socket)
    : socket_(std::make_unique<socket_type>(std::move(socket))),
      descriptor_(socket_->native_handle()) {
  boost::system::error_code ignored;
  socket_->native_non_blocking(true, ignored);
  const int on = 1;  // what is no TCP refuses it
  is_tcp_ = ::setsockopt(descriptor_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on) == 0;
}

socket_stream::socket_stream(socket_stream&& other) noexcept
    : socket_(std::move(other.socket_)),
      descriptor_(std::exchange(other.descriptor_, -1)),
      is_tcp_(other.is_tcp_),
      fin_sent_(other.fin_sent_),
      input_ended_(other.input_ended_),
      tls_(std::move(other.tls_)) {}

socket_stream::~socket_stream() { abandon(); }

void socket_stream::abandon() noexcept {
  if (!is_detached()) {
    boost::system::error_code ignored;
    socket_->close(ignored);
  } else if (descriptor_ >= 0) {
    ::close(descriptor_);
  }
  descriptor_ = -1;
}

int socket_stream::detach() {
  if (!is_detached()) {
    socket_->release();
    socket_.reset();
  }
  return descriptor_;
}

bool socket_stream::has_input() const noexcept {
  char first = 0;
  return ::recv(descriptor_, &first, 1, MSG_PEEK) >= 0 || errno != EAGAIN;
}

io_result socket_stream::read(core::bytes into) {
  if (!is_open()) return {io_result::outcome::error, 0, EBADF};
  if (tls_) return tls_->read(into);
  for (;;) {
    const auto got = ::recv(descriptor_, into.data(), into.size(), 0);
    if (got > 0) {
      const auto size = static_cast<std::size_t>(got);
      return {io_result::outcome::done, size, 0, size < into.size()};
    }
    if (got == 0) {
      input_ended_ = true;
      return {io_result::outcome::fin};
    }
    if (errno != EINTR) return io_failure(errno);
  }
}

io_result socket_stream::write(std::span<const core::const_bytes> list, transport::urgency when) {
  if (!is_open()) return {io_result::outcome::error, 0, EBADF};
  if (tls_) return tls_->write(list);
  const int flags = MSG_NOSIGNAL | (when == transport::urgency::more_follows ? MSG_MORE : 0);
  std::array<iovec, most_buffers> vector;
  const std::size_t count = std::min(list.size(), most_buffers);
  for (std::size_t i = 0; i < count; ++i) {
    vector[i] = {const_cast<std::byte*>(list[i].data()), list[i].size()};
  }
  msghdr message{};
  message.msg_iov = vector.data();
  message.msg_iovlen = count;
  for (;;) {
    const auto sent = count == 1 ? ::send(descriptor_, list[0].data(), list[0].size(), flags)
                                 : ::sendmsg(descriptor_, &message, flags);
    if (sent >= 0) return {io_result::outcome::done, static_cast<std::size_t>(sent)};
    if (errno == EAGAIN) return {io_result::outcome::want_write};
    if (errno == EPIPE && !is_tcp_) return {io_result::outcome::fin};  // closed, and not by a reset
    if (errno != EINTR) return io_failure(errno);
  }
}

// Linux: setting TCP_NODELAY, also again, pushes what MSG_MORE held back.
void socket_stream::push() noexcept {
  const int on = 1;
  if (is_tcp_) ::setsockopt(descriptor_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

// TLS keeps the number of the descriptor: once it is closed, that may be another connection's.
io_result socket_stream::handshake(role self) {
  if (!is_open()) return {io_result::outcome::error, 0, EBADF};
  return tls_->handshake(self);
}

void socket_stream::shut_output() {
  if (!is_open()) return;
  if (tls_) tls_->say_goodbye();
  // After the peer's reset there is no FIN any more.
  fin_sent_ = ::shutdown(descriptor_, SHUT_WR) == 0;
}

core::closing_facts socket_stream::close(transport::ending how) {
  core::closing_facts facts;
  if (!is_open()) return facts;
  if (how == transport::ending::cut && !fin_sent_) shut_output();
  int waiting = 0;
  if (is_tcp_ && ::ioctl(descriptor_, SIOCOUTQ, &waiting) == 0) {
    const auto queued = static_cast<std::uint64_t>(waiting);
    const std::uint64_t farewell = tls_ ? tls_->farewell() : 0;
    facts.unacknowledged = queued - std::min(queued, farewell + (fin_sent_ ? 1 : 0));
  }
  if (how == transport::ending::reset) {
    const linger now{1, 0};
    ::setsockopt(descriptor_, SOL_SOCKET, SO_LINGER, &now, sizeof now);
    facts.was_reset = is_tcp_;
  } else if (!input_ended_ && ::ioctl(descriptor_, FIONREAD, &waiting) == 0) {
    facts.unread_in_kernel = waiting > 0;
  }
  abandon();
  return facts;
}

bool socket_stream::peer_gone() {
  if (is_tcp_) {
    tcp_info info{};
    socklen_t size = sizeof info;
    if (::getsockopt(descriptor_, IPPROTO_TCP, TCP_INFO, &info, &size) != 0) return true;
    return info.tcpi_state == TCP_CLOSE_WAIT || info.tcpi_state == TCP_CLOSE;
  }
  pollfd ask{descriptor_, POLLRDHUP, 0};
  return ::poll(&ask, 1, 0) > 0 && (ask.revents & (POLLRDHUP | POLLHUP | POLLERR)) != 0;
}

}  // namespace adieu::net
