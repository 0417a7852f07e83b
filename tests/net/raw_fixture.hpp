// A websocket of Adieu's on real TCP against a peer made of plain sockets.
#pragma once

#include <boost/asio/ip/tcp.hpp>

#include "tests/net/raw_peer.hpp"
#include "tests/net/worlds.hpp"

namespace adieu::test {

class with_raw_peer : public testing::Test {
 protected:
  void meet(role self, const websocket_options& options = quick(), std::string leftover = {}) {
    const raw_listener listener;
    asio::ip::tcp::socket tcp(world.executor());
    tcp.connect({asio::ip::address_v4::loopback(), listener.port()});
    peer = listener.accept();
    socket = websocket::adopt(std::move(tcp), self, options, std::move(leftover));
  }
  [[nodiscard]] static websocket_options quick() {
    websocket_options out;
    out.close_timeout = 200ms;
    out.linger = 100ms;
    out.ping_interval = 0ms;
    return out;
  }
  [[nodiscard]] std::optional<disconnect_record> record() const { return socket.record(); }
  /// What the peer got, once it has at least `size` bytes.
  [[nodiscard]] bool peer_gets(std::size_t size) {
    return world.run_until([&] { return (void)peer.read_now(), peer.got.size() >= size; });
  }
  /// How the peer sees the stream's end.
  [[nodiscard]] raw_socket::end peer_sees_end() {
    raw_socket::end how = raw_socket::end::none;
    (void)world.run_until([&] { return (how = peer.read_now()) != raw_socket::end::none; });
    return how;
  }

  tcp_world world;
  raw_socket peer;
  websocket socket;
};

}  // namespace adieu::test
