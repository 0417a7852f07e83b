// The endings that the demo plays. Each names the rows of docs/closing.md that it shows.
#pragma once

#include <span>

#include "moment.hpp"
#include "stage.hpp"

namespace adieu::tool::demo {

struct scenario {
  std::string_view title;
  std::string_view rows;
  std::string_view lesson;
  void (*play)(stage& on);
};

[[nodiscard]] std::span<const scenario> scenarios() noexcept;

// closing.cpp: with the closing handshake
void active_close(stage& on);
void passive_close(stage& on);
void receive_while_closing(stage& on);
void crossing_closes(stage& on);
void half_close(stage& on);
void unread_data(stage& on);
void after_the_end(stage& on);
// cutting.cpp: TCP ends first
void abort(stage& on);
void dispose(stage& on);
void peer_vanishes(stage& on);
void peer_resets(stage& on);
// failing.cpp: the peer does not do its part
void silent_peer(stage& on);
void unanswered_close(stage& on);
void broken_rule(stage& on);

/// For an outcome that is looked at instead of thrown.
[[nodiscard]] inline auto into(error_code& ec) {
  return asio::redirect_error(asio::use_awaitable, ec);
}

/// Sends every message back, until the peer's Close or the end; says how it ended.
asio::awaitable<error_code> echo(websocket& socket);

/// "receive: connection_closed_prematurely"
[[nodiscard]] std::string outcome(std::string_view call, errc error);

}  // namespace adieu::tool::demo
