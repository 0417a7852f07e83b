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
  /// Of a socket that Asio does not know: where it is told of.
  socket_transport(socket_stream stream, edge_set& where) : stream_(std::move(stream)) {
    ready_.in = &where;
  }
  ~socket_transport() override { abandon(); }

  // Before start(), while the connection opens:
  [[nodiscard]] socket_stream& stream() noexcept { return stream_; }
  /// The edge set tells; else the waits go through Asio, and hold whoever waits.
  [[nodiscard]] bool is_told() const noexcept { return stream_.is_detached(); }
  /// `whose` is told when there is what `what` waits for, or earlier.
  void wait(io_result::outcome what, event_listener& whose);
  /// Closes it without a word. No event follows that finds it.
  void abandon() noexcept;

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
  void tell_of_room();
  void take_readiness();
  [[nodiscard]] transport_listener& listener() const noexcept {
    return static_cast<transport_listener&>(*ready_.whose);
  }

  socket_stream stream_;
  // Set while another thread may be in the driver. What follows lies in its last bytes.
  [[no_unique_address]] readiness ready_;
  bool readable_ : 1 = true;
  bool waiting_to_read_ : 1 = false;
  bool waiting_to_write_ : 1 = false;
  bool write_anyway_ : 1 = false;  // although the socket was full
  bool told_of_room_ : 1 = false;
  bool input_ended_ : 1 = false;
  bool closed_ : 1 = false;
};

}  // namespace adieu::net
