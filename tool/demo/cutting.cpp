// The endings in which TCP ends before both Closes have passed.
#include "scenarios.hpp"

namespace adieu::tool::demo {

using asio::awaitable;

namespace {

// The server's side of a client that cuts TCP.
stage::server_part echo_until_cut(stage& on) {
  return [&on](websocket& socket) -> awaitable<void> {
    const error_code ec = co_await echo(socket);
    on.expect(ec == errc::connection_closed_prematurely,
              "the server's receive fails with connection_closed_prematurely");
    if (ec == errc::connection_closed_prematurely) {
      on.log().note(end::server, outcome("receive", errc::connection_closed_prematurely));
    }
  };
}

}  // namespace

void abort(stage& on) {
  on.play(
      [&on](websocket socket) -> awaitable<void> {
        co_await socket.async_send("hello");
        message answer;
        co_await socket.async_receive_message(answer);
        on.log().note(end::client, "abort()");
        socket.abort();
        error_code ec;
        co_await socket.async_receive_message(answer, into(ec));
        on.expect(ec == errc::aborted, "the client's next receive fails with aborted");
      },
      echo_until_cut(on));
  on.check(end::client, expectation::unclean(cause::local_abort).tcp(tcp_end::reset_sent));
  on.check(end::server, expectation::unclean(cause::peer_reset).tcp(tcp_end::reset_received));
}

void dispose(stage& on) {
  on.play(
      [&on](websocket socket) -> awaitable<void> {
        co_await socket.async_send("hello");
        message answer;
        co_await socket.async_receive_message(answer);
        on.log().note(end::client, "the websocket goes out of scope");
      },
      echo_until_cut(on));
  on.check(end::client, expectation::unclean(cause::disposed).tcp(tcp_end::our_fin_first));
  on.check(end::server, expectation::unclean(cause::peer_vanished).tcp(tcp_end::peer_fin_first));
}

void peer_vanishes(stage& on) {
  on.play_raw_server(
      [&on](websocket socket) -> awaitable<void> {
        co_await socket.async_send("hello");
        message answer;
        error_code ec;
        co_await socket.async_receive_message(answer, into(ec));
        on.expect(ec == errc::connection_closed_prematurely,
                  "the receive fails with connection_closed_prematurely");
        if (ec == errc::connection_closed_prematurely) {
          on.log().note(end::client, outcome("receive", errc::connection_closed_prematurely));
        }
      },
      [&on](raw_peer& peer) -> awaitable<void> {
        co_await peer.accept();
        co_await peer.read_until(sort::data);
        on.log().note(end::server, "closes TCP, says nothing");
        peer.fin();
        co_await peer.read_to_end();
      });
  on.check(end::client, expectation::unclean(cause::peer_vanished).tcp(tcp_end::peer_fin_first));
}

void peer_resets(stage& on) {
  on.play_raw_client(
      [&on](raw_peer& peer) -> awaitable<void> {
        co_await peer.send_text("hello");
        co_await peer.read_until(sort::data);
        on.log().note(end::client, "closes TCP with SO_LINGER 0");
        peer.reset();
      },
      echo_until_cut(on));
  on.check(end::server, expectation::unclean(cause::peer_reset).tcp(tcp_end::reset_received));
}

}  // namespace adieu::tool::demo
