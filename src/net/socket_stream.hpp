// A connected socket, TCP or Unix, with or without TLS: reads and writes that never block, and the
// facts that only the kernel knows. No waiting, no callbacks: socket_transport does that.
#pragma once

#include <boost/asio/generic/stream_protocol.hpp>

#include "adieu/net/transport.hpp"
#include "net/tls.hpp"

namespace adieu::net {

struct io_result {
  enum class outcome : std::uint8_t { done, want_read, want_write, fin, reset, truncated, error };
  outcome what = outcome::done;
  std::size_t size = 0;
  int os_error = 0;
};

class socket_stream {
 public:
  using socket_type = boost::asio::generic::stream_protocol::socket;

  /// The socket becomes non-blocking; on TCP, TCP_NODELAY is set.
  explicit socket_stream(socket_type socket);

  ~socket_stream();
  socket_stream(socket_stream&& other) noexcept;
  socket_stream& operator=(socket_stream&&) = delete;

  void use_tls(ssl_ptr session) { tls_ = std::make_unique<tls_state>(std::move(session)); }
  [[nodiscard]] SSL* tls() const noexcept { return tls_ ? tls_->session.get() : nullptr; }
  /// To wait on through Asio; not after detach().
  [[nodiscard]] socket_type& socket() noexcept { return *socket_; }
  /// Takes the descriptor out of Asio's reactor, for somebody else to watch.
  int detach();
  [[nodiscard]] bool is_detached() const noexcept { return socket_ == nullptr; }

  [[nodiscard]] io_result read(core::bytes into);
  [[nodiscard]] io_result write(std::span<const core::const_bytes> list,
                                transport::urgency when = transport::urgency::now);
  /// Sends what was written with `more_follows`.
  void push() noexcept;
  /// One step of the TLS handshake; `done` when it is complete.
  [[nodiscard]] io_result handshake(role self);

  void shut_output();
  core::closing_facts close(transport::ending how);
  [[nodiscard]] bool peer_gone();

 private:
  [[nodiscard]] bool is_open() const noexcept {
    return descriptor_ >= 0 && (is_detached() || socket_->is_open());
  }
  struct tls_state {
    explicit tls_state(ssl_ptr of) noexcept : session(std::move(of)) {}
    ssl_ptr session;
    std::uint64_t farewell = 0;  // its last words on the wire: nothing that the app could miss
  };

  [[nodiscard]] io_result tls_outcome(int returned);
  [[nodiscard]] std::uint64_t tls_written() const noexcept;
  [[nodiscard]] io_result tls_write(std::span<const core::const_bytes> list);

  std::unique_ptr<socket_type> socket_;  // Asio's, until the descriptor is detached
  int descriptor_;                       // ours alone once detached; -1: closed, or moved away
  bool is_tcp_ = false;
  bool fin_sent_ = false;
  std::unique_ptr<tls_state> tls_;
};

[[nodiscard]] core::input_end input_end_of(io_result::outcome) noexcept;

}  // namespace adieu::net
