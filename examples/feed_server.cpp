// A feed to many subscribers: each gets as much as it reads, and nobody waits for the slow ones.
// Those miss a tick instead of filling our memory; what they get is whole and in order.
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>

#include <chrono>
#include <functional>
#include <iostream>
#include <set>
#include <string>

#include <adieu/adieu.hpp>

namespace asio = boost::asio;

int main(int argc, char** argv) {
  asio::io_context loop;
  adieu::server_options options;
  options.websocket.max_buffered_amount = 64 * 1024;  // for each subscriber
  adieu::server server(loop.get_executor(), options);
  std::set<adieu::websocket*> subscribers;
  std::size_t missed = 0;

  server.on_open([&](adieu::websocket& subscriber, const adieu::request&) {
    subscribers.insert(&subscriber);
    subscriber.on_message([](const adieu::message_view&) {});  // what they say does not matter
    subscriber.on_end([&](const adieu::disconnect_record& record) {
      subscribers.erase(&subscriber);
      std::cout << adieu::to_line(record) << "; " << missed << " ticks were missed so far"
                << std::endl;
    });
  });

  asio::steady_timer clock(loop);
  std::function<void(int)> tick = [&](int count) {
    const std::string text = "tick " + std::to_string(count);
    for (adieu::websocket* each : subscribers) {
      if (each->try_send(text) == adieu::errc::too_much_buffered) ++missed;
    }
    clock.expires_after(std::chrono::milliseconds(10));
    clock.async_wait([&tick, count](adieu::error_code ec) {
      if (!ec) tick(count + 1);
    });
  };
  tick(1);

  const auto port = static_cast<std::uint16_t>(argc > 1 ? std::stoi(argv[1]) : 0);
  std::cout << "listening on ws://" << server.listen("127.0.0.1", port) << std::endl;
  loop.run();
}
