// Servers inside the test: one of the library's, whose handler the test writes, and one on a bare
// socket, which does to a client whatever the test wants.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/write.hpp>
#include <openssl/sha.h>

#include <functional>
#include <string>
#include <thread>

#include "adieu/core/handshake.hpp"
#include "adieu/server.hpp"

namespace tool_test {

namespace asio = boost::asio;
using tcp = asio::ip::tcp;

class library_server {
 public:
  using handler = std::function<asio::awaitable<void>(adieu::websocket&, const adieu::request&)>;

  explicit library_server(handler serve,
                          const adieu::server_options& options = {},
                          std::function<adieu::decision(const adieu::request&)> decide = {})
      : server_(loop_.get_executor(), options) {
    server_.on_connection(std::move(serve));
    if (decide) server_.on_request(std::move(decide));
    port_ = server_.listen("127.0.0.1", 0).port();
    thread_ = std::thread([this] { loop_.run(); });
  }
  ~library_server() {
    loop_.stop();
    thread_.join();
  }
  library_server(const library_server&) = delete;
  library_server& operator=(const library_server&) = delete;

  [[nodiscard]] std::string url(const std::string& scheme = "ws") const {
    return scheme + "://127.0.0.1:" + std::to_string(port_);
  }

 private:
  asio::io_context loop_;
  adieu::server server_;
  unsigned short port_ = 0;
  std::thread thread_;
};

/// Runs `serve` on the first connection, then closes it.
class raw_server {
 public:
  explicit raw_server(std::function<void(tcp::socket&)> serve)
      : acceptor_(loop_, tcp::endpoint(asio::ip::address_v4::loopback(), 0)),
        thread_([this, serve = std::move(serve)] {
          boost::system::error_code ec;
          tcp::socket socket = acceptor_.accept(ec);
          if (ec) return;
          try {
            serve(socket);
          } catch (const boost::system::system_error&) {  // the client went away
          }
        }) {}
  ~raw_server() {
    ::shutdown(acceptor_.native_handle(), SHUT_RDWR);  // wakes accept()
    thread_.join();
  }
  raw_server(const raw_server&) = delete;
  raw_server& operator=(const raw_server&) = delete;

  [[nodiscard]] std::string url(const std::string& scheme = "ws") const {
    return scheme + "://127.0.0.1:" + std::to_string(acceptor_.local_endpoint().port());
  }

 private:
  asio::io_context loop_;
  tcp::acceptor acceptor_;
  std::thread thread_;
};

/// The request's header.
template <typename Stream>
std::string read_request(Stream& socket) {
  std::string text;
  asio::read_until(socket, asio::dynamic_buffer(text), "\r\n\r\n");
  return text;
}

inline std::string accept_for(const std::string& request) {
  const std::string name = "Sec-WebSocket-Key: ";
  const std::size_t begin = request.find(name) + name.size();
  return adieu::core::accept_for(request.substr(begin, request.find('\r', begin) - begin),
                                 [](std::string_view text) {
                                   std::array<std::byte, 20> out{};
                                   SHA1(reinterpret_cast<const unsigned char*>(text.data()),
                                        text.size(),
                                        reinterpret_cast<unsigned char*>(out.data()));
                                   return out;
                                 });
}

/// Answers the opening handshake as it should be.
template <typename Stream>
void shake_hands(Stream& socket) {
  const std::string request = read_request(socket);
  asio::write(socket,
              asio::buffer("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
                           "Connection: Upgrade\r\nSec-WebSocket-Accept: " +
                           accept_for(request) + "\r\n\r\n"));
}

/// Reads until the client ends TCP.
template <typename Stream>
void drain(Stream& socket) {
  std::array<char, 4096> space;
  boost::system::error_code ec;
  while (!ec) socket.read_some(asio::buffer(space), ec);
}

}  // namespace tool_test
