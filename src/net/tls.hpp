// OpenSSL's contexts and sessions, for both roles; tls_channel joins a session with a socket.
// Verification of chain and host name is on unless the user says `insecure`.
#pragma once

#include <openssl/ssl.h>

#include <memory>
#include <string>

#include "adieu/tls_options.hpp"

namespace adieu::net {

struct ssl_free {
  void operator()(SSL* ssl) const noexcept { SSL_free(ssl); }
  void operator()(SSL_CTX* context) const noexcept { SSL_CTX_free(context); }
};
using ssl_ptr = std::unique_ptr<SSL, ssl_free>;
using ssl_context_ptr = std::shared_ptr<SSL_CTX>;

/// Throws std::runtime_error with OpenSSL's words when a file can't be used. From any thread. The
/// system's certificates are read once a process (17 ms of CPU where they are one bundle).
[[nodiscard]] ssl_context_ptr client_context(const tls_client_options& options);
[[nodiscard]] ssl_context_ptr make_server_context(const tls_server_options& options);

[[nodiscard]] ssl_ptr make_session(SSL_CTX& context);
/// For a client: SNI and verification of `host`.
void expect_host(SSL& session, const std::string& host, bool verify);

/// What went wrong in the TLS handshake, in one sentence.
[[nodiscard]] std::string tls_problem(SSL& session);
[[nodiscard]] bool certificate_rejected(SSL& session);

}  // namespace adieu::net
