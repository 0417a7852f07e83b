// The endings in which both Closes pass.
#include <thread>

#include "scenarios.hpp"

namespace adieu::tool::demo {

using asio::awaitable;

void active_close(stage& on) {
  on.play(
      [&on](websocket socket) -> awaitable<void> {
        co_await socket.async_send("hello");
        message answer;
        co_await socket.async_receive_message(answer);
        on.log().note(end::client, "async_close(1000, \"bye\")");
        error_code ec;
        co_await socket.async_close(close_status::normal_closure, "bye", into(ec));
        on.expect(!ec, "async_close succeeds");
        on.expect(socket.record().has_value(), "async_close completes after TCP has ended");
        if (!ec) on.log().note(end::client, "async_close: success");
      },
      [&on](websocket& socket) -> awaitable<void> {
        co_await echo(socket);
        on.log().note(end::server, "the handler returns: Adieu answers");
      });
  on.check(end::client,
           expectation::clean(initiator::local)
               .sent(1000, "bye")
               .received(1000)
               .tcp(tcp_end::peer_fin_first));
  on.check(end::server,
           expectation::clean(initiator::remote)
               .sent(1000)
               .received(1000, "bye")
               .tcp(tcp_end::our_fin_first));
}

void passive_close(stage& on) {
  on.play(
      [&on](websocket socket) -> awaitable<void> {
        co_await socket.async_send("hello");
        std::array<char, 4096> buffer;
        for (bool open = true; open;) {
          const auto result = co_await socket.async_receive(asio::buffer(buffer));
          switch (result.type) {
            case message_type::text:
            case message_type::binary: break;
            case message_type::close:
              on.log().note(end::client, "receive: Close; async_close_output, end of scope");
              co_await socket.async_close_output(*result.close_status, result.close_description);
              open = false;
              break;
          }
        }
      },
      [&on](websocket& socket) -> awaitable<void> {
        message greeting;
        co_await socket.async_receive_message(greeting);
        on.log().note(end::server, "async_close(1000, \"bye\")");
        error_code ec;
        co_await socket.async_close(close_status::normal_closure, "bye", into(ec));
        on.expect(!ec, "the server's async_close succeeds");
        if (!ec) on.log().note(end::server, "async_close: success");
      });
  on.check(end::client,
           expectation::clean(initiator::remote)
               .sent(1000, "bye")
               .received(1000, "bye")
               .tcp(tcp_end::peer_fin_first));
  on.check(end::server,
           expectation::clean(initiator::local)
               .sent(1000, "bye")
               .received(1000, "bye")
               .tcp(tcp_end::our_fin_first));
}

void receive_while_closing(stage& on) {
  moment both(on.loop());
  on.play(
      [&on, &both](websocket socket) -> awaitable<void> {
        std::array<char, 128> buffer;
        receive_result received;
        int waiting = 2;
        const auto one_done = [&] {
          if (--waiting == 0) both.happens();
        };
        on.log().note(end::client, "receive: pending");
        socket.async_receive(asio::buffer(buffer), [&](error_code ec, receive_result result) {
          on.expect(!ec, "the pending receive succeeds");
          received = std::move(result);
          if (!ec) on.log().note(end::client, "receive: the Close frame");
          one_done();
        });
        std::thread closer([&] {
          on.log().note(end::client, "another thread: async_close(1000)");
          socket.async_close(close_status::normal_closure, "from a thread", [&](error_code ec) {
            on.expect(!ec, "the close from another thread succeeds");
            if (!ec) on.log().note(end::client, "async_close: success");
            one_done();
          });
        });
        co_await both.comes();
        closer.join();
        on.expect(received.type == message_type::close &&
                      received.close_status == close_status::normal_closure,
                  "the pending receive gets the Close frame");
      },
      [](websocket& socket) -> awaitable<void> { co_await echo(socket); });
  on.check(end::client,
           expectation::clean(initiator::local)
               .sent(1000, "from a thread")
               .received(1000)
               .tcp(tcp_end::peer_fin_first));
  on.check(end::server,
           expectation::clean(initiator::remote)
               .sent(1000)
               .received(1000, "from a thread")
               .tcp(tcp_end::our_fin_first));
}

void crossing_closes(stage& on) {
  moment open(on.loop());  // the relay must not hold the handshake back with the Close
  on.play(
      [&on, &open](websocket socket) -> awaitable<void> {
        open.happens();
        on.log().note(end::client, "async_close(1000, \"I am done\")");
        error_code ec;
        co_await socket.async_close(close_status::normal_closure, "I am done", into(ec));
        on.expect(!ec, "the client's async_close succeeds");
      },
      [&on, &open](websocket& socket) -> awaitable<void> {
        co_await open.comes();
        on.log().note(end::server, "async_close(1001, \"restarting\")");
        error_code ec;
        co_await socket.async_close(close_status::endpoint_unavailable, "restarting", into(ec));
        on.expect(!ec, "the server's async_close succeeds");
      },
      relay::manner::closes_cross);
  on.check(end::client,
           expectation::clean(initiator::local)
               .sent(1000, "I am done")
               .received(1001, "restarting")
               .tcp(tcp_end::peer_fin_first));
  on.check(end::server,
           expectation::clean(initiator::local)
               .sent(1001, "restarting")
               .received(1000, "I am done")
               .tcp(tcp_end::our_fin_first));
}

void half_close(stage& on) {
  on.play(
      [&on](websocket socket) -> awaitable<void> {
        co_await socket.async_send("count to three");
        on.log().note(end::client, "async_close_output(1000), then receives on");
        co_await socket.async_close_output(close_status::normal_closure, "no more questions");
        std::string heard;
        message part;
        while ((co_await socket.async_receive_message(part)).type != message_type::close) {
          heard += part.payload;
        }
        on.log().note(end::client, "receive: the Close frame; nothing more to call");
        on.expect(heard == "onetwothree", "the three answers arrive after our Close");
      },
      [&on](websocket& socket) -> awaitable<void> {
        message question;
        co_await socket.async_receive_message(question);
        message nothing;
        const auto result = co_await socket.async_receive_message(nothing);
        on.expect(result.type == message_type::close, "the server receives the Close");
        on.log().note(end::server, "receive: the Close frame; still sends");
        co_await socket.async_send("one");
        co_await socket.async_send("two");
        co_await socket.async_send("three");
        co_await socket.async_close_output(*result.close_status, "that was all");
      });
  on.check(end::client,
           expectation::clean(initiator::local)
               .sent(1000, "no more questions")
               .received(1000, "that was all")
               .tcp(tcp_end::peer_fin_first));
  on.check(end::server,
           expectation::clean(initiator::remote)
               .sent(1000, "that was all")
               .received(1000, "no more questions")
               .tcp(tcp_end::our_fin_first));
}

void unread_data(stage& on) {
  constexpr std::string_view news = "one more thing";
  on.play(
      [&on](websocket socket) -> awaitable<void> {
        on.log().note(end::client, "async_close(1000), and no receive");
        error_code ec;
        co_await socket.async_close(close_status::normal_closure, {}, into(ec));
        on.expect(!ec, "async_close succeeds");
        if (!ec) on.log().note(end::client, "async_close: success");
      },
      [news](websocket& socket) -> awaitable<void> {
        message nothing;
        co_await socket.async_receive_message(nothing);
        co_await socket.async_send(news);
        co_await socket.async_close_output();
      });
  on.check(end::client,
           expectation::clean(initiator::local)
               .sent(1000)
               .received(1000)
               .tcp(tcp_end::peer_fin_first)
               .discarded(1, news.size()));
  on.check(
      end::server,
      expectation::clean(initiator::remote).sent(1000).received(1000).tcp(tcp_end::our_fin_first));
}

void after_the_end(stage& on) {
  on.play(
      [&on](websocket socket) -> awaitable<void> {
        co_await socket.async_close();
        on.log().note(end::client, "async_close: success");
        std::array<char, 16> buffer;
        message whole;
        error_code ec;
        const auto must_be_refused = [&](std::string_view call) {
          on.expect(ec == errc::invalid_state, std::string(call) + " fails with invalid_state");
          if (ec == errc::invalid_state) {
            on.log().note(end::client, outcome(call, errc::invalid_state));
          }
        };
        co_await socket.async_receive(asio::buffer(buffer), into(ec));
        must_be_refused("async_receive");
        co_await socket.async_receive_message(whole, into(ec));
        must_be_refused("async_receive_message");
        co_await socket.async_send("too late", into(ec));
        must_be_refused("async_send");
        co_await socket.async_ping(into(ec));
        must_be_refused("async_ping");
        co_await socket.async_close_output(close_status::normal_closure, {}, into(ec));
        must_be_refused("async_close_output");
        co_await socket.async_close(close_status::normal_closure, {}, into(ec));
        must_be_refused("async_close");
        on.log().note(end::client, "“" + ec.message() + "”");
      },
      [](websocket& socket) -> awaitable<void> { co_await echo(socket); });
  on.check(
      end::client,
      expectation::clean(initiator::local).sent(1000).received(1000).tcp(tcp_end::peer_fin_first));
  on.check(
      end::server,
      expectation::clean(initiator::remote).sent(1000).received(1000).tcp(tcp_end::our_fin_first));
}

}  // namespace adieu::tool::demo
