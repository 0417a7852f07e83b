// A listening socket, and who comes: accepted by ourselves, many at one wake-up, so that Asio's
// reactor never sees a client of a plain io_context.
#pragma once

#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>

#include <functional>
#include <mutex>
#include <optional>

#include "net/socket_transport.hpp"

namespace adieu::net {

using peer_address = boost::asio::generic::stream_protocol::endpoint;

/// "127.0.0.1:50312", "[::1]:50312"; empty for what is no IP address.
[[nodiscard]] std::string text_of(const peer_address& address);

class listening final : public event_listener, public std::enable_shared_from_this<listening> {
 public:
  /// Whether the kernel keeps a client back until it has said something.
  enum class accepts : std::uint8_t { at_once, who_has_spoken };
  using guest_handler = std::function<void(std::unique_ptr<socket_transport>, const peer_address&)>;

  /// Takes the descriptor of a socket that listens. The handler is called on the executor.
  listening(boost::asio::any_io_executor executor,
            int descriptor,
            accepts whom,
            guest_handler handler);
  ~listening() override;

  void start();
  /// On the executor.
  void stop();

  // event_listener
  void on_event() override;
  [[nodiscard]] std::shared_ptr<event_listener> alive() noexcept override {
    return weak_from_this().lock();
  }

 private:
  struct accepted {
    int descriptor = -1;
    int error = 0;
  };
  [[nodiscard]] accepted accept_one(peer_address& from);
  [[nodiscard]] std::unique_ptr<socket_transport> transport_of(int descriptor, int family);
  void accept_all();
  void wait();
  void pause();

  const boost::asio::any_io_executor executor_;
  const guest_handler handler_;
  edge_set* const edges_;
  readiness ready_;
  std::mutex mutex_;  // of the descriptor: it must not be closed while it is used
  int descriptor_;
  std::optional<boost::asio::posix::stream_descriptor> asios_;  // without an edge set
  boost::asio::steady_timer pause_;
};

}  // namespace adieu::net
