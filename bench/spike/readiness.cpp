// A spike, not a library: one TCP echo server, five ways to learn that a socket is readable.
// What was measured with it and decided: docs/decisions/0001-readiness.md.
//
//   read_some        Asio's async_read_some into a buffer of the connection's own
//   read_some_any    the same through any_io_executor (the others use io_context's executor)
//   read_some_small  the same into 512 bytes; a full buffer is followed by a recv into a buffer
//                    that the whole loop shares
//   wait             Asio's async_wait(wait_read), then recv into the shared buffer
//   edge             our own edge-triggered epoll set, waited on through Asio as one descriptor
//   edge_again       the same, asking the set again up to 8 times before going back to Asio
//   raw              the ceiling: an epoll loop without Asio
//
// Every way sends first and waits for writability only when the kernel took less than all; every
// way takes a short read as "drained". Single-threaded, io_context with concurrency hint 1.

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/posix/basic_stream_descriptor.hpp>

#include <sys/epoll.h>
#include <unistd.h>

#include <array>
#include <cstddef>
#include <memory>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include "../support.hpp"

namespace asio = boost::asio;

namespace {

constexpr std::size_t buffer_size = 128 * 1024;
constexpr std::size_t small_size = 512;
constexpr unsigned edges = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET;

enum class outcome { drained, blocked, closed };
enum class reading { until_short, until_end };

// The bytes the kernel did not take yet.
class backlog {
 public:
  [[nodiscard]] bool empty() const { return bytes_.empty(); }

  outcome send(int socket, std::span<const char> bytes) {
    if (!bytes_.empty()) {
      bytes_.insert(bytes_.end(), bytes.begin(), bytes.end());
      return outcome::blocked;
    }
    while (!bytes.empty()) {
      const auto sent = ::send(socket, bytes.data(), bytes.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
      if (sent < 0) {
        if (errno != EAGAIN) {
          return outcome::closed;
        }
        bytes_.assign(bytes.begin(), bytes.end());
        return outcome::blocked;
      }
      bytes = bytes.subspan(static_cast<std::size_t>(sent));
    }
    return outcome::drained;
  }

  outcome flush(int socket) { return send(socket, std::exchange(bytes_, {})); }

 private:
  std::vector<char> bytes_;
};

// Reads into the shared buffer and echoes until the socket is drained, blocked or closed.
outcome echo(int socket, backlog& unsent, std::span<char> shared, reading how) {
  if (!unsent.empty()) {
    if (const auto result = unsent.flush(socket); result != outcome::drained) {
      return result;
    }
  }
  while (true) {
    const auto got = ::recv(socket, shared.data(), shared.size(), MSG_DONTWAIT);
    if (got < 0) {
      return errno == EAGAIN ? outcome::drained : outcome::closed;
    }
    if (got == 0) {
      return outcome::closed;
    }
    const auto bytes = shared.first(static_cast<std::size_t>(got));
    if (const auto result = unsent.send(socket, bytes); result != outcome::drained) {
      return result;
    }
    if (bytes.size() < shared.size() && how == reading::until_short) {
      return outcome::drained;
    }
  }
}

// ---- Asio, one pending operation a connection. The handler owns the connection. ----

template <class Executor>
using socket_of = asio::basic_stream_socket<asio::ip::tcp, Executor>;

using loop_executor = asio::io_context::executor_type;

template <class Executor>
struct read_some_connection {
  using pointer = std::unique_ptr<read_some_connection>;

  read_some_connection(socket_of<Executor> accepted, std::span<char>)
      : socket(std::move(accepted)), buffer(buffer_size) {}

  static void start(pointer self) {
    auto& here = *self;
    here.socket.async_read_some(
        asio::buffer(here.buffer),
        [self = std::move(self)](boost::system::error_code error, std::size_t got) mutable {
          if (!error) {
            auto& connection = *self;
            connection.after(connection.unsent.send(connection.socket.native_handle(),
                                                    std::span(connection.buffer).first(got)),
                             std::move(self));
          }
        });
  }

  void after(outcome result, pointer self) {
    if (result == outcome::drained) {
      start(std::move(self));
    } else if (result == outcome::blocked) {
      socket.async_wait(asio::socket_base::wait_write,
                        [self = std::move(self)](boost::system::error_code error) mutable {
                          if (!error) {
                            auto& connection = *self;
                            connection.after(
                                connection.unsent.flush(connection.socket.native_handle()),
                                std::move(self));
                          }
                        });
    }
  }

  socket_of<Executor> socket;
  std::vector<char> buffer;
  backlog unsent;
};

struct read_some_small_connection {
  using pointer = std::unique_ptr<read_some_small_connection>;

  read_some_small_connection(socket_of<loop_executor> accepted, std::span<char> loop_buffer)
      : socket(std::move(accepted)), shared(loop_buffer) {}

  static void start(pointer self) {
    auto& here = *self;
    here.socket.async_read_some(
        asio::buffer(here.buffer),
        [self = std::move(self)](boost::system::error_code error, std::size_t got) mutable {
          if (!error) {
            auto& connection = *self;
            connection.after(connection.on_read(got), std::move(self));
          }
        });
  }

  outcome on_read(std::size_t got) {
    const int handle = socket.native_handle();
    if (got < buffer.size()) {
      return unsent.send(handle, std::span(buffer).first(got));
    }
    std::memcpy(shared.data(), buffer.data(), got);
    const auto more = ::recv(handle, shared.data() + got, shared.size() - got, MSG_DONTWAIT);
    if (more > 0) {
      got += static_cast<std::size_t>(more);
    }
    return unsent.send(handle, shared.first(got));  // an end or error shows at the next read
  }

  void after(outcome result, pointer self) {
    if (result == outcome::drained) {
      start(std::move(self));
    } else if (result == outcome::blocked) {
      socket.async_wait(asio::socket_base::wait_write,
                        [self = std::move(self)](boost::system::error_code error) mutable {
                          if (!error) {
                            auto& connection = *self;
                            connection.after(
                                connection.unsent.flush(connection.socket.native_handle()),
                                std::move(self));
                          }
                        });
    }
  }

  socket_of<loop_executor> socket;
  std::span<char> shared;
  std::array<char, small_size> buffer{};
  backlog unsent;
};

struct wait_connection {
  using pointer = std::unique_ptr<wait_connection>;

  wait_connection(socket_of<loop_executor> accepted, std::span<char> loop_buffer)
      : socket(std::move(accepted)), shared(loop_buffer) {}

  static void start(pointer self) { wait(asio::socket_base::wait_read, std::move(self)); }

  static void wait(asio::socket_base::wait_type what, pointer self) {
    auto& here = *self;
    here.socket.async_wait(what, [self = std::move(self)](boost::system::error_code error) mutable {
      if (error) {
        return;
      }
      auto& connection = *self;
      const auto result = echo(connection.socket.native_handle(),
                               connection.unsent,
                               connection.shared,
                               reading::until_short);
      if (result != outcome::closed) {
        wait(result == outcome::drained ? asio::socket_base::wait_read
                                        : asio::socket_base::wait_write,
             std::move(self));
      }
    });
  }

  socket_of<loop_executor> socket;
  std::span<char> shared;
  backlog unsent;
};

using loop_acceptor = asio::basic_socket_acceptor<asio::ip::tcp, loop_executor>;

template <class Executor, class Connection>
void accept_each(loop_acceptor& acceptor, const Executor& executor, std::span<char> shared) {
  acceptor.async_accept(
      executor,
      [&acceptor, executor, shared](boost::system::error_code error, socket_of<Executor> socket) {
        if (!error) {
          socket.set_option(asio::ip::tcp::no_delay(true));
          Connection::start(std::make_unique<Connection>(std::move(socket), shared));
        }
        accept_each<Executor, Connection>(acceptor, executor, shared);
      });
}

template <class Executor, class Connection>
void serve_with_asio(int listener) {
  asio::io_context loop{1};
  std::vector<char> shared(buffer_size);
  loop_acceptor acceptor(loop, asio::ip::tcp::v4(), listener);
  accept_each<Executor, Connection>(acceptor, loop.get_executor(), shared);
  loop.run();
}

// ---- our own epoll set ----

struct edge_connection {
  int socket;
  backlog unsent;
};

enum class turn_result { nothing, handled, listener_ready };

class edge_set {
 public:
  edge_set() : set_(bench::checked(::epoll_create1(EPOLL_CLOEXEC), "epoll_create1")) {}

  [[nodiscard]] int handle() const { return set_; }

  void add(int socket) {
    bench::no_delay(socket);
    epoll_event interest{};
    interest.events = edges;
    interest.data.ptr = new edge_connection{socket, {}};
    bench::checked(::epoll_ctl(set_, EPOLL_CTL_ADD, socket, &interest), "epoll_ctl");
  }

  /// Handles what is ready; an entry without a connection is the listener.
  turn_result turn(int timeout) {
    turn_result result = turn_result::nothing;
    const int count = ::epoll_wait(set_, events_.data(), static_cast<int>(events_.size()), timeout);
    for (int i = 0; i < count; ++i) {
      const auto& event = events_[static_cast<std::size_t>(i)];
      if (event.data.ptr == nullptr) {
        result = turn_result::listener_ready;
        continue;
      }
      handle_event(event);
      if (result == turn_result::nothing) {
        result = turn_result::handled;
      }
    }
    return result;
  }

 private:
  void handle_event(const epoll_event& event) {
    auto* const connection = static_cast<edge_connection*>(event.data.ptr);
    // A FIN that was there before this call raises no further edge: read up to it.
    const bool ended = (event.events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0;
    if ((event.events & EPOLLIN) == 0 && !ended && connection->unsent.empty()) {
      return;  // only writable, and nothing waits for that
    }
    const auto result = echo(connection->socket,
                             connection->unsent,
                             buffer_,
                             ended ? reading::until_end : reading::until_short);
    if (result == outcome::closed) {
      ::close(connection->socket);
      delete connection;
    }
  }

  int set_;
  std::array<epoll_event, 256> events_{};
  std::vector<char> buffer_ = std::vector<char>(buffer_size);
};

void accept_into(loop_acceptor& acceptor, asio::io_context& loop, edge_set& set) {
  acceptor.async_accept(loop.get_executor(),
                        [&](boost::system::error_code error, socket_of<loop_executor> socket) {
                          if (!error) {
                            set.add(socket.release());
                          }
                          accept_into(acceptor, loop, set);
                        });
}

using loop_descriptor = asio::posix::basic_stream_descriptor<loop_executor>;

void wait_for(loop_descriptor& ready, edge_set& set, int asks) {
  ready.async_wait(asio::posix::descriptor_base::wait_read,
                   [&ready, &set, asks](boost::system::error_code error) {
                     if (error) {
                       return;
                     }
                     for (int i = 0; i < asks && set.turn(0) != turn_result::nothing; ++i) {
                     }
                     wait_for(ready, set, asks);
                   });
}

void serve_with_edges(int listener, int asks) {
  asio::io_context loop{1};
  edge_set set;
  loop_acceptor acceptor(loop, asio::ip::tcp::v4(), listener);
  accept_into(acceptor, loop, set);
  loop_descriptor ready(loop, set.handle());
  wait_for(ready, set, asks);
  loop.run();
}

void serve_raw(int listener) {
  edge_set set;
  epoll_event interest{};
  interest.events = EPOLLIN;
  interest.data.ptr = nullptr;
  bench::checked(::epoll_ctl(set.handle(), EPOLL_CTL_ADD, listener, &interest), "epoll_ctl");
  while (true) {
    if (set.turn(-1) == turn_result::listener_ready) {
      const int socket = ::accept4(listener, nullptr, nullptr, SOCK_CLOEXEC);
      if (socket >= 0) {
        set.add(socket);
      }
    }
  }
}

}  // namespace

int main(int argc, char** argv) {
  const std::string_view way = argc > 1 ? argv[1] : "";
  const int listener = bench::listen_on(bench::port_argument(argc, argv, 2));
  bench::announce(listener);
  if (way == "read_some") {
    serve_with_asio<loop_executor, read_some_connection<loop_executor>>(listener);
  } else if (way == "read_some_any") {
    using any = asio::any_io_executor;
    serve_with_asio<any, read_some_connection<any>>(listener);
  } else if (way == "read_some_small") {
    serve_with_asio<loop_executor, read_some_small_connection>(listener);
  } else if (way == "wait") {
    serve_with_asio<loop_executor, wait_connection>(listener);
  } else if (way == "edge") {
    serve_with_edges(listener, 1);
  } else if (way == "edge_again") {
    serve_with_edges(listener, 8);
  } else if (way == "raw") {
    serve_raw(listener);
  } else {
    bench::fail(
        "usage: spike_readiness read_some|read_some_any|read_some_small|wait|edge|"
        "edge_again|raw [PORT]");
  }
}
