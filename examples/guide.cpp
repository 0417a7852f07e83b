// The pieces of docs/guide.md as one program: a server and its clients, one after the other.
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <array>
#include <chrono>
#include <iostream>

#include <adieu/adieu.hpp>
#include <adieu/memory_pair.hpp>

namespace asio = boost::asio;
using namespace std::chrono_literals;

asio::awaitable<adieu::websocket> open_chat(std::string url) {
  adieu::connect_options options;
  options.subprotocols = {"chat.v2", "chat.v1"};
  options.headers = {{"Authorization", "Bearer 123"}};
  options.timeout = 5s;  // for all steps together
  auto [error, socket] =
      co_await adieu::async_connect(url, options, asio::as_tuple(asio::deferred));
  if (error) std::cerr << adieu::to_line(*socket.record()) << '\n';
  co_return std::move(socket);
}

asio::awaitable<void> print_messages(adieu::websocket& socket) {
  adieu::message message;  // reused: its memory is kept
  for (;;) {
    const auto got = co_await socket.async_receive_message(message);
    if (got.type == adieu::message_type::close) break;
    std::cout << message.text() << '\n';
  }
  co_await socket.async_close_output(socket.close_status().value());
}

asio::awaitable<std::size_t> count_bytes(adieu::websocket& socket) {
  std::array<char, 16 * 1024> piece;
  std::size_t all = 0;
  for (;;) {
    const auto got = co_await socket.async_receive(asio::buffer(piece));
    if (got.type == adieu::message_type::close) co_return all;
    all += got.count;
    if (got.end_of_message) co_return all;
  }
}

asio::awaitable<bool> heard_within(adieu::websocket& socket,
                                   adieu::message& message,
                                   std::chrono::milliseconds patience) {
  using namespace asio::experimental::awaitable_operators;
  asio::steady_timer timer(socket.get_executor(), patience);
  const auto first = co_await (socket.async_receive_message(message, asio::use_awaitable) ||
                               timer.async_wait(asio::use_awaitable));
  co_return first.index() == 0;  // if not, the message comes with the next receive
}

asio::awaitable<void> send_in_pieces(adieu::websocket& socket) {
  adieu::message_writer writer = socket.begin_message(adieu::message_type::text);
  const std::string one = "one, ", two = "two";
  co_await writer.async_write(asio::buffer(one));
  co_await writer.async_finish(asio::buffer(two));
}

asio::awaitable<void> say_last_words(adieu::websocket& socket) {
  co_await socket.async_send("my last question");
  co_await socket.async_close_output(adieu::close_status::normal_closure, "no more from me");
  adieu::message answer;
  while ((co_await socket.async_receive_message(answer)).type != adieu::message_type::close) {
    std::cout << answer.text() << '\n';
  }
  const adieu::disconnect_record record = co_await socket.async_wait_closed();
  std::cout << adieu::to_line(record) << '\n';
}

bool worth_another_try(const adieu::disconnect_record& record) {
  using adieu::cause;
  switch (record.cause) {
    case cause::handshake:  // a proper end: what did the peer say?
      return record.derived_code() == adieu::close_status::service_restart ||
             record.derived_code() == adieu::close_status::try_again_later;
    case cause::peer_vanished:
    case cause::peer_reset:
    case cause::tls_truncated:
    case cause::keepalive_timeout:
    case cause::close_timeout:
    case cause::transport_error: return true;
    case cause::connect_failed:  // refused, unreachable, or an answer that is no 101
      return record.connect->http_status == 0 || record.connect->http_status >= 500;
    default: return false;  // somebody broke a rule or a limit: the next try would, too
  }
}

void serve_chat(adieu::server& server) {
  server.on_request([](const adieu::request& asked) {
    if (asked.target != "/chat") return adieu::decision::refuse(404, "there is only /chat");
    return adieu::decision::accept();
  });
  server.on_connection([](adieu::websocket& socket,
                          const adieu::request&) -> asio::awaitable<void> {
    adieu::message message;
    while ((co_await socket.async_receive_message(message)).type != adieu::message_type::close) {
      co_await socket.async_send(message);
    }
  });
  server.on_end([](const adieu::disconnect_record& record) {
    if (!record.clean) std::cerr << adieu::to_json(record) << '\n';
  });
}

asio::awaitable<void> stop(adieu::server& server) {
  const adieu::shutdown_report report =
      co_await server.async_shutdown(adieu::close_status::service_restart, "back in a minute", 5s);
  std::cout << report.clean << " ended cleanly, " << report.unclean << " did not\n";
}

void echo_without_coroutines(adieu::websocket& socket) {
  socket.on_message([&socket](const adieu::message_view& said) { socket.send(said); });
  socket.on_end(
      [](const adieu::disconnect_record& record) { std::cout << adieu::to_line(record) << '\n'; });
}

void test_without_a_network() {
  asio::io_context loop;
  auto [client, server] = adieu::make_memory_pair(loop.get_executor(), loop.get_executor());
  echo_without_coroutines(server);
  client.on_message([&client = client](const adieu::message_view& said) {
    std::cout << "echoed: " << said.text() << '\n';
    client.async_close(adieu::close_status::normal_closure, "done", asio::detached);
  });
  client.send("hello");
  loop.run();
}

int main() {
  asio::io_context loop;
  adieu::server_options options;
  options.subprotocols = {"chat.v1"};
  adieu::server server(loop.get_executor(), options);
  serve_chat(server);
  const auto port = server.listen("127.0.0.1", 0).port();
  const std::string url = "ws://127.0.0.1:" + std::to_string(port);

  const auto play = [&]() -> asio::awaitable<void> {
    adieu::websocket lost = co_await open_chat(url + "/elsewhere");
    std::cout << "try again: " << worth_another_try(*lost.record()) << '\n';

    adieu::websocket socket = co_await open_chat(url + "/chat");
    std::cout << socket.subprotocol() << '\n';
    adieu::message message;
    std::cout << "heard: " << co_await heard_within(socket, message, 1ms) << '\n';
    co_await send_in_pieces(socket);
    std::cout << co_await count_bytes(socket) << " bytes\n";
    co_await say_last_words(socket);

    adieu::websocket guest = co_await open_chat(url + "/chat");
    asio::co_spawn(loop, stop(server), asio::detached);
    co_await print_messages(guest);
    std::cout << "try again: " << worth_another_try(co_await guest.async_wait_closed()) << '\n';
  };
  asio::co_spawn(loop, play(), [](std::exception_ptr error) {
    if (error) std::rethrow_exception(error);
  });
  loop.run();
  test_without_a_network();
}
