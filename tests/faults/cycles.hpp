// Connections that open and end, in every kind of way: the stuff of the leak test. Everything lives
// on one loop: Adieu's servers and clients, and raw peers made of Asio's sockets.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>

#include <optional>
#include <span>
#include <string>

#include "adieu/adieu.hpp"
#include "tests/net/certificates.hpp"

namespace adieu::test {

class cycle_world {
 public:
  cycle_world();
  cycle_world(const cycle_world&) = delete;
  cycle_world& operator=(const cycle_world&) = delete;
  ~cycle_world();

  asio::io_context loop{1};
  certificates keys{"IP:127.0.0.1"};
  certificates other_keys{"IP:127.0.0.1"};  // of a CA that nobody here has
  std::string unix_path;
  std::optional<server> plain, secure, local;
  std::optional<server> hasty;  // all its clocks are short
  std::uint16_t plain_port = 0, secure_port = 0, hasty_port = 0;
  // Raw servers: one says nothing, one refuses, one hangs up, and at one nobody listens.
  std::uint16_t mute_port = 0, refusing_port = 0, leaving_port = 0, closed_port = 0;
  const std::string much = std::string(4 << 20, 'x');

 private:
  template <typename Session>
  std::uint16_t serve_raw(Session session);
  void serve(std::optional<server>& which, server_options options);
};

/// One way to open and to end a connection. It tells whether all went as this kind should.
struct cycle_kind {
  const char* name;
  asio::awaitable<bool> (*play)(cycle_world&);
};
[[nodiscard]] std::span<const cycle_kind> cycle_kinds();

}  // namespace adieu::test
