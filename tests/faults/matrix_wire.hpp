// The peer's end of the matrix: a plain socket, with TLS made in memory, so that half a flight, a
// broken record, or an end without a farewell can be had. Nothing here is Adieu's.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/generic/stream_protocol.hpp>
#include <openssl/ssl.h>

#include <memory>
#include <string>
#include <string_view>

#include "adieu/core/types.hpp"

namespace adieu::test {

namespace asio = boost::asio;

struct freed_by_openssl {
  void operator()(SSL_CTX* it) const noexcept { SSL_CTX_free(it); }
  void operator()(SSL* it) const noexcept { SSL_free(it); }
};
using tls_context = std::unique_ptr<SSL_CTX, freed_by_openssl>;
[[nodiscard]] tls_context make_peer_context(const std::string& certificate, const std::string& key);

class wire {
 public:
  wire(const asio::any_io_executor& on, int descriptor);

  void use_tls(SSL_CTX& with, role self);
  [[nodiscard]] asio::awaitable<bool> shake_hands();
  /// The first bytes of TLS that this end says, for somebody else to write.
  [[nodiscard]] asio::awaitable<std::string> first_flight();

  /// What has come; nothing at the end, or once it was told to stop.
  [[nodiscard]] asio::awaitable<std::string> read();
  void stop_reading() noexcept { reads_ = false; }
  [[nodiscard]] asio::awaitable<void> write(std::string_view text);
  /// Beneath TLS.
  [[nodiscard]] asio::awaitable<void> write_raw(std::string_view text);
  /// Everything has arrived in the other's kernel.
  [[nodiscard]] asio::awaitable<void> delivered();
  /// Bytes in our kernel that were not read.
  [[nodiscard]] std::size_t unread() const;

  /// TLS: close_notify.
  [[nodiscard]] asio::awaitable<void> farewell();
  void shut_output();
  void close();
  void reset();
  [[nodiscard]] bool failed() const noexcept { return failed_; }

 private:
  [[nodiscard]] asio::awaitable<void> flush();
  [[nodiscard]] asio::awaitable<std::string> receive();
  void take_tls_output();

  asio::generic::stream_protocol::socket socket_;
  bool is_tcp_ = false;
  std::unique_ptr<SSL, freed_by_openssl> tls_;
  std::string out_;
  bool flushing_ = false;
  bool reads_ = true;
  bool failed_ = false;
};

/// Waits for a condition, looking often.
[[nodiscard]] asio::awaitable<bool> until(const std::function<bool()>& so,
                                          std::chrono::milliseconds limit);

}  // namespace adieu::test
