// A server that sends every message back, in twenty lines.
#include <boost/asio/io_context.hpp>

#include <iostream>

#include <adieu/adieu.hpp>

namespace asio = boost::asio;

asio::awaitable<void> echo(adieu::websocket& socket, const adieu::request&) {
  adieu::message message;
  while ((co_await socket.async_receive_message(message)).type != adieu::message_type::close) {
    co_await socket.async_send(message);
  }
}  // the peer's Close is answered when the handler returns

int main(int argc, char** argv) {
  asio::io_context loop;
  adieu::server server(loop.get_executor());
  server.on_connection(echo);
  server.on_end([](const adieu::disconnect_record& record) {
    std::cout << adieu::to_line(record) << std::endl;
  });
  const auto port = static_cast<std::uint16_t>(argc > 1 ? std::stoi(argv[1]) : 0);
  std::cout << "listening on ws://" << server.listen("127.0.0.1", port) << std::endl;
  loop.run();
}
