// The list of endings.
#include "scenarios.hpp"

#include <fmt/format.h>

namespace adieu::tool::demo {
namespace {

constexpr scenario all[] = {
    {"Active close",
     "S2 S5",
     "async_close sends our Close, waits for the peer's, then for TCP's end. Success: clean.",
     active_close},
    {"Passive close: the article's loop",
     "S3 S6",
     "A receive brings the Close, async_close_output answers it, the websocket may go.",
     passive_close},
    {"Abort",
     "S4",
     "TCP is reset at once, without a handshake. Both records say who did it.",
     abort},
    {"The destructor, without a close",
     "S4 P6",
     "TCP is closed without a Close frame: what .NET's Dispose does.",
     dispose},
    {"A receive is pending while another thread closes",
     "S7",
     "Both succeed, and the receive gets the Close frame.",
     receive_while_closing},
    {"Calls after the end", "S8", "Every call fails with invalid_state, for ever.", after_the_end},
    {"The peer vanishes",
     "S9",
     "TCP ends without a Close: connection_closed_prematurely.",
     peer_vanishes},
    {"The peer resets TCP",
     "S9",
     "The same error for the app; the record knows the difference.",
     peer_resets},
    {"Two Closes cross",
     "S2 P1",
     "Both ends close at the same moment, and both are right to say that they were first.",
     crossing_closes},
    {"A half-close that drains",
     "S3 D15",
     "After async_close_output we go on receiving. Nothing is lost; TCP closes by itself.",
     half_close},
    {"A close with unread data behind it",
     "D8 P4",
     "What comes between async_close and the peer's Close is thrown away, and counted.",
     unread_data},
    {"A silent peer",
     "D10",
     "No Pong within pong_timeout (here 200 ms): the peer is gone.",
     silent_peer},
    {"A Close that is never answered",
     "D6 P5",
     "async_close has a deadline (here 300 ms); the record says what it waited for.",
     unanswered_close},
    {"The peer breaks a rule",
     "D14",
     "Close 1002 says so; nothing more is read, TCP is closed.",
     broken_rule},
};

}  // namespace

std::span<const scenario> scenarios() noexcept { return all; }

asio::awaitable<error_code> echo(websocket& socket) {
  message received;
  for (;;) {
    error_code ec;
    const auto result = co_await socket.async_receive_message(received, into(ec));
    if (ec || result.type == message_type::close) co_return ec;
    co_await socket.async_send(received, into(ec));
  }
}

std::string outcome(std::string_view call, errc error) {
  return fmt::format("{}: {}", call, to_string(error));
}

}  // namespace adieu::tool::demo
