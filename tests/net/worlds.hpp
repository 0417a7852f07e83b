// Where a test's two websockets live: in memory, in virtual time; or on real TCP, accepted by a
// server on loopback. One body of a typed test runs in both.
#pragma once

#include <boost/asio/io_context.hpp>
#include <gtest/gtest.h>

#include <memory>
#include <optional>

#include "tests/net/answers.hpp"
#include "tests/net/virtual_loop.hpp"

namespace adieu::test {

namespace asio = boost::asio;

struct ends {
  websocket client;
  websocket server;
};

class memory_world {
 public:
  static constexpr bool is_virtual = true;

  [[nodiscard]] ends open(const websocket_options& client = {},
                          const websocket_options& server = {}) {
    memory_pair_options options;
    options.client = client;
    options.server = server;
    auto [a, b] = make_memory_pair(executor(), executor(), options);
    return {std::move(a), std::move(b)};
  }
  [[nodiscard]] asio::any_io_executor executor() { return loop_.context().get_executor(); }
  [[nodiscard]] bool run_until(const std::function<bool()>& so) { return loop_.run_until(so); }
  void pass(core::duration by) { loop_.pass(by); }
  /// Everything that is on its way arrives.
  void settle() { loop_.settle(); }
  [[nodiscard]] asio::io_context& context() noexcept { return loop_.context(); }

 private:
  virtual_loop loop_;
};

class tcp_world {
 public:
  static constexpr bool is_virtual = false;

  [[nodiscard]] ends open(const websocket_options& client = {},
                          const websocket_options& server = {}) {
    server_options serving;
    serving.websocket = server;
    auto listener = std::make_unique<adieu::server>(executor(), serving);
    ends out;
    bool accepted = false;
    listener->on_open([&](websocket& socket, const request&) {
      out.server = std::move(socket);
      accepted = true;
    });
    const auto where = listener->listen("127.0.0.1", 0);
    connect_options connecting;
    connecting.websocket = client;
    std::optional<error_code> connected;
    async_connect(executor(),
                  "ws://127.0.0.1:" + std::to_string(where.port()),
                  connecting,
                  [&](error_code ec, websocket socket) {
                    connected = ec;
                    out.client = std::move(socket);
                  });
    EXPECT_TRUE(run_until([&] { return connected && accepted; }));
    EXPECT_FALSE(*connected) << connected->message();
    listener.reset();
    return out;
  }
  [[nodiscard]] asio::any_io_executor executor() { return context_.get_executor(); }
  [[nodiscard]] bool run_until(const std::function<bool()>& so) {
    const auto latest = std::chrono::steady_clock::now() + 4s;
    while (!so()) {
      if (std::chrono::steady_clock::now() > latest) return false;
      context_.restart();
      context_.run_one_for(10ms);
    }
    return true;
  }
  void pass(core::duration by) {
    const auto until = std::chrono::steady_clock::now() + by;
    while (std::chrono::steady_clock::now() < until) {
      context_.restart();
      context_.run_one_until(until);
    }
  }
  void settle() { pass(20ms); }
  [[nodiscard]] asio::io_context& context() noexcept { return context_; }

 private:
  asio::io_context context_;
};

/// A test in both worlds: `world`, and shorthands.
template <typename World>
class in_both_worlds : public testing::Test {
 protected:
  [[nodiscard]] ends open(const websocket_options& client = {},
                          const websocket_options& server = {}) {
    return world.open(client, server);
  }
  /// Options whose clocks a test on real TCP can wait for.
  [[nodiscard]] static websocket_options quick() {
    websocket_options out;
    out.close_timeout = 200ms;
    out.linger = 100ms;
    out.ping_interval = 0ms;
    return out;
  }
  World world;
};
using both_worlds = testing::Types<memory_world, tcp_world>;

struct world_names {
  template <typename World>
  static std::string GetName(int) {
    return World::is_virtual ? "memory" : "tcp";
  }
};

#define ADIEU_UNTIL(...) \
  ASSERT_TRUE(this->world.run_until([&] { return static_cast<bool>(__VA_ARGS__); }))

/// Both ends have ended, with a record each.
#define ADIEU_UNTIL_BOTH_ENDED(pair) \
  ADIEU_UNTIL((pair).client.record().has_value() && (pair).server.record().has_value())

}  // namespace adieu::test
