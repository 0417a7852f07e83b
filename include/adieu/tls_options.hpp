// TLS, as far as the user decides it. TLS 1.2 is the least that is spoken.
//
// Options are no aggregates (their constructors are declared): GCC 12 copies an aggregate byte by
// byte into a coroutine's frame, which breaks its strings.
#pragma once

#include <string>

namespace adieu {

struct tls_client_options {
  tls_client_options() = default;

  /// Certificates to trust, a PEM file, read at each connect; empty: the system's, read once.
  std::string ca_file;
  /// The name that is verified and sent as SNI; empty: the URL's host.
  std::string host_name;
  enum class verification { chain_and_host, insecure };
  /// `insecure` accepts any certificate: only for tests.
  verification verify = verification::chain_and_host;
};

struct tls_server_options {
  tls_server_options() = default;

  std::string certificate_file;  ///< PEM, the chain included
  std::string key_file;          ///< PEM, without a passphrase
};

}  // namespace adieu
