// Boost.Beast's echo, set up for speed: what Adieu is compared with.
//
// The settings, and why they favour Beast:
//   - one thread, io_context with concurrency hint 1; sockets and streams use io_context's own
//     executor, not the type-erased one, and no strand;
//   - a plain TCP socket under the WebSocket stream, not beast::tcp_stream: no timers at all;
//   - with --tls its own TLS stream (asio::ssl::stream) in between;
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
#include <boost/asio/ssl.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/ssl.hpp>
#include <boost/beast/websocket.hpp>

#include <cstddef>
#include <memory>
#include <type_traits>
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

using tls_stream = asio::ssl::stream<socket_type>;

template <typename Stream, deflate Deflate>
class session : public std::enable_shared_from_this<session<Stream, Deflate>> {
 public:
  template <typename... Lower>
  explicit session(Lower&&... lower) : stream_(std::forward<Lower>(lower)...) {
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
    if constexpr (std::is_same_v<Stream, tls_stream>) {
      stream_.next_layer().async_handshake(
          asio::ssl::stream_base::server,
          [self = this->shared_from_this()](beast::error_code error) {
            if (!error) {
              self->accept();
            }
          });
    } else {
      accept();
    }
  }

 private:
  void accept() {
    stream_.async_accept([self = this->shared_from_this()](beast::error_code error) {
      if (!error) {
        self->read();
      }
    });
  }

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

  websocket::stream<Stream, Deflate == deflate::on> stream_;
  beast::flat_buffer buffer_;
};

template <typename Start>
void accept_each(acceptor_type& acceptor, Start start) {
  acceptor.async_accept([&acceptor, start](beast::error_code error, socket_type socket) {
    if (!error) {
      socket.set_option(asio::ip::tcp::no_delay(true));
      start(std::move(socket));
    }
    accept_each(acceptor, start);
  });
}

}  // namespace

int main(int argc, char** argv) {
  const bench::server_arguments arguments(argc, argv);
  const int listener = bench::listen_on(0);
  bench::announce(listener);
  asio::io_context loop{1};
  acceptor_type acceptor(loop, asio::ip::tcp::v4(), listener);
  asio::ssl::context tls(asio::ssl::context::tls_server);
  if (!arguments.certificate.empty()) {
    tls.use_certificate_chain_file(arguments.certificate);
    tls.use_private_key_file(arguments.key, asio::ssl::context::pem);
    accept_each(acceptor, [&tls](socket_type socket) {
      std::make_shared<session<tls_stream, deflate::compiled_out>>(std::move(socket), tls)->run();
    });
  } else if (arguments.deflates) {
    accept_each(acceptor, [](socket_type socket) {
      std::make_shared<session<socket_type, deflate::on>>(std::move(socket))->run();
    });
  } else {
    accept_each(acceptor, [](socket_type socket) {
      std::make_shared<session<socket_type, deflate::compiled_out>>(std::move(socket))->run();
    });
  }
  loop.run();
}
