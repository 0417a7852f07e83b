// Boost.Beast as a client, set up as beast_echo.cpp: sends, and answers every echo with the next
// message. It writes one message at a time; those that are due wait for the one before.

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/websocket.hpp>

#include <cstddef>
#include <deque>
#include <string>

#include "client_window.hpp"

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace websocket = beast::websocket;

namespace {

using socket_type = asio::basic_stream_socket<asio::ip::tcp, asio::io_context::executor_type>;
constexpr std::size_t read_ahead = 64 * 1024;

class client {
 public:
  client(asio::io_context& loop,
         const bench::load::options& chosen,
         const std::string& payload,
         bench::client_window& window)
      : stream_(loop), chosen_(chosen), payload_(payload), window_(window) {
    stream_.next_layer().connect({asio::ip::address_v4::loopback(), chosen.port});
    stream_.next_layer().set_option(asio::ip::tcp::no_delay(true));
    stream_.set_option(websocket::stream_base::timeout{
        websocket::stream_base::none(), websocket::stream_base::none(), false});
    stream_.auto_fragment(false);
    stream_.handshake("127.0.0.1", "/echo");
    stream_.binary(chosen.kind == bench::load::payload_kind::binary);
    buffer_.reserve(read_ahead);
  }

  void run() {
    due_ = chosen_.in_flight;
    write();
    read();
  }

 private:
  void read() {
    stream_.async_read(buffer_, [this](beast::error_code error, std::size_t length) {
      if (error) bench::fail(error.message());
      window_.on_reply(length);
      buffer_.clear();
      if (++due_ == 1) write();
      read();
    });
  }

  void write() {
    stream_.async_write(asio::buffer(payload_), [this](beast::error_code error, std::size_t) {
      if (error) bench::fail(error.message());
      if (--due_ != 0) write();
    });
  }

  websocket::stream<socket_type, false> stream_;
  const bench::load::options& chosen_;
  const std::string& payload_;
  bench::client_window& window_;
  beast::flat_buffer buffer_;
  std::size_t due_ = 0;
};

}  // namespace

int main(int argc, char** argv) {
  const auto chosen = bench::load::read_options(argc, argv);
  const std::string payload = bench::load::make_payload(chosen, 1);
  asio::io_context loop{1};
  bench::client_window window(loop, chosen);
  std::deque<client> clients;
  for (std::size_t i = 0; i < chosen.connections; ++i) {
    clients.emplace_back(loop, chosen, payload, window);
  }
  for (auto& one : clients) one.run();
  window.begin();
  loop.run();
}
