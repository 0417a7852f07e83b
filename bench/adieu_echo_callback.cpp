// Adieu's echo with on_message: every message is sent back from the reader's own memory; with
// --broadcast to all. Clients that offer permessage-deflate get it, with its default options.
// SIGUSR1 closes all with 1001.
#include <boost/asio/detached.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>

#include <csignal>
#include <cstdio>
#include <vector>

#include "support.hpp"
#include <adieu/adieu.hpp>

namespace asio = boost::asio;

int main(int argc, char** argv) {
  const bench::server_arguments arguments(argc, argv);
  asio::io_context loop{1};
  adieu::server_options options;
  options.websocket.deflate.emplace();
  options.max_connections = options.max_connections_per_address =
      0;                        // the load is from one address
  options.defer_accept = true;  // as Bun's does
  if (!arguments.certificate.empty()) {
    options.tls.emplace();
    options.tls->certificate_file = arguments.certificate;
    options.tls->key_file = arguments.key;
  }
  adieu::server server(loop.get_executor(), options);
  std::vector<adieu::websocket*> room;
  server.on_open([&](adieu::websocket& socket, const adieu::request&) {
    if (!arguments.broadcasts) {
      socket.on_message([&socket](const adieu::message_view& message) { socket.send(message); });
      return;
    }
    room.push_back(&socket);
    socket.on_message([&room](const adieu::message_view& message) {
      for (auto* other : room) other->send(message);
    });
    socket.on_end([&](const adieu::disconnect_record&) { std::erase(room, &socket); });
  });
  asio::signal_set signals(loop, SIGUSR1);
  signals.async_wait([&](adieu::error_code, int) {
    server.async_shutdown(
        adieu::close_status::endpoint_unavailable, {}, std::chrono::seconds(30), asio::detached);
  });
  const auto where = server.listen("127.0.0.1", 0);
  std::printf("listening %u\n", static_cast<unsigned>(where.port()));
  std::fflush(stdout);
  const auto until_killed = asio::make_work_guard(loop);  // also after a shutdown
  loop.run();
}
