// Where one ending is played: an event loop, the ends and what lies between them, the log, and in
// the end what was wrong about it. A scenario gives the coroutines of both ends and says what the
// records have to tell.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>

#include <functional>
#include <memory>
#include <optional>

#include "adieu/server.hpp"
#include "diagram.hpp"
#include "expectation.hpp"
#include "raw_peer.hpp"
#include "relay.hpp"

namespace adieu::tool::demo {

class stage {
 public:
  /// The client owns its websocket; the server's lives until TCP is gone.
  using client_part = std::function<asio::awaitable<void>(websocket)>;
  using server_part = std::function<asio::awaitable<void>(websocket&)>;
  using raw_part = std::function<asio::awaitable<void>(raw_peer&)>;

  // Each plays to its end; then ask.
  void play(client_part client, server_part server, relay::manner between = relay::manner::at_once);
  void play_raw_server(client_part client,
                       const raw_part& server,
                       const websocket_options& options = {});
  void play_raw_client(raw_part client, server_part server, const websocket_options& options = {});

  asio::io_context& loop() noexcept { return loop_; }
  wire_log& log() noexcept { return log_; }
  /// A call's outcome that the scenario insists on.
  void expect(bool holds, std::string_view claim);
  void check(end at, const expectation& wanted);

  [[nodiscard]] const lanes& names() const noexcept { return names_; }
  [[nodiscard]] std::optional<disconnect_record> record(end at) const;
  [[nodiscard]] const std::vector<std::string>& problems() const noexcept { return problems_; }

 private:
  asio::awaitable<void> run_client(std::uint16_t port, client_part part, websocket_options options);
  std::uint16_t listen(server_part part, const websocket_options& options);
  void start(asio::awaitable<void> part);
  void run();

  asio::io_context loop_;
  wire_log log_;
  lanes names_;
  std::unique_ptr<relay> relay_;
  std::unique_ptr<raw_peer> raw_;
  std::optional<adieu::server> server_;
  connection_handle client_;
  std::optional<disconnect_record> server_record_;
  std::vector<std::string> problems_;
};

}  // namespace adieu::tool::demo
