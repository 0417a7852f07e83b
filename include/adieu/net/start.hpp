// Starts an operation of the public API with any completion token.
#pragma once

#include <boost/asio/async_result.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/system_executor.hpp>

#include "adieu/net/call.hpp"

namespace adieu::net {

[[nodiscard]] boost::asio::any_io_executor executor_of(const driver& connection) noexcept;

[[nodiscard]] constexpr core::operation operation_of(call_kind kind) noexcept {
  switch (kind) {
    case call_kind::send: return core::operation::send;
    case call_kind::ping: return core::operation::ping;
    case call_kind::close:
    case call_kind::wait_closed: return core::operation::close;
    case call_kind::close_output: return core::operation::close_output;
    case call_kind::receive:
    case call_kind::receive_some:
    case call_kind::receive_message:
    case call_kind::errand: break;
  }
  return core::operation::receive;
}

/// N1: a websocket that was never connected is in state none, where no operation is valid. Of one
/// whose connect failed, `home` is the executor; of an empty one, there is none.
template <call_kind Kind, typename Handler>
void refuse_unconnected(Handler handler, const boost::asio::any_io_executor& home) {
  core::completion refused;
  refused.error = errc::invalid_state;
  refused.what = operation_of(Kind);
  refused.seen = state::none;
  const boost::asio::any_io_executor fallback =
      home ? home : boost::asio::any_io_executor(boost::asio::system_executor());
  const auto executor = boost::asio::get_associated_executor(handler, fallback);  // before it moves
  boost::asio::post(
      executor, [handler = std::move(handler), refused = std::move(refused)]() mutable {
        std::apply(std::move(handler), result_of<Kind>(std::move(refused), connection_status{}));
      });
}

/// `fill` puts the arguments into the call.
template <call_kind Kind, typename... Results, typename Token, typename Fill>
auto start(std::shared_ptr<driver> connection,
           boost::asio::any_io_executor home,
           Token&& token,
           Fill fill) {
  return boost::asio::async_initiate<Token, void(error_code, Results...)>(
      [connection = std::move(connection), home = std::move(home)](auto handler, Fill fill_in) {
        using handler_type = std::decay_t<decltype(handler)>;
        if (!connection) return refuse_unconnected<Kind>(std::move(handler), home);
        auto* const what =
            handler_call<Kind, handler_type>::make(std::move(handler), executor_of(*connection));
        fill_in(*what);
        if (auto slot = what->cancellation_slot(); slot.is_connected()) {
          slot.assign([to = connection.get(), what](boost::asio::cancellation_type type) {
            if (type != boost::asio::cancellation_type::none) cancel(*to, *what);
          });
        }
        submit(*connection, *what);
      },
      token,
      std::move(fill));
}

inline core::const_bytes bytes_of(boost::asio::const_buffer data) noexcept {
  return {static_cast<const std::byte*>(data.data()), data.size()};
}

template <typename Token>
auto send_piece(std::shared_ptr<driver> connection,
                boost::asio::any_io_executor home,
                const core::send_piece& piece,
                Token&& token) {
  return start<call_kind::send>(
      std::move(connection), std::move(home), std::forward<Token>(token), [piece](call& c) {
        c.piece = piece;
      });
}

}  // namespace adieu::net
