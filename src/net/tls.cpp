// OpenSSL: contexts, sessions, and what went wrong.
#include "net/tls.hpp"

#include <openssl/err.h>
#include <openssl/x509v3.h>

#include <stdexcept>

namespace adieu::net {
namespace {

// ALPN (RFC 7301): the WebSocket handshake is HTTP/1.1's.
constexpr unsigned char alpn[] = "\x08http/1.1";
constexpr unsigned alpn_size = sizeof(alpn) - 1;

std::string openssl_words() {
  char text[256] = "unknown error";
  const unsigned long code = ERR_peek_last_error();
  if (code != 0) ERR_error_string_n(code, text, sizeof text);
  ERR_clear_error();
  return text;
}

ssl_context_ptr make_context(const SSL_METHOD* method) {
  ssl_context_ptr context(SSL_CTX_new(method), ssl_free{});
  if (!context) throw std::runtime_error("TLS: " + openssl_words());
  SSL_CTX_set_min_proto_version(context.get(), TLS1_2_VERSION);
  SSL_CTX_set_mode(context.get(), SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER | SSL_MODE_RELEASE_BUFFERS);
  SSL_CTX_set_options(context.get(), SSL_OP_NO_RENEGOTIATION);  // TLS 1.2: the alert says no
  return context;
}

int choose_alpn(SSL*,
                const unsigned char** out,
                unsigned char* out_size,
                const unsigned char* in,
                unsigned in_size,
                void*) {
  unsigned char* chosen = nullptr;
  if (SSL_select_next_proto(&chosen, out_size, alpn, alpn_size, in, in_size) !=
      OPENSSL_NPN_NEGOTIATED) {
    return SSL_TLSEXT_ERR_NOACK;
  }
  *out = chosen;
  return SSL_TLSEXT_ERR_OK;
}

ssl_context_ptr make_client_context(const tls_client_options& options) {
  ssl_context_ptr context = make_context(TLS_client_method());
  SSL_CTX_set_alpn_protos(context.get(), alpn, alpn_size);
  if (options.verify == tls_client_options::verification::insecure) return context;
  SSL_CTX_set_verify(context.get(), SSL_VERIFY_PEER, nullptr);
  const bool loaded = options.ca_file.empty()
                          ? SSL_CTX_set_default_verify_paths(context.get()) == 1
                          : SSL_CTX_load_verify_file(context.get(), options.ca_file.c_str()) == 1;
  if (!loaded) {
    throw std::runtime_error("TLS: can't read the trusted certificates of " + options.ca_file +
                             ": " + openssl_words());
  }
  return context;
}

}  // namespace

ssl_context_ptr client_context(const tls_client_options& options) {
  const bool trusts_the_system = options.verify == tls_client_options::verification::chain_and_host;
  if (!trusts_the_system || !options.ca_file.empty()) return make_client_context(options);
  static const ssl_context_ptr shared = make_client_context({});
  return shared;
}

ssl_context_ptr make_server_context(const tls_server_options& options) {
  ssl_context_ptr context = make_context(TLS_server_method());
  SSL_CTX_set_alpn_select_cb(context.get(), choose_alpn, nullptr);
  // OpenSSL would ask on the terminal.
  SSL_CTX_set_default_passwd_cb(context.get(), [](char*, int, int, void*) { return 0; });
  if (SSL_CTX_use_certificate_chain_file(context.get(), options.certificate_file.c_str()) != 1) {
    throw std::runtime_error("TLS: can't use the certificate " + options.certificate_file + ": " +
                             openssl_words());
  }
  if (SSL_CTX_use_PrivateKey_file(context.get(), options.key_file.c_str(), SSL_FILETYPE_PEM) != 1) {
    throw std::runtime_error("TLS: can't use the key " + options.key_file + ": " + openssl_words());
  }
  return context;
}

ssl_ptr make_session(SSL_CTX& context) {
  ssl_ptr session(SSL_new(&context));
  if (!session) throw std::bad_alloc();
  return session;
}

void expect_host(SSL& session, const std::string& host, bool verify) {
  ASN1_OCTET_STRING* const address = a2i_IPADDRESS(host.c_str());
  const bool is_address = address != nullptr;
  ASN1_OCTET_STRING_free(address);
  // RFC 6066 §3: no literal addresses in SNI.
  if (!is_address) SSL_set_tlsext_host_name(&session, host.c_str());
  if (!verify) return;
  X509_VERIFY_PARAM* const parameters = SSL_get0_param(&session);
  if (is_address) {
    X509_VERIFY_PARAM_set1_ip_asc(parameters, host.c_str());
  } else {
    X509_VERIFY_PARAM_set_hostflags(parameters, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    X509_VERIFY_PARAM_set1_host(parameters, host.c_str(), 0);
  }
}

// The verdict is there even when nobody asked for it.
bool certificate_rejected(SSL& session) {
  const bool asked = (SSL_get_verify_mode(&session) & SSL_VERIFY_PEER) != 0;
  return asked && SSL_get_verify_result(&session) != X509_V_OK;
}

std::string tls_problem(SSL& session) {
  if (certificate_rejected(session)) {
    ERR_clear_error();
    return std::string("the certificate does not verify: ") +
           X509_verify_cert_error_string(SSL_get_verify_result(&session));
  }
  const unsigned long code = ERR_peek_last_error();
  if (code == 0) return "the peer ended TCP during the TLS handshake";
  const char* const reason = ERR_reason_error_string(code);
  std::string out = reason != nullptr ? reason : openssl_words();
  ERR_clear_error();
  return out;
}

}  // namespace adieu::net
