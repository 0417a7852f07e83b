// A TCP relay between two ends, which can hold what passes: that is how two Closes are made to
// cross. It lives on the loop of the test's side, and its calls may come from any thread.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/write.hpp>

#include <array>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <stdexcept>
#include <string>

#include "tests/peers/child.hpp"

namespace peers {

namespace asio = boost::asio;
using asio::ip::tcp;

enum class direction { to_target, from_target };

class relay {
 public:
  /// One connection, from whoever comes to port() to 127.0.0.1:`target`.
  relay(asio::io_context& loop, std::uint16_t target)
      : state_(std::make_shared<state>(loop, tcp::endpoint(loopback(), target))) {
    state_->acceptor.async_accept(state_->pipes[0].from, [s = state_](auto ec) {
      if (ec) return;
      s->acceptor.close();
      s->pipes[1].from.async_connect(s->target, [s](auto failed) {
        if (failed) return s->cut();
        s->pump(0);
        s->pump(1);
      });
    });
  }
  relay(const relay&) = delete;
  relay& operator=(const relay&) = delete;
  ~relay() {
    asio::post(state_->loop, [s = state_] { s->cut(); });
  }

  [[nodiscard]] std::uint16_t port() const { return state_->port; }

  /// From now on, what comes in this direction stays here.
  void hold(direction where) {
    const std::lock_guard lock(state_->mutex);
    state_->of(where).held = true;
  }
  /// Until `size` bytes are held in this direction.
  void wait_held(direction where, std::size_t size = 1) {
    wait([&](state& s) { return s.of(where).kept.size() >= size; }, "held bytes");
  }
  /// Until `size` bytes have come in this direction altogether.
  void wait_passed(direction where, std::uint64_t size) {
    wait([&](state& s) { return s.of(where).passed >= size; }, "bytes");
  }
  [[nodiscard]] std::uint64_t passed(direction where) {
    const std::lock_guard lock(state_->mutex);
    return state_->of(where).passed;
  }
  void release(direction where) {
    asio::post(state_->loop, [s = state_, i = index(where)] { s->release(i); });
  }

 private:
  static asio::ip::address loopback() { return asio::ip::address_v4::loopback(); }
  static std::size_t index(direction where) { return where == direction::to_target ? 0 : 1; }

  struct pipe {
    explicit pipe(asio::io_context& loop) : from(loop) {}
    tcp::socket from;
    std::array<char, 16384> buffer{};
    std::string kept;
    std::uint64_t passed = 0;
    bool held = false;
    bool ended = false;
  };

  struct state : std::enable_shared_from_this<state> {
    state(asio::io_context& on, tcp::endpoint to)
        : loop(on),
          target(to),
          acceptor(on, tcp::endpoint(loopback(), 0)),
          pipes{pipe(on), pipe(on)} {
      port = acceptor.local_endpoint().port();
    }

    pipe& of(direction where) { return pipes[index(where)]; }

    void cut() {
      boost::system::error_code ignored;
      acceptor.close(ignored);
      for (pipe& each : pipes) each.from.close(ignored);
    }

    void pump(std::size_t i) {
      pipes[i].from.async_read_some(
          asio::buffer(pipes[i].buffer),
          [s = shared_from_this(), i](auto ec, std::size_t size) { s->take(i, size, bool(ec)); });
    }

    void take(std::size_t i, std::size_t size, bool ended) {
      {
        const std::lock_guard lock(mutex);
        pipes[i].kept.append(pipes[i].buffer.data(), size);
        pipes[i].passed += size;
        pipes[i].ended = ended;
        changed.notify_all();
        if (pipes[i].held) {
          if (!ended) pump(i);
          return;
        }
      }
      flush(i, !ended);
    }

    void release(std::size_t i) {
      {
        const std::lock_guard lock(mutex);
        pipes[i].held = false;
      }
      flush(i, false);  // a read is pending already, unless the input has ended
    }

    void flush(std::size_t i, bool and_go_on) {
      tcp::socket& to = pipes[1 - i].from;
      boost::system::error_code ignored;
      std::string out;
      {
        const std::lock_guard lock(mutex);
        out.swap(pipes[i].kept);
      }
      asio::write(to, asio::buffer(out), ignored);  // loopback, and little at a time
      if (pipes[i].ended) to.shutdown(tcp::socket::shutdown_send, ignored);
      if (and_go_on) pump(i);
    }

    asio::io_context& loop;
    tcp::endpoint target;
    tcp::acceptor acceptor;
    std::uint16_t port = 0;
    std::mutex mutex;
    std::condition_variable changed;
    std::array<pipe, 2> pipes;
  };

  template <typename Condition>
  void wait(Condition holds, const char* what) {
    std::unique_lock lock(state_->mutex);
    if (!state_->changed.wait_for(lock, patience, [&] { return holds(*state_); })) {
      throw std::runtime_error(std::string("the relay waited too long for ") + what);
    }
  }

  std::shared_ptr<state> state_;
};

}  // namespace peers
