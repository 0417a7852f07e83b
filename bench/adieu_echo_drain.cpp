// Adieu's echo as a coroutine that waits once and then drains what has arrived with try_receive.
#include <boost/asio/io_context.hpp>

#include <cstdio>

#include "support.hpp"
#include <adieu/adieu.hpp>

namespace {

boost::asio::awaitable<void> echo(adieu::websocket& socket, const adieu::request&) {
  adieu::message message;
  for (;;) {
    const auto got = co_await socket.async_receive_message(message);
    if (got.type == adieu::message_type::close) co_return;
    socket.send(adieu::message_view{message.type, message.bytes()});
    while (const auto more = socket.try_receive_message(message)) {
      if (more->type == adieu::message_type::close) co_return;
      socket.send(adieu::message_view{message.type, message.bytes()});
    }
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
