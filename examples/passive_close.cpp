// The article's loop for the side that is closed (docs/closing.md, S6), line by line:
//
//   var result = webSocket.ReceiveAsync(buffer, ct);
//   switch (result.MessageType)
//   {
//       case WebSocketMessageType.Close:
//           await client.CloseOutputAsync(result.CloseStatus!.Value, result.CloseStatusDescription,
//           ct); break;
//   }
//
// The websocket goes out of scope right after it, and the end is clean all the same (P6).
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>

#include <array>
#include <iostream>

#include <adieu/adieu.hpp>

namespace asio = boost::asio;

asio::awaitable<void> receive_until_closed(adieu::websocket client) {
  std::array<char, 4096> buffer;
  for (bool open = true; open;) {
    auto result = co_await client.async_receive(asio::buffer(buffer));
    switch (result.type) {
      case adieu::message_type::text:
      case adieu::message_type::binary:
        std::cout.write(buffer.data(), static_cast<std::streamsize>(result.count));
        break;
      case adieu::message_type::close:
        co_await client.async_close_output(result.close_status.value(), result.close_description);
        open = false;
        break;
    }
  }
}

int main(int argc, char** argv) {
  asio::io_context loop;
  std::string url = argc > 1 ? argv[1] : "ws://127.0.0.1:9001";
  adieu::connection_handle handle;
  asio::co_spawn(
      loop,
      [&]() -> asio::awaitable<void> {
        auto [error, client] = co_await adieu::async_connect(
            url, adieu::connect_options(), asio::as_tuple(asio::deferred));
        handle = client.handle();  // its record says how it ended, or why it did not begin
        if (error) co_return;
        co_await receive_until_closed(std::move(client));
      },
      [](std::exception_ptr error) {
        if (error) std::rethrow_exception(error);
      });
  loop.run();
  std::cerr << adieu::to_line(*handle.record()) << '\n';
  return handle.record()->clean ? 0 : 1;
}
