#include "stream.hpp"

#include <openssl/err.h>

#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <stdexcept>
#include <utility>

namespace adieu::conformance {
namespace {

using time_point = std::chrono::steady_clock::time_point;

int milliseconds_until(time_point latest) {
  const auto left =
      std::chrono::ceil<std::chrono::milliseconds>(latest - std::chrono::steady_clock::now());
  return static_cast<int>(std::clamp<std::int64_t>(left.count(), 0, 3'600'000));
}

std::uint16_t port_of(int descriptor, int (*ask)(int, sockaddr*, socklen_t*)) {
  sockaddr_in6 name{};  // large enough for both families, with the port at the same place
  socklen_t size = sizeof name;
  if (ask(descriptor, reinterpret_cast<sockaddr*>(&name), &size) != 0) return 0;
  return ntohs(name.sin6_port);
}

SSL_CTX* tls_client() {
  static SSL_CTX* const context = SSL_CTX_new(TLS_client_method());
  return context;
}

}  // namespace

stream::stream(int descriptor) : descriptor_(descriptor) {
  const int on = 1;
  ::setsockopt(descriptor_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  static const auto once = ::signal(SIGPIPE, SIG_IGN);  // OpenSSL writes without MSG_NOSIGNAL
  static_cast<void>(once);
}
stream::~stream() { close(); }

std::unique_ptr<stream> stream::connect(const std::string& host,
                                        std::uint16_t port,
                                        time_point latest) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  if (::getaddrinfo(host.c_str(), std::to_string(port).c_str(), &hints, &found) != 0) {
    throw std::runtime_error("no such host: " + host);
  }
  const std::unique_ptr<addrinfo, void (*)(addrinfo*)> owner(found, ::freeaddrinfo);
  int last = 0;
  for (const addrinfo* each = found; each != nullptr; each = each->ai_next) {
    const int flags = each->ai_socktype | SOCK_CLOEXEC | SOCK_NONBLOCK;
    auto made = std::make_unique<stream>(::socket(each->ai_family, flags, each->ai_protocol));
    if (::connect(made->descriptor_, each->ai_addr, each->ai_addrlen) != 0) {
      last = errno;
      if (last != EINPROGRESS) continue;
      made->wait(false, true, latest);
      socklen_t size = sizeof last;
      ::getsockopt(made->descriptor_, SOL_SOCKET, SO_ERROR, &last, &size);
      if (last != 0) continue;
    }
    return made;
  }
  throw std::runtime_error(std::string("connect: ") + std::strerror(last));
}

void stream::start_tls(tls_versions versions, time_point latest) {
  tls_.reset(SSL_new(tls_client()));
  if (versions == tls_versions::only_1_2) SSL_set_max_proto_version(tls_.get(), TLS1_2_VERSION);
  shake_hands(SSL_connect, latest);
}

void stream::accept_tls(const std::string& certificate_file,
                        const std::string& key_file,
                        tls_versions versions,
                        time_point latest) {
  const std::unique_ptr<SSL_CTX, void (*)(SSL_CTX*)> context(SSL_CTX_new(TLS_server_method()),
                                                             SSL_CTX_free);
  if (SSL_CTX_use_certificate_chain_file(context.get(), certificate_file.c_str()) != 1 ||
      SSL_CTX_use_PrivateKey_file(context.get(), key_file.c_str(), SSL_FILETYPE_PEM) != 1) {
    throw std::runtime_error("no certificate to listen with");
  }
  tls_.reset(SSL_new(context.get()));
  if (versions == tls_versions::only_1_2) SSL_set_max_proto_version(tls_.get(), TLS1_2_VERSION);
  shake_hands(SSL_accept, latest);
}

void stream::shake_hands(int (*step)(SSL*), time_point latest) {
  SSL_set_fd(tls_.get(), descriptor_);
  for (;;) {
    const int done = step(tls_.get());
    if (done == 1) return;
    const int why = SSL_get_error(tls_.get(), done);
    const bool writes = why == SSL_ERROR_WANT_WRITE;
    if (why != SSL_ERROR_WANT_READ && !writes) throw std::runtime_error("the TLS handshake failed");
    if (!wait(!writes, writes, latest)) throw std::runtime_error("the TLS handshake took too long");
  }
}

bool stream::begins_with_tls(time_point latest) {
  constexpr char handshake_record = 0x16;
  char first = 0;
  return wait(true, false, latest) &&
         ::recv(descriptor_, &first, 1, MSG_PEEK | MSG_DONTWAIT) == 1 && first == handshake_record;
}

// The peer's Finished is another one after each handshake. OpenSSL takes a refusal for the end.
stream::renegotiation stream::renegotiate(time_point latest) {
  const auto finished = [this] {
    std::array<char, 64> out{};
    SSL_get_peer_finished(tls_.get(), out.data(), out.size());
    return out;
  };
  const auto before = finished();
  ERR_clear_error();
  SSL_renegotiate(tls_.get());
  int done = SSL_do_handshake(tls_.get());
  for (;;) {
    if (finished() != before) return renegotiation::granted;
    const int why = SSL_get_error(tls_.get(), done);
    if (done <= 0 && why != SSL_ERROR_WANT_READ && why != SSL_ERROR_WANT_WRITE) {
      const bool told = ERR_GET_REASON(ERR_peek_error()) == SSL_R_NO_RENEGOTIATION;
      return told ? renegotiation::refused : renegotiation::ended;
    }
    if (done <= 0 && !wait(true, why == SSL_ERROR_WANT_WRITE, latest)) {
      return renegotiation::unanswered;
    }
    char ignored = 0;
    done = SSL_read(tls_.get(), &ignored, 1);
  }
}

void stream::send_close_notify() { SSL_shutdown(tls_.get()); }
bool stream::got_close_notify() const {
  return (SSL_get_shutdown(tls_.get()) & SSL_RECEIVED_SHUTDOWN) != 0;
}

std::size_t stream::write(std::string_view bytes) {
  if (descriptor_ < 0 || bytes.empty()) return 0;
  if (tls_) {
    std::size_t written = 0;
    return SSL_write_ex(tls_.get(), bytes.data(), bytes.size(), &written) == 1 ? written : 0;
  }
  const auto size = ::send(descriptor_, bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
  return size < 0 ? 0 : static_cast<std::size_t>(size);
}

stream::status stream::read(std::string& into) {
  if (descriptor_ < 0) return status::reset;
  std::array<char, 65536> space;
  if (tls_) {
    std::size_t got = 0;
    const int done = SSL_read_ex(tls_.get(), space.data(), space.size(), &got);
    if (done == 1) {
      into.append(space.data(), got);
      return status::open;
    }
    const int why = SSL_get_error(tls_.get(), done);
    if (why == SSL_ERROR_WANT_READ || why == SSL_ERROR_WANT_WRITE) return status::open;
    return why == SSL_ERROR_SYSCALL && errno == ECONNRESET ? status::reset : status::fin;
  }
  const auto size = ::recv(descriptor_, space.data(), space.size(), MSG_DONTWAIT);
  if (size > 0) into.append(space.data(), static_cast<std::size_t>(size));
  if (size == 0) return status::fin;
  if (size < 0 && errno != EAGAIN && errno != EINTR) return status::reset;
  return status::open;
}

bool stream::wait(bool reads, bool writes, time_point latest) {
  if (tls_ && reads && SSL_pending(tls_.get()) > 0) return true;
  const int events = (reads ? POLLIN : 0) | (writes ? POLLOUT : 0);
  pollfd ask{descriptor_, static_cast<short>(events), 0};
  return ::poll(&ask, 1, milliseconds_until(latest)) != 0;
}

void stream::fin() {
  if (descriptor_ >= 0) ::shutdown(descriptor_, SHUT_WR);
}
void stream::reset() {
  const linger now{1, 0};
  ::setsockopt(descriptor_, SOL_SOCKET, SO_LINGER, &now, sizeof now);
  close();
}
void stream::close() {
  if (descriptor_ >= 0) ::close(std::exchange(descriptor_, -1));
}
std::uint16_t stream::local_port() const { return port_of(descriptor_, ::getsockname); }
std::uint16_t stream::remote_port() const { return port_of(descriptor_, ::getpeername); }

bool stream::is_dead() const {
  tcp_info info{};
  socklen_t size = sizeof info;
  return ::getsockopt(descriptor_, IPPROTO_TCP, TCP_INFO, &info, &size) != 0 ||
         info.tcpi_state == TCP_CLOSE;
}

listener::listener(std::uint16_t port)
    : descriptor_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)) {
  const int on = 1;
  ::setsockopt(descriptor_, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  sockaddr_in where{};
  where.sin_family = AF_INET;
  where.sin_port = htons(port);
  where.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (::bind(descriptor_, reinterpret_cast<const sockaddr*>(&where), sizeof where) != 0 ||
      ::listen(descriptor_, 512) != 0) {
    throw std::runtime_error(std::string("listen: ") + std::strerror(errno));
  }
  port_ = port_of(descriptor_, ::getsockname);
}
listener::~listener() { ::close(descriptor_); }

std::unique_ptr<stream> listener::accept(std::chrono::milliseconds patience) {
  pollfd ask{descriptor_, POLLIN, 0};
  if (::poll(&ask, 1, static_cast<int>(patience.count())) <= 0) return nullptr;
  const int got = ::accept4(descriptor_, nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK);
  return got < 0 ? nullptr : std::make_unique<stream>(got);
}

}  // namespace adieu::conformance
