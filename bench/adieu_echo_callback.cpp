// Adieu's echo with on_message: every message is sent back from the reader's own memory. Clients
// that offer permessage-deflate get it, with its default options.
#include <boost/asio/io_context.hpp>

#include <cstdio>

#include "support.hpp"
#include <adieu/adieu.hpp>

int main(int argc, char** argv) {
  boost::asio::io_context loop{1};
  adieu::server_options options;
  options.websocket.deflate.emplace();
  options.max_connections = options.max_connections_per_address =
      0;  // the load is from one address
  adieu::server server(loop.get_executor(), options);
  server.on_open([](adieu::websocket& socket, const adieu::request&) {
    socket.on_message([&socket](const adieu::message_view& message) { socket.send(message); });
  });
  const auto where = server.listen("127.0.0.1", bench::port_argument(argc, argv));
  std::printf("listening %u\n", static_cast<unsigned>(where.port()));
  std::fflush(stdout);
  loop.run();
}
