// Adieu's echo as a coroutine that awaits every receive and every send.
#include <boost/asio/io_context.hpp>

#include <cstdio>

#include "support.hpp"
#include <adieu/adieu.hpp>

namespace {

boost::asio::awaitable<void> echo(adieu::websocket& socket, const adieu::request&) {
  adieu::message message;
  while ((co_await socket.async_receive_message(message)).type != adieu::message_type::close) {
    co_await socket.async_send(message);
  }
}

}  // namespace

int main(int argc, char** argv) {
  boost::asio::io_context loop{1};
  adieu::server_options options;
  options.max_connections = options.max_connections_per_address =
      0;  // the load is from one address
  adieu::server server(loop.get_executor(), options);
  server.on_connection(echo);
  const auto where = server.listen("127.0.0.1", bench::port_argument(argc, argv));
  std::printf("listening %u\n", static_cast<unsigned>(where.port()));
  std::fflush(stdout);
  loop.run();
}
