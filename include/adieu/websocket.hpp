// adieu::websocket: one WebSocket connection, client or server, over any transport.
//
// Every operation may be started from any thread (P8). Handlers run on their associated executor,
// by default the connection's, and never inside the call that started them. Cancellation signals
// are to be emitted on the connection's executor; every cancellation type means the same (P7).
// After the end, every operation fails with errc::invalid_state (S8). Rows such as P8 are explained
// in docs/rows.md, D rows in docs/deviations.md.
#pragma once

#include <boost/asio/async_result.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/deferred.hpp>
#include <boost/asio/generic/stream_protocol.hpp>

#include <concepts>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "adieu/message.hpp"
#include "adieu/net/start.hpp"
#include "adieu/net/transport.hpp"
#include "adieu/options.hpp"
#include "adieu/record.hpp"

namespace adieu::net {
struct terms;
}

namespace adieu {

namespace asio = boost::asio;

class message_writer;

/// Whether a piece ends its message (.NET's endOfMessage).
enum class end_of_message : bool { no, yes };

/// Outlives the websocket: the state and the record, from any thread.
class connection_handle {
 public:
  connection_handle() = default;
  explicit connection_handle(std::shared_ptr<const net::connection_status> status) noexcept
      : status_(std::move(status)) {}

  [[nodiscard]] adieu::state state() const noexcept {
    return status_ ? status_->state() : adieu::state::none;
  }
  /// The disconnect record (D12), once the connection has ended.
  [[nodiscard]] std::optional<disconnect_record> record() const {
    return status_ ? status_->record() : std::nullopt;
  }

 private:
  std::shared_ptr<const net::connection_status> status_;
};

class websocket {
 public:
  using executor_type = asio::any_io_executor;

  /// Not connected: state none.
  websocket() noexcept = default;
  websocket(websocket&&) noexcept = default;
  websocket& operator=(websocket&& other) noexcept;
  /// P6. Before both Close frames are at least queued, TCP is closed without one (cause
  /// `disposed`); after that the loop finishes the teardown by itself. Pending operations get
  /// errc::aborted.
  ~websocket();

  /// N19, P10: a websocket over any connected stream of Asio's, without an HTTP handshake.
  /// `leftover` is what was already read from it. On a plain socket the record is complete; other
  /// streams can't tell what the peer's kernel acknowledged, and an adopted TLS stream ends with a
  /// FIN but without close_notify.
  template <typename AsyncStream>
  [[nodiscard]] static websocket adopt(AsyncStream stream,
                                       role self,
                                       const websocket_options& options = {},
                                       std::string leftover = {});

  // ── Receiving (P2, P3, P9) ──────────────────────────────────────────────────────────────────
  // One receive at a time: a second one gets errc::operation_in_progress. What has arrived is
  // delivered in order, then the peer's Close (a result of type close, S6) or the error (S9) once,
  // then errc::invalid_state. Cancelling a receive loses nothing (P7).

  /// Completes when `buffer` is full or the frame ends; it never spans frames (N12). An empty
  /// buffer waits for data without taking it. Signature: void(error_code, receive_result).
  template <typename Token = asio::deferred_t>
  [[nodiscard]] auto async_receive(asio::mutable_buffer buffer, Token&& token = Token()) {
    return net::start<net::call_kind::receive, receive_result>(
        driver_, home(), std::forward<Token>(token), [buffer](net::call& c) {
          c.buffer = bytes_of(buffer);
        });
  }

  /// Completes with whatever is there.
  template <typename Token = asio::deferred_t>
  [[nodiscard]] auto async_receive_some(asio::mutable_buffer buffer, Token&& token = Token()) {
    return net::start<net::call_kind::receive_some, receive_result>(
        driver_, home(), std::forward<Token>(token), [buffer](net::call& c) {
          c.buffer = bytes_of(buffer);
        });
  }

  /// A whole message into `into`, which lives until completion and keeps its memory. A message over
  /// `max_message_size` fails the connection with 1009 and errc::message_too_big.
  template <typename Token = asio::deferred_t>
  [[nodiscard]] auto async_receive_message(message& into, Token&& token = Token()) {
    return net::start<net::call_kind::receive_message, receive_result>(
        driver_, home(), std::forward<Token>(token), [&into](net::call& c) {
          c.into = &into.payload;
          c.into_type = &into.type;
        });
  }

  /// What async_receive would complete with now, or nothing; what there is of a frame, when the
  /// window is full and reading waits for room. Never waits. On the executor only.
  /// Throws system_error where async_receive would fail.
  [[nodiscard]] std::optional<receive_result> try_receive(asio::mutable_buffer buffer);
  /// A whole message that has arrived, or nothing. It does not make reading go beyond the window: a
  /// message that is larger than `receive_window` needs async_receive_message.
  [[nodiscard]] std::optional<receive_result> try_receive_message(message& into);

  /// Every message, straight from the reader, on the connection's executor; replaces receives, and
  /// an empty handler brings them back. The view lives until the handler returns. The peer's Close
  /// is answered with its own code when no data is left (D11). A handler that throws closes the
  /// connection with 1011; the exception goes to a server's on_handler_error, elsewhere it leaves
  /// through the loop's run().
  void on_message(std::function<void(const message_view&)> handler);

  // ── Sending (P1, P8, N13) ───────────────────────────────────────────────────────────────────
  // Sends are queued in the order of their calls and complete when the kernel took their last byte;
  // until then the buffer must live. They are valid until a close is called. Cancelling a send
  // withdraws it if nothing of its message has begun; otherwise it completes. A peer that reads
  // nothing for `write_timeout` ends the connection. Signature: void(error_code).

  /// Text is UTF-8; like .NET, Adieu does not check what it sends, but the peer does, and closes
  /// with 1007. The text lives until completion: in a coroutine, `co_await` sees to that; with a
  /// callback, keep it yourself or use send().
  template <typename Token = asio::deferred_t>
  [[nodiscard]] auto async_send(std::string_view text, Token&& token = Token()) {
    return async_send(
        asio::buffer(text), message_type::text, end_of_message::yes, std::forward<Token>(token));
  }

  template <typename Token = asio::deferred_t>
  [[nodiscard]] auto async_send(const message& whole, Token&& token = Token()) {
    return async_send(
        asio::buffer(whole.payload), whole.type, end_of_message::yes, std::forward<Token>(token));
  }

  /// A piece of a message. Pieces that do not end theirs belong to the websocket's own message:
  /// whatever is sent next this way continues it.
  template <typename Token = asio::deferred_t>
  requires(!std::same_as<std::decay_t<Token>, compression>)
      [[nodiscard]] auto async_send(asio::const_buffer data,
                                    message_type type,
                                    end_of_message end = end_of_message::yes,
                                    Token&& token = Token()) {
    return async_send(data, type, end, compression::as_agreed, std::forward<Token>(token));
  }

  /// The same for a message that shall not be compressed though permessage-deflate was agreed: one
  /// that is compressed already, or that holds a secret (N13). All pieces of a message must say the
  /// same, else errc::invalid_argument.
  template <typename Token = asio::deferred_t>
  [[nodiscard]] auto async_send(asio::const_buffer data,
                                message_type type,
                                end_of_message end,
                                compression compress,
                                Token&& token = Token()) {
    return net::send_piece(driver_,
                           home(),
                           {.type = type,
                            .ends_message = end == end_of_message::yes,
                            .payload = net::bytes_of(data),
                            .compress = compress},
                           std::forward<Token>(token));
  }

  /// Copies, and does not wait: for callbacks. What can't be sent, also because a close was called,
  /// is counted in the record; after the end, nothing happens. When more copies wait than
  /// `max_buffered_amount`, because the peer reads slowly, the connection is closed with 1008
  /// (cause `too_much_buffered`): what was taken still goes out, what follows would have a gap
  /// before it.
  void send(std::string_view text);
  void send(std::span<const std::byte> data);
  void send(const message_view& whole);

  /// The same, and says at once what became of it: success (it was copied, and goes out before
  /// whatever is sent next); too_much_buffered (nothing was sent, and the connection goes on: leave
  /// the message out, or wait for room with async_send); invalid_state;
  /// connection_closed_prematurely. From any thread; called beside the executor, success may also
  /// mean that the end of the connection has not got about yet: the record counts such a message.
  [[nodiscard]] errc try_send(std::string_view text);
  [[nodiscard]] errc try_send(std::span<const std::byte> data);
  [[nodiscard]] errc try_send(const message_view& whole);

  /// A message in pieces that holds its place among the others until its end (P8).
  [[nodiscard]] message_writer begin_message(message_type type,
                                             compression compress = compression::as_agreed);

  /// Sends a Ping; completes with the round-trip time when its Pong has come. It has no deadline of
  /// its own: a peer that falls silent is found by the keep-alive, and the end completes it. Valid
  /// in `open`, until a close is called. Signature: void(error_code, std::chrono::nanoseconds).
  template <typename Token = asio::deferred_t>
  [[nodiscard]] auto async_ping(Token&& token = Token()) {
    return net::start<net::call_kind::ping, core::duration>(
        driver_, home(), std::forward<Token>(token), [](net::call&) {});
  }

  // ── Closing (S2–S5, P4, P5) ─────────────────────────────────────────────────────────────────

  /// S2: sends our Close behind what was sent before, waits for the peer's, then for TCP's end.
  /// No error means that both Close frames passed (S5). Data that nobody receives meanwhile is
  /// discarded and counted (P4). Deadline: `close_timeout` in total, then errc::close_timeout.
  /// In close_sent it joins the handshake that is under way (N3). Bad arguments (N7, D13):
  /// errc::invalid_argument, and nothing is sent. Cancelling stops the wait, not the handshake.
  template <typename Token = asio::deferred_t>
  [[nodiscard]] auto async_close(close_status code = close_status::normal_closure,
                                 std::string reason = {},
                                 Token&& token = Token()) {
    return net::start<net::call_kind::close>(
        driver_,
        home(),
        std::forward<Token>(token),
        [code, reason = std::move(reason)](net::call& c) mutable {
          c.code = code;
          c.reason = std::move(reason);
        });
  }

  /// S3: completes when our Close is written. As the answer to the peer's Close it completes the
  /// handshake, and TCP is closed behind it. In `open` it is a half-close: go on receiving until
  /// the peer's Close; TCP is then closed by itself (D15). Only a peer that stays silent for
  /// `close_timeout` ends it earlier.
  template <typename Token = asio::deferred_t>
  [[nodiscard]] auto async_close_output(close_status code = close_status::normal_closure,
                                        std::string reason = {},
                                        Token&& token = Token()) {
    return net::start<net::call_kind::close_output>(
        driver_,
        home(),
        std::forward<Token>(token),
        [code, reason = std::move(reason)](net::call& c) mutable {
          c.code = code;
          c.reason = std::move(reason);
        });
  }

  /// S4: a TCP reset, at once. Everything that is pending completes with errc::aborted. After both
  /// Closes it only ends the wait for TCP. From any thread.
  void abort();

  /// Completes when TCP is gone, with the record. Signature: void(error_code, disconnect_record).
  template <typename Token = asio::deferred_t>
  [[nodiscard]] auto async_wait_closed(Token&& token = Token()) {
    return net::start<net::call_kind::wait_closed, disconnect_record>(
        driver_, home(), std::forward<Token>(token), [](net::call&) {});
  }

  /// Called once on the executor, with the record, also when the websocket is gone by then; several
  /// hooks in the order of their registration. Throws system_error if it was never connected.
  void on_end(std::function<void(const disconnect_record&)> handler);

  // ── Asking, from any thread ─────────────────────────────────────────────────────────────────

  /// The wire's truth (P2), not what was received by the app.
  [[nodiscard]] adieu::state state() const noexcept;
  /// N5: the peer's Close, once it was read.
  [[nodiscard]] std::optional<adieu::close_status> close_status() const;
  [[nodiscard]] std::string close_description() const;
  /// The subprotocol that was agreed on, or empty.
  [[nodiscard]] const std::string& subprotocol() const noexcept;
  /// The extensions that were agreed on, as the server's Sec-WebSocket-Extensions says them, or
  /// empty: "permessage-deflate; client_max_window_bits=12".
  [[nodiscard]] const std::string& extensions() const noexcept;
  [[nodiscard]] std::optional<disconnect_record> record() const { return handle().record(); }
  [[nodiscard]] connection_handle handle() const;

  [[nodiscard]] executor_type get_executor() const;
  explicit operator bool() const noexcept { return driver_ != nullptr; }

  // For adopt(), async_connect and server.
  static websocket over(const asio::any_io_executor& executor,
                        std::unique_ptr<net::transport> carrier,
                        std::shared_ptr<const core::settings> how,
                        net::terms&& agreed);
  static websocket adopted(const asio::any_io_executor& executor,
                           std::unique_ptr<net::transport> carrier,
                           role self,
                           const websocket_options& options,
                           std::string leftover = {});
  static websocket over_socket(asio::generic::stream_protocol::socket socket,
                               role self,
                               const websocket_options& options,
                               std::string leftover);
  static websocket failed(asio::any_io_executor executor,
                          std::shared_ptr<net::connection_status> status);

 private:
  friend class message_writer;
  friend class server;

  static core::bytes bytes_of(asio::mutable_buffer buffer) noexcept {
    return {static_cast<std::byte*>(buffer.data()), buffer.size()};
  }

  struct failed_connect {
    asio::any_io_executor home;
    std::shared_ptr<net::connection_status> status;
  };
  [[nodiscard]] asio::any_io_executor home() const {
    return failed_ ? failed_->home : asio::any_io_executor();
  }

  std::shared_ptr<net::driver> driver_;
  std::unique_ptr<const failed_connect> failed_;
};

/// A message that is sent in pieces, with the rules of async_send for threads, cancellation and
/// errors; one thread at a time uses a writer. While it is open, other messages wait behind it;
/// control frames pass between its pieces. Destroyed before its end: if nothing of it was sent, its
/// place is given up; otherwise the message can't be ended truthfully, and the connection closes
/// with 1011.
class message_writer {
 public:
  message_writer(message_writer&& other) noexcept;
  message_writer& operator=(message_writer&& other) noexcept;
  ~message_writer();

  template <typename Token = asio::deferred_t>
  [[nodiscard]] auto async_write(asio::const_buffer piece, Token&& token = Token()) {
    return write(piece, end_of_message::no, std::forward<Token>(token));
  }
  /// The last piece, which may be empty. The writer is of no use after it.
  template <typename Token = asio::deferred_t>
  [[nodiscard]] auto async_finish(asio::const_buffer piece = {}, Token&& token = Token()) {
    return write(piece, end_of_message::yes, std::forward<Token>(token));
  }

 private:
  friend class websocket;
  message_writer(std::shared_ptr<net::driver> driver,
                 core::sender id,
                 message_type type,
                 compression compress) noexcept
      : driver_(std::move(driver)), id_(id), type_(type), compress_(compress) {}
  template <typename Token>
  auto write(asio::const_buffer piece, end_of_message end, Token&& token) {
    return net::send_piece(driver_,
                           asio::any_io_executor(),
                           {.from = id_,
                            .type = type_,
                            .ends_message = end == end_of_message::yes,
                            .payload = net::bytes_of(piece),
                            .compress = compress_},
                           std::forward<Token>(token));
  }
  void give_up() noexcept;

  std::shared_ptr<net::driver> driver_;
  core::sender id_ = 0;
  message_type type_ = message_type::text;
  compression compress_ = compression::as_agreed;
};

}  // namespace adieu

#include "adieu/net/stream_transport.hpp"
