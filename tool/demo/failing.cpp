// The endings in which the peer is there but does not do its part.
#include "scenarios.hpp"

namespace adieu::tool::demo {

using asio::awaitable;
using std::chrono::milliseconds;

void silent_peer(stage& on) {
  websocket_options options;
  options.ping_interval = milliseconds(200);
  options.pong_timeout = milliseconds(200);
  on.play_raw_client([](raw_peer& peer) -> awaitable<void> { co_await peer.read_to_end(); },
                     [&on](websocket& socket) -> awaitable<void> {
                       const error_code ec = co_await echo(socket);
                       on.expect(ec == errc::keepalive_timeout,
                                 "the receive fails with keepalive_timeout");
                       if (ec == errc::keepalive_timeout) {
                         on.log().note(end::server, outcome("receive", errc::keepalive_timeout));
                       }
                     },
                     options);
  on.check(end::server, expectation::unclean(cause::keepalive_timeout).tcp(tcp_end::reset_sent));
}

void unanswered_close(stage& on) {
  websocket_options options;
  options.close_timeout = milliseconds(300);
  on.play_raw_server(
      [&on](websocket socket) -> awaitable<void> {
        on.log().note(end::client, "async_close(1000, \"bye\")");
        error_code ec;
        co_await socket.async_close(close_status::normal_closure, "bye", into(ec));
        on.expect(ec == errc::close_timeout, "async_close fails with close_timeout");
        if (ec == errc::close_timeout) {
          on.log().note(end::client, outcome("async_close", errc::close_timeout));
        }
      },
      [](raw_peer& peer) -> awaitable<void> {
        co_await peer.accept();
        co_await peer.read_to_end();
      },
      options);
  on.check(end::client,
           expectation::unclean(cause::close_timeout, initiator::local)
               .sent(1000, "bye")
               .tcp(tcp_end::reset_sent)
               .waited_for(close_phase::awaiting_peer_close));
}

void broken_rule(stage& on) {
  on.play_raw_server(
      [&on](websocket socket) -> awaitable<void> {
        message received;
        error_code ec;
        co_await socket.async_receive_message(received, into(ec));
        on.expect(ec == errc::faulted, "the receive fails with faulted");
        if (ec == errc::faulted) on.log().note(end::client, outcome("receive", errc::faulted));
        co_await socket.async_wait_closed(into(ec));
      },
      [](raw_peer& peer) -> awaitable<void> {
        co_await peer.accept();
        co_await peer.send_bad_frame();
        co_await peer.read_to_end();
        peer.fin();
      });
  on.check(end::client,
           expectation::unclean(cause::protocol_error_by_peer, initiator::local)
               .sent(1002, std::string(core::to_string(core::violation::reserved_opcode)))
               .tcp(tcp_end::our_fin_first)
               .broke(core::violation::reserved_opcode));
}

}  // namespace adieu::tool::demo
