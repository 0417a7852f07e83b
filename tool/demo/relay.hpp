// A TCP relay between a client and a server that logs what passes. A FIN is passed on as a FIN and
// a reset as a reset, in their order, so that each end sees TCP end as it would without the relay.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>

#include "moment.hpp"
#include "wire_log.hpp"

namespace adieu::tool::demo {

class relay {
 public:
  enum class manner : std::uint8_t {
    at_once,
    /// A Close waits in the relay until the other side has sent one too: both cross.
    closes_cross,
  };

  /// Takes one connection on loopback and carries it to `server`.
  relay(asio::io_context& loop, wire_log& log, const asio::ip::tcp::endpoint& server, manner how);
  relay(const relay&) = delete;
  relay& operator=(const relay&) = delete;

  [[nodiscard]] std::uint16_t port() const { return acceptor_.local_endpoint().port(); }

 private:
  using tcp = asio::ip::tcp;

  asio::awaitable<void> connect(tcp::endpoint server);
  asio::awaitable<void> pump(end from);
  asio::awaitable<void> hold_close(end from);
  void pass_fin(end from);
  void pass_reset(end from);
  [[nodiscard]] tcp::socket& socket_of(end of) { return of == end::client ? client_ : server_; }

  wire_log& log_;
  manner how_;
  tcp::acceptor acceptor_;
  tcp::socket client_;
  tcp::socket server_;
  moment both_closed_;
  int fins_ = 0;
};

}  // namespace adieu::tool::demo
