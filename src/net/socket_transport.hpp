// TCP, TLS and Unix sockets as a transport: readiness from Asio, then reads and writes that do not
// block (docs/decisions/0001-readiness.md). Writes go out in the call, so that what was written
// before the peer's Close was read is known for certain.
#pragma once

#include <atomic>

#include "net/socket_stream.hpp"

namespace adieu::net {

class socket_transport final : public transport {
 public:
  explicit socket_transport(socket_stream stream) : stream_(std::move(stream)) {}

  void start(const std::shared_ptr<transport_listener>& listener) override;
  [[nodiscard]] bool pump() override;
  [[nodiscard]] write_result write(std::span<const core::const_bytes> list) override;
  void shut_output() override { stream_.shut_output(); }
  core::closing_facts close(ending how) override;
  [[nodiscard]] bool peer_gone() override { return stream_.peer_gone(); }

 private:
  // One direction's wait for readiness. `ready` is set by the waiting handler, which may run while
  // another thread is in the driver; the rest belongs to whoever is in the driver.
  struct direction {
    bool waiting = false;
    std::atomic<bool> ready{false};
  };
  void wait(socket_stream::socket_type::wait_type what, direction& side);
  void take_readiness();

  socket_stream stream_;
  transport_listener* listener_ = nullptr;
  direction input_;
  direction output_;
  bool readable_ = true;
  bool input_ended_ = false;
  bool closed_ = false;
};

}  // namespace adieu::net
