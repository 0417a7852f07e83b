// Any AsyncReadStream + AsyncWriteStream of Asio's as a transport (N19, P10): TLS streams of the
// user's, pipes, test streams. One read is always pending, into a buffer of its own.
//
// A write is copied first: after an abort the caller's memory may go away while the stream's
// operation still runs.
#pragma once

#include <boost/asio/bind_executor.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/socket_base.hpp>
#include <boost/asio/write.hpp>

#include <atomic>
#include <vector>

#include "adieu/net/transport.hpp"
#include "adieu/websocket.hpp"

namespace adieu::net {

/// How a stream's read or write error ends the input.
[[nodiscard]] core::input_end input_end_of(const error_code& ec) noexcept;

template <typename Stream>
class stream_transport final : public transport {
 public:
  explicit stream_transport(Stream stream) : stream_(std::move(stream)) {}

  void start(const std::shared_ptr<transport_listener>& listener) override {
    listener_ = listener.get();
  }

  [[nodiscard]] bool pump() override {
    if (write_.done.exchange(false, std::memory_order_acquire)) {
      write_.pending = false;
      if (write_.error) {
        listener_->on_output_failed(input_end_of(write_.error), write_.error.value());
      } else {
        listener_->on_written(write_.size);
      }
    }
    if (closed_ || input_ended_) return false;
    if (read_.done.exchange(false, std::memory_order_acquire)) {
      read_.pending = false;
      if (read_.error) {
        input_ended_ = true;
        listener_->on_input_end(input_end_of(read_.error), read_.error.value());
        return false;
      }
      listener_->on_bytes(core::bytes(in_).first(read_.size));
    }
    const std::size_t allowance = listener_->read_allowance();
    if (closed_ || read_.pending || allowance == 0) return false;
    in_.resize(std::min(allowance, read_size));
    read_.pending = true;
    stream_.async_read_some(boost::asio::buffer(in_), handler(read_));
    return false;
  }

  [[nodiscard]] write_result write(std::span<const core::const_bytes> list, urgency) override {
    if (write_.pending) return {};
    out_.clear();
    for (const core::const_bytes piece : list) out_.insert(out_.end(), piece.begin(), piece.end());
    write_.pending = true;
    boost::asio::async_write(stream_, boost::asio::buffer(out_), handler(write_));
    return {write_result::outcome::in_flight, out_.size()};
  }

  void shut_output() override {
    constexpr auto output = boost::asio::socket_base::shutdown_send;
    error_code ignored;
    if constexpr (requires { stream_.lowest_layer().shutdown(output, ignored); }) {
      stream_.lowest_layer().shutdown(output, ignored);
    } else if constexpr (requires { stream_.shutdown_send(); }) {
      stream_.shutdown_send();
    }
  }

  core::closing_facts close(ending how) override {
    closed_ = true;
    core::closing_facts facts;
    error_code ignored;
    const boost::asio::socket_base::linger at_once(true, 0);
    if constexpr (requires { stream_.lowest_layer().set_option(at_once, ignored); }) {
      if (how == ending::reset) {
        stream_.lowest_layer().set_option(at_once, ignored);
        facts.was_reset = !ignored;
      }
    }
    if constexpr (requires { stream_.lowest_layer().close(ignored); }) {
      stream_.lowest_layer().close(ignored);
    } else if constexpr (requires { stream_.close(); }) {
      stream_.close();
    }
    return facts;
  }

 private:
  static constexpr std::size_t read_size = 64 * 1024;

  // What an operation's handler says to whoever is in the driver next.
  struct operation {
    bool pending = false;
    std::atomic<bool> done{false};
    error_code error;
    std::size_t size = 0;
  };

  auto handler(operation& what) {
    return boost::asio::bind_executor(
        stream_.get_executor(),
        [&what, keep = listener_->shared_from_this()](error_code ec, std::size_t size) {
          what.error = ec;
          what.size = size;
          what.done.store(true, std::memory_order_release);
          keep->on_event();
        });
  }

  Stream stream_;
  transport_listener* listener_ = nullptr;
  std::vector<std::byte> in_;
  std::vector<std::byte> out_;
  operation read_;
  operation write_;
  bool input_ended_ = false;
  bool closed_ = false;
};

}  // namespace adieu::net

namespace adieu {

template <typename AsyncStream>
websocket websocket::adopt(AsyncStream stream,
                           role self,
                           const websocket_options& options,
                           std::string leftover) {
  if constexpr (std::is_constructible_v<asio::generic::stream_protocol::socket, AsyncStream&&>) {
    return over_socket(asio::generic::stream_protocol::socket(std::move(stream)),
                       self,
                       options,
                       std::move(leftover));
  } else {
    const asio::any_io_executor executor = stream.get_executor();
    return adopted(executor,
                   std::make_unique<net::stream_transport<AsyncStream>>(std::move(stream)),
                   self,
                   options,
                   std::move(leftover));
  }
}

}  // namespace adieu
