// A connection's bytes, over TCP or TLS, with the manners of send and recv: -1 and EAGAIN when it
// would block.
//
// TLS 1.3 with AES-128-GCM for all, so that everybody computes the same. Certificates are not
// checked: that is a matter of opening, and not of this measurement.
#pragma once

#include <openssl/err.h>
#include <openssl/ssl.h>

#include <sys/types.h>
#include <unistd.h>

#include <memory>
#include <string_view>

#include "options.hpp"

namespace bench::load {

class channel {
 public:
  explicit channel(int connected) : socket_(connected) {}
  channel(const channel&) = delete;
  channel& operator=(const channel&) = delete;
  ~channel() { ::close(socket_); }

  [[nodiscard]] int socket() const { return socket_; }
  [[nodiscard]] bool is_encrypted() const { return tls_ != nullptr; }

  /// On a socket that blocks.
  void start_tls() {
    tls_.reset(SSL_new(context()));
    SSL_set_fd(tls_.get(), socket_);
    if (SSL_connect(tls_.get()) != 1) {
      ERR_print_errors_fp(stderr);
      fail("the TLS handshake failed");
    }
  }

  [[nodiscard]] ssize_t send(std::string_view bytes) {
    if (!tls_) {
      return ::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    }
    std::size_t sent = 0;
    const int result = SSL_write_ex(tls_.get(), bytes.data(), bytes.size(), &sent);
    return result == 1 ? static_cast<ssize_t>(sent) : refusal(result);
  }

  [[nodiscard]] ssize_t recv(char* into, std::size_t size) {
    if (!tls_) {
      return ::recv(socket_, into, size, 0);
    }
    std::size_t got = 0;
    const int result = SSL_read_ex(tls_.get(), into, size, &got);
    return result == 1 ? static_cast<ssize_t>(got) : refusal(result);
  }

 private:
  struct free_tls {
    void operator()(SSL* tls) const { SSL_free(tls); }
  };

  static SSL_CTX* context() {
    static SSL_CTX* const shared = [] {
      SSL_CTX* made = SSL_CTX_new(TLS_client_method());
      SSL_CTX_set_min_proto_version(made, TLS1_3_VERSION);
      SSL_CTX_set_ciphersuites(made, "TLS_AES_128_GCM_SHA256");
      SSL_CTX_set_mode(made, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
      SSL_CTX_set_read_ahead(made, 1);
      SSL_CTX_set_default_read_buffer_len(made, 64 * 1024);
      return made;
    }();
    return shared;
  }

  ssize_t refusal(int result) {
    switch (SSL_get_error(tls_.get(), result)) {
      case SSL_ERROR_WANT_READ:
      case SSL_ERROR_WANT_WRITE: errno = EAGAIN; return -1;
      case SSL_ERROR_ZERO_RETURN: return 0;
      case SSL_ERROR_SYSCALL: return errno == 0 ? 0 : -1;
      default: ERR_print_errors_fp(stderr); fail("TLS failed");
    }
  }

  int socket_;
  std::unique_ptr<SSL, free_tls> tls_;
};

}  // namespace bench::load
