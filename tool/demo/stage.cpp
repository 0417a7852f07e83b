// One loop, two ends, and a guard against hanging.
#include "stage.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <fmt/format.h>

#include "adieu/connect.hpp"

namespace adieu::tool::demo {

using tcp = asio::ip::tcp;

namespace {
constexpr auto far_too_long = std::chrono::seconds(5);
}

void stage::play(client_part client, server_part server, relay::manner between) {
  const tcp::endpoint where(asio::ip::address_v4::loopback(), listen(std::move(server), {}));
  relay_ = std::make_unique<relay>(loop_, log_, where, between);
  start(run_client(relay_->port(), std::move(client), {}));
  run();
}

void stage::play_raw_server(client_part client,
                            const raw_part& server,
                            const websocket_options& options) {
  names_.server = "server (not Adieu)";
  raw_ = std::make_unique<raw_peer>(loop_, log_, end::server);
  start(server(*raw_));
  start(run_client(raw_->port(), std::move(client), options));
  run();
}

void stage::play_raw_client(raw_part client, server_part server, const websocket_options& options) {
  names_.client = "client (not Adieu)";
  raw_ = std::make_unique<raw_peer>(loop_, log_, end::client);
  const tcp::endpoint where(asio::ip::address_v4::loopback(), listen(std::move(server), options));
  start([](stage& self, raw_part part, tcp::endpoint to) -> asio::awaitable<void> {
    co_await self.raw_->connect(to);
    self.server_.reset();
    co_await part(*self.raw_);
  }(*this, std::move(client), where));
  run();
}

std::uint16_t stage::listen(server_part part, const websocket_options& options) {
  server_options how;
  how.websocket = options;
  server_.emplace(loop_.get_executor(), how);
  server_->on_connection(
      [part = std::move(part)](websocket& socket, const request&) { return part(socket); });
  server_->on_end([this](const disconnect_record& record) { server_record_ = record; });
  server_->on_handler_error([this](std::exception_ptr error) {
    try {
      std::rethrow_exception(error);
    } catch (const std::exception& e) {
      problems_.push_back(fmt::format("the server's handler failed: {}", e.what()));
    }
  });
  return server_->listen("127.0.0.1", 0).port();
}

asio::awaitable<void> stage::run_client(std::uint16_t port,
                                        client_part part,
                                        websocket_options options) {
  connect_options how;
  how.websocket = options;
  websocket socket =
      co_await async_connect(fmt::format("ws://127.0.0.1:{}/", port), how, asio::use_awaitable);
  client_ = socket.handle();
  server_.reset();  // nobody else comes; what it has accepted goes on
  co_await part(std::move(socket));
}

void stage::start(asio::awaitable<void> part) {
  asio::co_spawn(loop_, std::move(part), [this](std::exception_ptr error) {
    try {
      if (error) std::rethrow_exception(error);
    } catch (const std::exception& e) {
      problems_.push_back(fmt::format("a part failed: {}", e.what()));
    }
  });
}

// The loop runs out of work when every socket is closed.
void stage::run() {
  loop_.run_for(far_too_long);
  if (!loop_.stopped()) problems_.emplace_back("it did not end within 5 s");
}

void stage::expect(bool holds, std::string_view claim) {
  if (!holds) problems_.push_back(fmt::format("not so: {}", claim));
}

std::optional<disconnect_record> stage::record(end at) const {
  return at == end::client ? client_.record() : server_record_;
}

void stage::check(end at, const expectation& wanted) {
  const std::string_view who = at == end::client ? "client" : "server";
  const auto found = record(at);
  if (!found) {
    problems_.push_back(fmt::format("{}: there is no record", who));
    return;
  }
  auto wrong = wanted.differences(*found);
  for (std::string& each : differences_to_wire(*found, at, log_.events())) {
    wrong.push_back(std::move(each));
  }
  for (const std::string& each : wrong) problems_.push_back(fmt::format("{}: {}", who, each));
}

}  // namespace adieu::tool::demo
