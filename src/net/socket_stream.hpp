// A connected socket, TCP or Unix, with or without TLS: reads and writes that never block, and the
// facts that only the kernel knows. No waiting, no callbacks: socket_transport does that.
#pragma once

#include <boost/asio/generic/stream_protocol.hpp>

#include "adieu/net/transport.hpp"
#include "net/io_result.hpp"
#include "net/tls_channel.hpp"

namespace adieu::net {

class socket_stream {
 public:
  using socket_type = boost::asio::generic::stream_protocol::socket;

  enum class kind : std::uint8_t { tcp, local };

  /// The socket becomes non-blocking; on TCP, TCP_NODELAY is set.
  explicit socket_stream(socket_type socket);
  /// One that does not block, and that Asio does not know.
  socket_stream(int descriptor, kind what) noexcept
      : descriptor_(descriptor), is_tcp_(what == kind::tcp) {}

  ~socket_stream();
  socket_stream(socket_stream&& other) noexcept;
  socket_stream& operator=(socket_stream&&) = delete;

  void use_tls(ssl_ptr session) {
    tls_ = std::make_unique<tls_channel>(std::move(session), descriptor_);
  }
  [[nodiscard]] SSL* tls() const noexcept { return tls_ ? &tls_->session() : nullptr; }
  /// To wait on through Asio; not after detach().
  [[nodiscard]] socket_type& socket() noexcept { return *socket_; }
  /// Takes the descriptor out of Asio's reactor, for somebody else to watch.
  int detach();
  [[nodiscard]] bool is_detached() const noexcept { return socket_ == nullptr; }

  /// Something is there to be read: data, a FIN or an error.
  [[nodiscard]] bool has_input() const noexcept;
  [[nodiscard]] io_result read(core::bytes into);
  [[nodiscard]] io_result write(std::span<const core::const_bytes> list,
                                transport::urgency when = transport::urgency::now);
  /// Sends what was written with `more_follows`.
  void push() noexcept;
  /// One step of the TLS handshake; `done` when it is complete.
  [[nodiscard]] io_result handshake(role self);

  void shut_output();
  core::closing_facts close(transport::ending how);
  /// Closes it without a word, and without asking what became of the rest.
  void abandon() noexcept;
  [[nodiscard]] bool peer_gone();

 private:
  [[nodiscard]] bool is_open() const noexcept {
    return descriptor_ >= 0 && (is_detached() || socket_->is_open());
  }

  std::unique_ptr<socket_type> socket_;  // Asio's, until the descriptor is detached
  int descriptor_;                       // ours alone once detached; -1: closed, or moved away
  bool is_tcp_ = false;
  bool fin_sent_ = false;
  bool input_ended_ = false;  // all that came before the peer's FIN was read; without TLS
  std::unique_ptr<tls_channel> tls_;
};

[[nodiscard]] core::input_end input_end_of(io_result::outcome) noexcept;

}  // namespace adieu::net
