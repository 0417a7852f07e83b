// Our half of the scenarios: a loop on a thread of its own, servers and clients on it, and calls
// that wait, so that a test reads as a conversation. Every wait has a deadline, and throws at it.
//
// Calls that may come from any thread (P8) are made from the test's thread, receives on the loop.
#pragma once

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <condition_variable>
#include <deque>
#include <future>
#include <iostream>
#include <memory>
#include <mutex>
#include <stdexcept>
#include <string>
#include <thread>

#include "tests/peers/child.hpp"
#include <adieu/adieu.hpp>

namespace peers {

namespace asio = boost::asio;
using adieu::close_status;
using adieu::error_code;
using adieu::message_type;
using asio::ip::tcp;

template <typename T>
T wait_for(std::future<T> coming, const char* what) {
  if (coming.wait_for(patience) != std::future_status::ready) {
    throw std::runtime_error(std::string("our side waited too long for ") + what);
  }
  return coming.get();
}

/// What a receive of a whole message brought.
struct received {
  received() = default;
  error_code ec;
  adieu::receive_result result;
  adieu::message message;
};

/// One connection of ours, led from the test's thread.
class our_end : public std::enable_shared_from_this<our_end> {
 public:
  /// A websocket of our own.
  our_end(asio::io_context& loop, adieu::websocket&& socket)
      : loop_(loop), own_(std::move(socket)), socket_(&own_), released_(loop) {}
  /// A websocket that a server lent us, until release().
  our_end(asio::io_context& loop, adieu::websocket& lent)
      : loop_(loop), socket_(&lent), released_(loop) {}

  /// On the loop, before anything else.
  void begin();
  [[nodiscard]] asio::steady_timer& released() { return released_; }

  std::future<received> start_receive();
  received receive() { return wait_for(start_receive(), "a message"); }

  std::future<error_code> start_send(adieu::message message);
  error_code send(adieu::message message);

  /// One message in as many frames.
  error_code send_pieces(message_type type, const std::string& payload, std::size_t pieces);

  std::pair<error_code, std::chrono::nanoseconds> ping();

  std::future<error_code> start_close(close_status code, std::string reason);
  error_code close(close_status code, std::string reason);
  error_code close_output(close_status code, std::string reason);
  void abort() { socket_->abort(); }

  /// The record, once TCP is gone.
  adieu::disconnect_record record();

  [[nodiscard]] adieu::state state() const { return handle_.state(); }
  [[nodiscard]] std::string extensions() const { return socket_->extensions(); }

  /// The websocket goes out of scope, or the server's handler returns.
  void release();

 private:
  asio::io_context& loop_;
  adieu::websocket own_;
  adieu::websocket* socket_;
  adieu::connection_handle handle_;
  asio::steady_timer released_;
  std::promise<adieu::disconnect_record> ended_;
};

using our_end_ptr = std::shared_ptr<our_end>;

/// The loop, its thread, one server, and everything that was opened.
class adieu_side {
 public:
  adieu_side() : guard_(loop_.get_executor()), thread_([this] { loop_.run(); }) {}
  adieu_side(const adieu_side&) = delete;
  adieu_side& operator=(const adieu_side&) = delete;
  ~adieu_side();

  [[nodiscard]] asio::io_context& loop() { return loop_; }

  /// Of every connection from then on.
  adieu::websocket_options options;

  /// Listens, once; its connections come out of accepted().
  std::uint16_t serve();
  our_end_ptr accepted();

  our_end_ptr connect(const std::string& url);

  /// A bare TCP connection to the port, adopted as a client's.
  our_end_ptr adopt_connected(std::uint16_t port);
  /// A bare TCP connection from somebody, adopted as a server's: first the port, then the
  /// connection.
  std::uint16_t listen_to_adopt();
  our_end_ptr adopt_accepted() { return wait_for(adopted_.get_future(), "a TCP connection"); }

 private:
  asio::awaitable<void> hold(adieu::websocket& socket);

  our_end_ptr own(adieu::websocket socket);

  void adopt(error_code ec, tcp::socket& socket, adieu::role self, std::promise<our_end_ptr>& done);

  asio::io_context loop_;
  asio::executor_work_guard<asio::io_context::executor_type> guard_;
  std::optional<adieu::server> server_;
  std::uint16_t port_ = 0;
  std::mutex mutex_;
  std::condition_variable arrived_;
  std::deque<our_end_ptr> accepted_;
  std::optional<tcp::acceptor> acceptor_;
  std::promise<our_end_ptr> adopted_;
  std::thread thread_;
};

}  // namespace peers
