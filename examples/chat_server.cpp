// A chat room with callbacks: what one says, all hear. No coroutine anywhere.
#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>

#include <iostream>
#include <set>

#include <adieu/adieu.hpp>

namespace asio = boost::asio;

int main(int argc, char** argv) {
  asio::io_context loop;
  adieu::server server(loop.get_executor());
  std::set<adieu::websocket*> room;

  server.on_open([&room](adieu::websocket& guest, const adieu::request& asked) {
    room.insert(&guest);
    std::cout << asked.remote << " came" << std::endl;
    guest.on_message([&room](const adieu::message_view& said) {
      for (adieu::websocket* other : room) other->send(said);
    });
    guest.on_end([&room, &guest](const adieu::disconnect_record& record) {
      room.erase(&guest);
      std::cout << adieu::to_line(record) << std::endl;
    });
  });

  const auto port = static_cast<std::uint16_t>(argc > 1 ? std::stoi(argv[1]) : 0);
  std::cout << "listening on ws://" << server.listen("127.0.0.1", port) << std::endl;

  asio::signal_set signals(loop, SIGINT, SIGTERM);
  signals.async_wait([&](adieu::error_code, int) {
    server.async_shutdown(adieu::close_status::endpoint_unavailable,
                          "the room closes",
                          std::chrono::seconds(2),
                          [](adieu::error_code, const adieu::shutdown_report& report) {
                            std::cout << report.clean << " left in peace, " << report.unclean
                                      << " did not" << std::endl;
                          });
  });
  loop.run();
}
