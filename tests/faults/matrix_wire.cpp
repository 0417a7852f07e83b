// A plain socket without blocking; TLS in two pieces of memory beside it.
#include "tests/faults/matrix_wire.hpp"

#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <openssl/err.h>

#include <linux/sockios.h>
#include <netinet/tcp.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <array>
#include <stdexcept>

namespace adieu::test {

using asio::awaitable;
using socket_type = asio::generic::stream_protocol::socket;

tls_context make_peer_context(const std::string& certificate, const std::string& key) {
  tls_context out(SSL_CTX_new(TLS_method()));
  SSL_CTX_set_min_proto_version(out.get(), TLS1_3_VERSION);
  if (SSL_CTX_use_certificate_chain_file(out.get(), certificate.c_str()) != 1 ||
      SSL_CTX_use_PrivateKey_file(out.get(), key.c_str(), SSL_FILETYPE_PEM) != 1) {
    throw std::runtime_error("the peer's certificate can't be used");
  }
  return out;
}

wire::wire(const asio::any_io_executor& on, int descriptor) : socket_(on) {
  sockaddr_storage name{};
  socklen_t size = sizeof name;
  ::getsockname(descriptor, reinterpret_cast<sockaddr*>(&name), &size);
  is_tcp_ = name.ss_family == AF_INET;
  socket_.assign({name.ss_family, 0}, descriptor);
  socket_.native_non_blocking(true);
  const int on_now = 1;
  if (is_tcp_) ::setsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, &on_now, sizeof on_now);
}

void wire::use_tls(SSL_CTX& with, role self) {
  tls_.reset(SSL_new(&with));
  SSL_set_bio(tls_.get(), BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
  if (self == role::client) {
    SSL_set_connect_state(tls_.get());
  } else {
    SSL_set_accept_state(tls_.get());
  }
}

awaitable<bool> wire::shake_hands() {
  while (!failed_) {
    ERR_clear_error();  // all sessions of a thread share the queue
    const bool done = SSL_do_handshake(tls_.get()) == 1;
    take_tls_output();
    co_await flush();
    if (done) co_return true;
    const std::string more = co_await receive();
    if (more.empty()) break;
    BIO_write(SSL_get_rbio(tls_.get()), more.data(), static_cast<int>(more.size()));
  }
  co_return false;
}

awaitable<std::string> wire::first_flight() {
  for (;;) {
    ERR_clear_error();
    SSL_do_handshake(tls_.get());
    take_tls_output();
    if (!out_.empty()) co_return std::exchange(out_, {});
    const std::string more = co_await receive();
    if (more.empty()) co_return std::string();
    BIO_write(SSL_get_rbio(tls_.get()), more.data(), static_cast<int>(more.size()));
  }
}

awaitable<std::string> wire::read() {
  if (!tls_) co_return co_await receive();
  std::array<char, 16384> space;
  for (;;) {
    ERR_clear_error();
    const int got = SSL_read(tls_.get(), space.data(), static_cast<int>(space.size()));
    take_tls_output();
    co_await flush();
    if (got > 0) co_return std::string(space.data(), static_cast<std::size_t>(got));
    if (SSL_get_error(tls_.get(), got) != SSL_ERROR_WANT_READ) {
      // close_notify, or an alert: TCP's end is still to come.
      for (std::string more = "?"; !more.empty();) more = co_await receive();
      co_return std::string();
    }
    const std::string more = co_await receive();
    if (more.empty()) co_return std::string();
    BIO_write(SSL_get_rbio(tls_.get()), more.data(), static_cast<int>(more.size()));
  }
}

awaitable<std::string> wire::receive() {
  std::array<char, 65536> space;
  boost::system::error_code ec;
  while (socket_.is_open() && reads_) {
    const auto got = ::recv(socket_.native_handle(), space.data(), space.size(), MSG_DONTWAIT);
    if (got > 0) {
      const int at_once = 1;  // no delayed ACK: what was read is known to have arrived
      if (is_tcp_) {
        ::setsockopt(socket_.native_handle(), IPPROTO_TCP, TCP_QUICKACK, &at_once, sizeof at_once);
      }
      co_return std::string(space.data(), static_cast<std::size_t>(got));
    }
    if (got == 0 || (errno != EAGAIN && errno != EINTR)) break;
    co_await socket_.async_wait(socket_type::wait_read,
                                asio::redirect_error(asio::use_awaitable, ec));
  }
  co_return std::string();
}

awaitable<void> wire::write(std::string_view text) {
  if (tls_) {
    ERR_clear_error();
    if (SSL_write(tls_.get(), text.data(), static_cast<int>(text.size())) <= 0) failed_ = true;
    take_tls_output();
  } else {
    out_ += text;
  }
  co_await flush();
}

awaitable<void> wire::write_raw(std::string_view text) {
  out_ += text;
  co_await flush();
}

void wire::take_tls_output() {
  std::array<char, 16384> space;
  for (;;) {
    const int got =
        BIO_read(SSL_get_wbio(tls_.get()), space.data(), static_cast<int>(space.size()));
    if (got <= 0) return;
    out_.append(space.data(), static_cast<std::size_t>(got));
  }
}

// Whoever is in here already writes what others have added.
awaitable<void> wire::flush() {
  if (flushing_) co_return;
  flushing_ = true;
  boost::system::error_code ec;
  while (!out_.empty() && socket_.is_open() && !failed_) {
    const auto sent =
        ::send(socket_.native_handle(), out_.data(), out_.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent > 0) {
      out_.erase(0, static_cast<std::size_t>(sent));
    } else if (errno == EAGAIN || errno == EINTR) {
      co_await socket_.async_wait(socket_type::wait_write,
                                  asio::redirect_error(asio::use_awaitable, ec));
    } else {
      failed_ = true;
    }
  }
  flushing_ = false;
}

// On a Unix socket what is written is there.
awaitable<void> wire::delivered() {
  (void)co_await until(
      [this] {
        int waiting = 0;
        return !is_tcp_ || !socket_.is_open() ||
               ::ioctl(socket_.native_handle(), SIOCOUTQ, &waiting) != 0 || waiting == 0;
      },
      std::chrono::seconds(5));
}

std::size_t wire::unread() const {
  int waiting = 0;
  auto& socket = const_cast<socket_type&>(socket_);
  if (!socket.is_open() || ::ioctl(socket.native_handle(), FIONREAD, &waiting) != 0) return 0;
  return static_cast<std::size_t>(waiting);
}

awaitable<void> wire::farewell() {
  if (!tls_) co_return;
  ERR_clear_error();
  SSL_shutdown(tls_.get());
  take_tls_output();
  co_await flush();
}

void wire::shut_output() {
  boost::system::error_code ignored;
  socket_.shutdown(asio::socket_base::shutdown_send, ignored);
}

void wire::close() {
  boost::system::error_code ignored;
  socket_.close(ignored);
}

void wire::reset() {
  boost::system::error_code ignored;
  socket_.set_option(asio::socket_base::linger(true, 0), ignored);
  socket_.close(ignored);
}

awaitable<bool> until(const std::function<bool()>& so, std::chrono::milliseconds limit) {
  asio::steady_timer timer(co_await asio::this_coro::executor);
  const auto latest = std::chrono::steady_clock::now() + limit;
  while (!so()) {
    if (std::chrono::steady_clock::now() > latest) co_return false;
    timer.expires_after(std::chrono::milliseconds(4));
    co_await timer.async_wait(asio::use_awaitable);
  }
  co_return true;
}

}  // namespace adieu::test
