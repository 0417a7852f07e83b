// What an idle connection of a server costs in memory (docs/decisions/0008-idle-memory.md).
#include <boost/asio/use_awaitable.hpp>

#include <iostream>

#include "tests/net/heap.hpp"
#include "tests/net/raw_fixture.hpp"

namespace adieu::test {
namespace {

class IdleMemory : public testing::Test {
 protected:
  void SetUp() override {
    if (!counts_heap) GTEST_SKIP() << "sanitizers replace operator new";
    clients.reserve(first + more);
  }

  // Clients that cost nothing here but a descriptor.
  void come(std::size_t count) {
    for (std::size_t i = 0; i < count; ++i) {
      clients.push_back(raw_socket::connect_to(port));
      clients.back().send(request_text);
      ASSERT_TRUE(gets(clients.back(), "\r\n\r\n"));
    }
    ASSERT_TRUE(world.run_until([&] { return serving.connections() == clients.size(); }));
  }
  void send_and_receive() {
    for (raw_socket& client : clients) {
      client.send(masked_frame(0x81, "sixteen bytes ok"));
      ASSERT_TRUE(gets(client, "sixteen bytes ok"));
    }
  }
  [[nodiscard]] bool gets(raw_socket& client, std::string_view end) {
    const bool came =
        world.run_until([&] { return (void)client.read_now(), client.got.ends_with(end); });
    std::string().swap(client.got);
    return came;
  }
  [[nodiscard]] long for_each_connection() {
    port = serving.listen("127.0.0.1", 0).port();
    come(first);
    send_and_receive();
    const long before = heap_in_use;
    come(more);
    send_and_receive();
    world.settle();
    const long each = (heap_in_use - before) / static_cast<long>(more);
    std::cout << each << " bytes for each idle connection\n";
    return each;
  }

  static constexpr std::size_t first = 64, more = 300;
  static constexpr std::string_view request_text =
      "GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
      "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n";
  tcp_world world;
  adieu::server serving{world.executor()};
  std::uint16_t port = 0;
  std::vector<raw_socket> clients;
};

TEST_F(IdleMemory, of_a_connection_with_callbacks) {
  serving.on_open([](websocket& socket, const request&) {
    socket.on_message([&socket](const message_view& view) { socket.send(view); });
  });
  EXPECT_LE(for_each_connection(), 700);
}

// The rest is the coroutine's frame, and those of the session and the receive that it waits in.
TEST_F(IdleMemory, of_a_connection_with_a_coroutine) {
  serving.on_connection([](websocket& socket, const request&) -> asio::awaitable<void> {
    message text;
    for (;;) {
      (void)co_await socket.async_receive_message(text, asio::use_awaitable);
      co_await socket.async_send(text, asio::use_awaitable);
    }
  });
  EXPECT_LE(for_each_connection(), 5000);
}

}  // namespace
}  // namespace adieu::test
