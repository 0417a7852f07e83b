// accept4 until there is nobody left, or enough for once.
#include "net/listening.hpp"

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace adieu::net {

namespace asio = boost::asio;

std::string text_of(const peer_address& address) {
  const int family = address.protocol().family();
  if (family != AF_INET && family != AF_INET6) return {};
  asio::ip::tcp::endpoint endpoint;
  endpoint.resize(address.size());
  std::memcpy(endpoint.data(), address.data(), address.size());
  const std::string host = endpoint.address().to_string();
  const std::string port = std::to_string(endpoint.port());
  return endpoint.address().is_v6() ? "[" + host + "]:" + port : host + ":" + port;
}

listening::listening(asio::any_io_executor executor,
                     int descriptor,
                     accepts whom,
                     guest_handler handler)
    : executor_(std::move(executor)),
      handler_(std::move(handler)),
      edges_(edge_set::of(executor_)),
      descriptor_(descriptor),
      pause_(executor_) {
  ::fcntl(descriptor, F_SETFL, ::fcntl(descriptor, F_GETFL) | O_NONBLOCK);
  // Who is accepted inherits it. What is no TCP refuses both.
  const int on = 1;
  ::setsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  const int seconds = whom == accepts::who_has_spoken ? 1 : 0;
  ::setsockopt(descriptor, IPPROTO_TCP, TCP_DEFER_ACCEPT, &seconds, sizeof seconds);
}

listening::~listening() { stop(); }

void listening::start() {
  if (edges_ != nullptr) {
    ready_.in = edges_;
    return edges_->add(descriptor_, ready_, *this);
  }
  asios_.emplace(executor_, descriptor_);
  wait();
}

void listening::stop() {
  const std::lock_guard lock(mutex_);
  if (descriptor_ < 0) return;
  edge_set::remove(descriptor_, ready_);
  pause_.cancel();
  if (asios_) {
    asios_.reset();
  } else {
    ::close(descriptor_);
  }
  descriptor_ = -1;
}

void listening::on_event() {
  try {
    accept_all();
  } catch (...) {  // a handler's: it leaves through the loop's run(), and the others still come
    asio::post(executor_, [self = shared_from_this()] { self->on_event(); });
    throw;
  }
}

void listening::accept_all() {
  constexpr int most_at_once = 64;  // then others have their turn
  peer_address from;
  for (int i = 0; i < most_at_once; ++i) {
    const accepted one = accept_one(from);
    switch (one.error) {
      case 0:
        if (auto carrier = transport_of(one.descriptor, from.protocol().family())) {
          handler_(std::move(carrier), from);
        }
        break;
      case EBADF: return;  // stopped
      case EAGAIN: return wait();
      case EINTR:
      case ECONNABORTED:
      case EPROTO: break;       // this client alone, who is gone
      default: return pause();  // out of descriptors, most likely: others must end first
    }
  }
  asio::post(executor_, [self = shared_from_this()] { self->on_event(); });
}

listening::accepted listening::accept_one(peer_address& from) {
  const std::lock_guard lock(mutex_);
  if (descriptor_ < 0) return {-1, EBADF};
  from.resize(from.capacity());
  auto size = static_cast<socklen_t>(from.capacity());
  const int got = ::accept4(descriptor_, from.data(), &size, SOCK_NONBLOCK | SOCK_CLOEXEC);
  if (got < 0) return {-1, errno};
  from.resize(size);
  return {got, 0};
}

std::unique_ptr<socket_transport> listening::transport_of(int descriptor, int family) {
  const bool is_local = family == AF_UNIX;
  if (edges_ != nullptr) {
    const auto kind = is_local ? socket_stream::kind::local : socket_stream::kind::tcp;
    return std::make_unique<socket_transport>(socket_stream(descriptor, kind), *edges_);
  }
  socket_stream::socket_type socket(executor_);
  boost::system::error_code ec;
  socket.assign({family, is_local ? 0 : IPPROTO_TCP}, descriptor, ec);
  if (!ec) return std::make_unique<socket_transport>(socket_stream(std::move(socket)));
  ::close(descriptor);
  return nullptr;
}

void listening::wait() {
  if (edges_ != nullptr) return;
  const std::lock_guard lock(mutex_);
  if (!asios_) return;
  asios_->async_wait(asio::posix::stream_descriptor::wait_read,
                     [self = shared_from_this()](boost::system::error_code ec) {
                       if (!ec) self->on_event();
                     });
}

void listening::pause() {
  const std::lock_guard lock(mutex_);
  if (descriptor_ < 0) return;
  pause_.expires_after(std::chrono::milliseconds(50));
  pause_.async_wait([self = shared_from_this()](boost::system::error_code ec) {
    if (!ec) self->on_event();
  });
}

}  // namespace adieu::net
