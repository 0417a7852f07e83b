// Certificates for TLS tests, made with OpenSSL's library: a CA of our own and what it signs.
#pragma once

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <unistd.h>

#include <cstdio>
#include <filesystem>
#include <memory>
#include <stdexcept>
#include <string>

namespace adieu::test {

class certificates {
 public:
  /// A CA, and a certificate of it for `host` ("DNS:localhost", "IP:127.0.0.1").
  explicit certificates(const std::string& host)
      : folder_(std::filesystem::temp_directory_path() /
                ("adieu-tls-" + std::to_string(::getpid()) + "-" + std::to_string(next()))) {
    std::filesystem::create_directory(folder_);
    const key ca_key(EVP_EC_gen("P-256")), server_key(EVP_EC_gen("P-256"));
    const certificate ca = make("Adieu test CA", *ca_key, nullptr, *ca_key, "", true);
    const certificate server =
        make("Adieu test server", *server_key, ca.get(), *ca_key, host, false);
    write(ca_file(), [&](FILE* to) { return PEM_write_X509(to, ca.get()); });
    write(certificate_file(), [&](FILE* to) { return PEM_write_X509(to, server.get()); });
    write(key_file(), [&](FILE* to) {
      return PEM_write_PrivateKey(to, server_key.get(), nullptr, nullptr, 0, nullptr, nullptr);
    });
  }
  certificates(const certificates&) = delete;
  certificates& operator=(const certificates&) = delete;
  ~certificates() {
    std::error_code ignored;
    std::filesystem::remove_all(folder_, ignored);
  }
  [[nodiscard]] std::string ca_file() const { return folder_ / "ca.pem"; }
  [[nodiscard]] std::string certificate_file() const { return folder_ / "server.pem"; }
  [[nodiscard]] std::string key_file() const { return folder_ / "server.key"; }

 private:
  struct freed {
    void operator()(EVP_PKEY* it) const noexcept { EVP_PKEY_free(it); }
    void operator()(X509* it) const noexcept { X509_free(it); }
  };
  using key = std::unique_ptr<EVP_PKEY, freed>;
  using certificate = std::unique_ptr<X509, freed>;

  static int next() {
    static int number = 0;
    return ++number;
  }

  static void extend(X509* it, X509* issuer, int what, const std::string& value) {
    X509V3_CTX context;
    X509V3_set_ctx_nodb(&context);
    X509V3_set_ctx(&context, issuer, it, nullptr, nullptr, 0);
    X509_EXTENSION* const extension = X509V3_EXT_conf_nid(nullptr, &context, what, value.c_str());
    if (extension == nullptr) throw std::runtime_error("certificate extension " + value);
    X509_add_ext(it, extension, -1);
    X509_EXTENSION_free(extension);
  }

  static certificate make(const char* name,
                          EVP_PKEY& own,
                          X509* issuer,
                          EVP_PKEY& signer,
                          const std::string& host,
                          bool is_ca) {
    certificate out(X509_new());
    X509_set_version(out.get(), 2);
    ASN1_INTEGER_set(X509_get_serialNumber(out.get()), next());
    X509_gmtime_adj(X509_getm_notBefore(out.get()), -3600);
    X509_gmtime_adj(X509_getm_notAfter(out.get()), 24L * 3600);
    X509_set_pubkey(out.get(), &own);
    X509_NAME* const subject = X509_get_subject_name(out.get());
    X509_NAME_add_entry_by_txt(
        subject, "CN", MBSTRING_ASC, reinterpret_cast<const unsigned char*>(name), -1, -1, 0);
    X509* const by = issuer != nullptr ? issuer : out.get();
    X509_set_issuer_name(out.get(), X509_get_subject_name(by));
    extend(out.get(), by, NID_basic_constraints, is_ca ? "critical,CA:TRUE" : "CA:FALSE");
    if (!host.empty()) extend(out.get(), by, NID_subject_alt_name, host);
    if (X509_sign(out.get(), &signer, EVP_sha256()) == 0) throw std::runtime_error("X509_sign");
    return out;
  }

  template <typename Write>
  static void write(const std::string& path, Write what) {
    FILE* const file = std::fopen(path.c_str(), "w");
    if (file == nullptr || what(file) != 1) throw std::runtime_error("can't write " + path);
    std::fclose(file);
  }

  std::filesystem::path folder_;
};

}  // namespace adieu::test
