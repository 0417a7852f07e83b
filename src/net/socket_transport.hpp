// TCP, TLS and Unix sockets as a transport: readiness from Asio, then reads and writes that do not
// block (docs/decisions/0001-readiness.md). Writes go out in the call, so that what was written
// before the peer's Close was read is known for certain.
#pragma once

#include "net/edge_set.hpp"
#include "net/socket_stream.hpp"

namespace adieu::net {

class socket_transport final : public transport {
 public:
  explicit socket_transport(socket_stream stream) : stream_(std::move(stream)) {}

  void start(const std::shared_ptr<transport_listener>& listener) override;
  [[nodiscard]] bool pump() override;
  [[nodiscard]] write_result write(std::span<const core::const_bytes> list, urgency when) override;
  void look_again() override { readable_ = write_anyway_ = true; }
  void push() override { stream_.push(); }
  void shut_output() override { stream_.shut_output(); }
  core::closing_facts close(ending how) override;
  [[nodiscard]] bool peer_gone() override { return stream_.peer_gone(); }

 private:
  void wait_to_read();
  void wait_to_write();
  void take_readiness();
  /// The edge set tells; else the waits go through Asio.
  [[nodiscard]] bool is_told() const noexcept { return stream_.is_detached(); }

  socket_stream stream_;
  // Set while another thread may be in the driver. What follows lies in its last bytes.
  [[no_unique_address]] readiness ready_;
  bool readable_ : 1 = true;
  bool waiting_to_read_ : 1 = false;
  bool waiting_to_write_ : 1 = false;
  bool write_anyway_ : 1 = false;  // although the socket was full
  bool input_ended_ : 1 = false;
  bool closed_ : 1 = false;
};

}  // namespace adieu::net
