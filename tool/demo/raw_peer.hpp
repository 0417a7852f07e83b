// A peer that is no Adieu: a TCP socket that shakes hands over HTTP and then writes what bytes it
// likes, answers nothing by itself, and cuts TCP as it is told. It logs what it reads and writes.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>

#include "adieu/close_status.hpp"
#include "wire_log.hpp"

namespace adieu::tool::demo {

namespace asio = boost::asio;

class raw_peer {
 public:
  raw_peer(asio::io_context& loop, wire_log& log, end self);
  raw_peer(const raw_peer&) = delete;
  raw_peer& operator=(const raw_peer&) = delete;

  /// As a server: where it listens, and the opening handshake with one client.
  [[nodiscard]] std::uint16_t port() const { return acceptor_.local_endpoint().port(); }
  asio::awaitable<void> accept();
  /// As a client: the opening handshake with a server.
  asio::awaitable<void> connect(asio::ip::tcp::endpoint server);

  asio::awaitable<void> send_text(std::string text);
  /// Reserved opcode 3 (RFC 6455 §5.2).
  asio::awaitable<void> send_bad_frame();
  /// Reads until something of this sort has come, or TCP has ended.
  asio::awaitable<void> read_until(sort what);
  /// Reads until the peer's FIN or reset.
  asio::awaitable<void> read_to_end();
  void fin();
  void reset();

 private:
  using tcp = asio::ip::tcp;

  asio::awaitable<void> write(std::string bytes);
  asio::awaitable<void> read_some();
  asio::awaitable<std::string> read_head();
  [[nodiscard]] std::string frame(core::opcode op, std::string_view payload) const;

  wire_log& log_;
  end self_;
  tcp::acceptor acceptor_;
  tcp::socket socket_;
  std::string received_;  // until the handshake is done
  bool ended_ = false;
};

}  // namespace adieu::tool::demo
