// Boost.Beast's echo, set up for speed: what Adieu is compared with.
//
// The settings, and why they favour Beast:
//   - one thread, io_context with concurrency hint 1; sockets and streams use io_context's own
//     executor, not the type-erased one, and no strand;
//   - a plain TCP socket under the WebSocket stream, not beast::tcp_stream: no timers at all;
//   - permessage-deflate compiled out, unless --deflate is given; then zlib's defaults, as everyone
//     has them (level 6, memory level 8, windows of 32 KiB), and a write buffer that the largest
//     reply fits into;
//   - TCP_NODELAY; no fragmentation of replies (auto_fragment);
//   - callbacks; one flat_buffer of 64 KiB a connection, reused; the message is sent back from that
//   buffer.
// Text and binary are preserved; text is validated, which Beast does not let one turn off.
// Beast writes each message by itself: it has no way to send the replies of one read together.

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/websocket.hpp>

#include <cstddef>
#include <memory>
#include <string_view>
#include <utility>

#include "support.hpp"

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace websocket = beast::websocket;

namespace {

using executor = asio::io_context::executor_type;
using socket_type = asio::basic_stream_socket<asio::ip::tcp, executor>;
using acceptor_type = asio::basic_socket_acceptor<asio::ip::tcp, executor>;

// Beast reads as much at a time as the buffer has room for.
constexpr std::size_t read_ahead = 64 * 1024;

enum class deflate { compiled_out, on };

template <deflate Deflate>
class session : public std::enable_shared_from_this<session<Deflate>> {
 public:
  explicit session(socket_type socket) : stream_(std::move(socket)) {
    stream_.auto_fragment(false);
    if constexpr (Deflate == deflate::on) {
      websocket::permessage_deflate how;
      how.server_enable = true;
      how.compLevel = 6;
      how.memLevel = 8;
      stream_.set_option(how);
      stream_.write_buffer_bytes(read_ahead);
    }
    buffer_.reserve(read_ahead);
    stream_.set_option(websocket::stream_base::timeout{
        websocket::stream_base::none(), websocket::stream_base::none(), false});
  }

  void run() {
    stream_.async_accept([self = this->shared_from_this()](beast::error_code error) {
      if (!error) {
        self->read();
      }
    });
  }

 private:
  void read() {
    stream_.async_read(buffer_,
                       [self = this->shared_from_this()](beast::error_code error, std::size_t) {
                         if (!error) {
                           self->write();
                         }
                       });
  }

  void write() {
    stream_.text(stream_.got_text());
    stream_.async_write(buffer_.data(),
                        [self = this->shared_from_this()](beast::error_code error, std::size_t) {
                          if (!error) {
                            self->buffer_.clear();
                            self->read();
                          }
                        });
  }

  websocket::stream<socket_type, Deflate == deflate::on> stream_;
  beast::flat_buffer buffer_;
};

template <deflate Deflate>
void accept_each(acceptor_type& acceptor) {
  acceptor.async_accept([&acceptor](beast::error_code error, socket_type socket) {
    if (!error) {
      socket.set_option(asio::ip::tcp::no_delay(true));
      std::make_shared<session<Deflate>>(std::move(socket))->run();
    }
    accept_each<Deflate>(acceptor);
  });
}

}  // namespace

int main(int argc, char** argv) {
  const int listener = bench::listen_on(0);
  bench::announce(listener);
  asio::io_context loop{1};
  acceptor_type acceptor(loop, asio::ip::tcp::v4(), listener);
  if (argc > 1 && std::string_view(argv[1]) == "--deflate") {
    accept_each<deflate::on>(acceptor);
  } else {
    accept_each<deflate::compiled_out>(acceptor);
  }
  loop.run();
}
