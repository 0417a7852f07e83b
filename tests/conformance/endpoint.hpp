// Adieu under test: an echo server and an echo client made with the library, on one loop of their
// own, and the few things that a URL's query can ask of them (docs/conformance.md).
#pragma once

#include <cstdint>
#include <memory>
#include <string>

namespace adieu::conformance {

class endpoint {
 public:
  endpoint();
  endpoint(const endpoint&) = delete;
  endpoint& operator=(const endpoint&) = delete;
  ~endpoint();

  [[nodiscard]] std::uint16_t port() const;
  [[nodiscard]] std::uint16_t tls_port() const;
  [[nodiscard]] std::uint16_t impatient_port() const;
  [[nodiscard]] std::uint16_t tolerant_port() const;
  /// In PEM; the clients of this endpoint trust the certificate.
  [[nodiscard]] std::string certificate_file() const;
  [[nodiscard]] std::string key_file() const;
  /// A client that connects there, and echoes until the end. From any thread.
  void connect(const std::string& url);

 private:
  class implementation;
  std::unique_ptr<implementation> self_;
};

}  // namespace adieu::conformance
