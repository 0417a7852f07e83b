// A TCP connection of the suite's, with TLS over it or without; never blocks but in wait().
#pragma once

#include <openssl/ssl.h>

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace adieu::conformance {

enum class tls_versions : std::uint8_t { any, only_1_2 };

class stream {
 public:
  enum class status : std::uint8_t { open, fin, reset };

  /// Takes the descriptor.
  explicit stream(int descriptor);
  stream(const stream&) = delete;
  stream& operator=(const stream&) = delete;
  ~stream();

  /// Connects to an address in numbers or a name. Throws std::runtime_error.
  static std::unique_ptr<stream> connect(const std::string& host,
                                         std::uint16_t port,
                                         std::chrono::steady_clock::time_point latest);
  /// TLS from here on, as a client that checks no certificate. Throws std::runtime_error.
  void start_tls(tls_versions versions, std::chrono::steady_clock::time_point latest);
  /// The same as a server. Files in PEM.
  void accept_tls(const std::string& certificate_file,
                  const std::string& key_file,
                  tls_versions versions,
                  std::chrono::steady_clock::time_point latest);
  /// Whether the peer began with a TLS record; waits for its first byte.
  bool begins_with_tls(std::chrono::steady_clock::time_point latest);
  /// What became of a wish for a new handshake on this connection (TLS 1.2).
  enum class renegotiation : std::uint8_t { refused, granted, ended, unanswered };
  /// Asks for one; data that arrives meanwhile is lost.
  renegotiation renegotiate(std::chrono::steady_clock::time_point latest);
  void send_close_notify();
  [[nodiscard]] bool got_close_notify() const;

  /// How many bytes went out at once; 0: none for now, or the stream has ended.
  std::size_t write(std::string_view bytes);
  /// Appends what is there to `into`; how the stream stands now.
  status read(std::string& into);
  /// Until it can be read (or written, if `writes`), or the time has come. False: the time has
  /// come.
  bool wait(bool reads, bool writes, std::chrono::steady_clock::time_point latest);

  void fin();
  void reset();
  void close();
  [[nodiscard]] std::uint16_t local_port() const;
  [[nodiscard]] std::uint16_t remote_port() const;
  /// The kernel's view: the connection is gone (a reset came) though nobody read it.
  [[nodiscard]] bool is_dead() const;

 private:
  void shake_hands(int (*step)(SSL*), std::chrono::steady_clock::time_point latest);

  struct ssl_freed {
    void operator()(SSL* it) const noexcept { SSL_free(it); }
  };
  int descriptor_;
  std::unique_ptr<SSL, ssl_freed> tls_;
};

/// Listens on 127.0.0.1; on a port of the kernel's if none is named.
class listener {
 public:
  explicit listener(std::uint16_t port = 0);
  listener(const listener&) = delete;
  listener& operator=(const listener&) = delete;
  ~listener();
  [[nodiscard]] std::uint16_t port() const noexcept { return port_; }
  /// The next connection, or nothing when that takes too long.
  std::unique_ptr<stream> accept(std::chrono::milliseconds patience);

 private:
  int descriptor_;
  std::uint16_t port_ = 0;
};

}  // namespace adieu::conformance
