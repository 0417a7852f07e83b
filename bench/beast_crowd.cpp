// Boost.Beast for crowds: echo, or with --broadcast everything to everyone, one shared message in
// each connection's queue. Set up as beast_echo.cpp, but with buffers that grow as they are needed,
// and with --idle Beast's own keep-alive: a Ping after 20 s, the end after 40. SIGUSR1 closes all
// with 1001.

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/beast/core/buffers_to_string.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/websocket.hpp>

#include <csignal>
#include <cstddef>
#include <deque>
#include <memory>
#include <string>
#include <unordered_set>
#include <utility>

#include "support.hpp"

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace websocket = beast::websocket;

namespace {

using executor = asio::io_context::executor_type;
using socket_type = asio::basic_stream_socket<asio::ip::tcp, executor>;
using acceptor_type = asio::basic_socket_acceptor<asio::ip::tcp, executor>;

class session;
std::unordered_set<session*> room;

class session : public std::enable_shared_from_this<session> {
 public:
  session(socket_type socket, const bench::server_arguments& how)
      : stream_(std::move(socket)), how_(how) {
    stream_.auto_fragment(false);
    auto clocks = websocket::stream_base::timeout{
        websocket::stream_base::none(), websocket::stream_base::none(), false};
    if (how.pings) {
      clocks.idle_timeout = std::chrono::seconds(40);
      clocks.keep_alive_pings = true;
    }
    stream_.set_option(clocks);
  }
  session(const session&) = delete;
  session& operator=(const session&) = delete;
  ~session() { room.erase(this); }

  void run() {
    stream_.async_accept([self = shared_from_this()](beast::error_code error) {
      if (!error) {
        room.insert(self.get());
        self->read();
      }
    });
  }

  void close() {
    stream_.async_close(websocket::close_code::going_away,
                        [self = shared_from_this()](beast::error_code) {});
  }

  void queue(std::shared_ptr<const std::string> message) {
    queue_.push_back(std::move(message));
    if (queue_.size() == 1) write();
  }

 private:
  void read() {
    stream_.async_read(buffer_, [self = shared_from_this()](beast::error_code error, std::size_t) {
      if (!error) self->on_message();
    });
  }

  void on_message() {
    stream_.text(stream_.got_text());
    if (how_.broadcasts) {
      const auto message =
          std::make_shared<const std::string>(beast::buffers_to_string(buffer_.data()));
      for (auto* other : room) {
        other->stream_.text(stream_.got_text());
        other->queue(message);
      }
      buffer_.clear();
      read();
      return;
    }
    stream_.async_write(buffer_.data(),
                        [self = shared_from_this()](beast::error_code error, std::size_t) {
                          if (!error) {
                            self->buffer_.clear();
                            self->read();
                          }
                        });
  }

  void write() {
    stream_.async_write(asio::buffer(*queue_.front()),
                        [self = shared_from_this()](beast::error_code error, std::size_t) {
                          if (error) return;
                          self->queue_.pop_front();
                          if (!self->queue_.empty()) self->write();
                        });
  }

  websocket::stream<socket_type, false> stream_;
  const bench::server_arguments& how_;
  beast::flat_buffer buffer_;
  std::deque<std::shared_ptr<const std::string>> queue_;
};

void accept_each(acceptor_type& acceptor, const bench::server_arguments& how) {
  acceptor.async_accept([&](beast::error_code error, socket_type socket) {
    if (!error) {
      socket.set_option(asio::ip::tcp::no_delay(true));
      std::make_shared<session>(std::move(socket), how)->run();
    }
    accept_each(acceptor, how);
  });
}

}  // namespace

int main(int argc, char** argv) {
  const bench::server_arguments arguments(argc, argv);
  const int listener = bench::listen_on(0);
  bench::announce(listener);
  asio::io_context loop{1};
  acceptor_type acceptor(loop, asio::ip::tcp::v4(), listener);
  accept_each(acceptor, arguments);
  asio::signal_set signals(loop, SIGUSR1);
  signals.async_wait([](beast::error_code, int) {
    for (auto* one : room) one->close();
  });
  loop.run();
}
