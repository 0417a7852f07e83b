// Adieu as a client: sends, and answers every echo with the next message. on_message and
// send(view).
#include <boost/asio/io_context.hpp>

#include <deque>
#include <string>
#include <utility>

#include "client_window.hpp"
#include <adieu/adieu.hpp>

int main(int argc, char** argv) {
  const auto chosen = bench::load::read_options(argc, argv);
  const std::string payload = bench::load::make_payload(chosen, 1);
  const adieu::message_view message{chosen.kind == bench::load::payload_kind::binary
                                        ? adieu::message_type::binary
                                        : adieu::message_type::text,
                                    std::as_bytes(std::span(payload))};
  boost::asio::io_context loop{1};
  bench::client_window window(loop, chosen);
  std::deque<adieu::websocket> sockets;
  const auto on_open = [&](adieu::error_code error, adieu::websocket opened) {
    if (error) bench::fail(error.message());
    adieu::websocket& socket = sockets.emplace_back(std::move(opened));
    socket.on_message([&](const adieu::message_view& got) {
      window.on_reply(got.bytes.size());
      socket.send(message);
    });
    for (std::size_t i = 0; i < chosen.in_flight; ++i) socket.send(message);
    if (sockets.size() == chosen.connections) window.begin();
  };
  const std::string url = "ws://127.0.0.1:" + std::to_string(chosen.port) + "/echo";
  for (std::size_t i = 0; i < chosen.connections; ++i) {
    adieu::async_connect(loop.get_executor(), url, {}, on_open);
  }
  loop.run();
}
