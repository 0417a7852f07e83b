// Sends one message, prints the answer, closes, and says how the connection ended.
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>

#include <iostream>

#include <adieu/adieu.hpp>

namespace asio = boost::asio;

asio::awaitable<void> talk(std::string url) {
  adieu::websocket socket = co_await adieu::async_connect(url);
  co_await socket.async_send("hello");
  adieu::message answer;
  co_await socket.async_receive_message(answer);
  std::cout << answer.text() << '\n';
  co_await socket.async_close(adieu::close_status::normal_closure, "bye");
  std::cout << adieu::to_line(*socket.record()) << '\n';
}

int main(int argc, char** argv) {
  asio::io_context loop;
  asio::co_spawn(
      loop, talk(argc > 1 ? argv[1] : "ws://127.0.0.1:9001"), [](std::exception_ptr error) {
        if (error) std::rethrow_exception(error);
      });
  loop.run();
}
