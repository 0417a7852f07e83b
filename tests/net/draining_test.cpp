// P9: several messages in one read. A handler that got the first takes the others with try_receive;
// whatever it does instead, nothing of them is lost.
#include "tests/net/raw_fixture.hpp"

namespace adieu::test {
namespace {

class Draining : public with_raw_peer {
 protected:
  void arrive(const std::string& wire) { meet(role::server, quick(), wire); }
  template <typename Handler>
  void on_first(Handler handler) {
    socket.async_receive_message(first, [this, handler](error_code ec, receive_result) {
      EXPECT_FALSE(ec) << ec.message();
      seen.emplace_back(first.text());
      handler();
    });
  }
  /// Everything that try_receive_message has; true when the Close was among it.
  bool drain() {
    message next;
    while (const auto got = socket.try_receive_message(next)) {
      if (got->type == message_type::close) return true;
      EXPECT_EQ(got->count, next.payload.size());
      EXPECT_EQ(got->type, next.type);
      EXPECT_TRUE(got->end_of_message);
      seen.push_back(next.payload);
    }
    return false;
  }
  [[nodiscard]] bool sees(std::size_t count) {
    return world.run_until([&] { return drain() || seen.size() >= count; });
  }

  const std::string large = std::string(1000, 'l');
  const std::string four = masked_frame(text_frame, "one") +
                           masked_frame(text_frame, "caf\xC3\xA9") + masked_frame(0x89, "ping") +
                           masked_frame(0x82, large) + masked_frame(0x01, "tw") +
                           masked_frame(0x80, "o frames");
  const std::vector<std::string> all{"one", "caf\xC3\xA9", large, "two frames"};
  const std::string close = masked_frame(0x88, close_body(3001, "bye"));
  message first;
  std::vector<std::string> seen;
};

TEST_F(Draining, P9_a_handler_takes_all_that_came_with_its_message) {
  arrive(four + close);
  bool closed = false;
  state seen_in_handler = state::none;
  std::optional<close_status> code_in_handler;
  on_first([&] {
    closed = drain();
    seen_in_handler = socket.state();
    code_in_handler = socket.close_status();
  });
  ASSERT_TRUE(world.run_until([&] { return closed; }));
  EXPECT_EQ(seen, all);
  EXPECT_EQ(seen_in_handler, state::close_received);
  EXPECT_EQ(code_in_handler, close_status{3001});
  const std::string pong =
      "\x8A\x04"
      "ping";
  ASSERT_TRUE(peer_gets(pong.size()));
  EXPECT_EQ(peer.got, pong);
}

TEST_F(Draining, P9_what_a_handler_leaves_is_there_for_later_receives) {
  arrive(four + close);
  bool done = false;
  on_first([&] { done = true; });
  ASSERT_TRUE(world.run_until([&] { return done; }));
  EXPECT_EQ(socket.state(), state::close_received);
  ASSERT_TRUE(sees(all.size()));
  EXPECT_EQ(seen, all);
}

TEST_F(Draining, P9_each_handler_may_ask_for_the_next_message) {
  arrive(four);
  std::function<void()> next = [&] {
    if (seen.size() < all.size()) on_first(next);
  };
  on_first(next);
  ASSERT_TRUE(world.run_until([&] { return seen.size() == all.size(); }));
  EXPECT_EQ(seen, all);
}

TEST_F(Draining, P9_pieces_of_the_messages_behind_are_taken_one_after_the_other) {
  arrive(four);
  std::string pieces;
  bool done = false;
  on_first([&] {
    char space[5];
    int ends = 0;
    while (const auto got = socket.try_receive(asio::buffer(space))) {
      pieces.append(space, got->count);
      ends += got->end_of_message ? 1 : 0;
    }
    EXPECT_EQ(ends, 3);
    done = true;
  });
  ASSERT_TRUE(world.run_until([&] { return done; }));
  EXPECT_EQ(pieces, all[1] + all[2] + all[3]);
}

TEST_F(Draining, P9_a_handler_that_throws_loses_nothing) {
  arrive(four);
  on_first([] { throw std::runtime_error("handler"); });
  EXPECT_THROW((void)world.run_until([&] { return false; }), std::runtime_error);
  ASSERT_TRUE(sees(all.size()));
  EXPECT_EQ(seen, all);
}

TEST_F(Draining, P9_a_handler_may_switch_to_message_mode) {
  arrive(four);
  on_first([&] {
    socket.on_message([&](const message_view& view) { seen.emplace_back(view.text()); });
  });
  ASSERT_TRUE(world.run_until([&] { return seen.size() == all.size(); }));
  EXPECT_EQ(seen, all);
}

TEST_F(Draining, P9_a_handler_may_end_the_connection) {
  arrive(four + close);
  on_first([&] { socket.abort(); });
  ASSERT_TRUE(world.run_until([&] { return record().has_value(); }));
  EXPECT_EQ(record()->cause, cause::local_abort);
  ASSERT_TRUE(record()->received);
  EXPECT_EQ(record()->received->code, 3001);
  EXPECT_EQ(record()->lost.discarded_messages + record()->lost.unread_messages, 3U);
  EXPECT_EQ(peer_sees_end(), raw_socket::end::reset);
}

TEST_F(Draining, P9_a_handler_may_destroy_the_websocket) {
  arrive(four + close);
  bool done = false;
  on_first([&] { socket = websocket(), done = true; });
  ASSERT_TRUE(world.run_until([&] { return done; }));
  EXPECT_NE(peer_sees_end(), raw_socket::end::none);
}

TEST_F(Draining, P9_a_handler_may_run_the_loop_itself) {
  arrive(four);
  bool ran = false;
  on_first([&] {
    asio::post(world.executor(), [&] { ran = true; });
    ASSERT_TRUE(world.run_until([&] { return ran; }));
    (void)drain();
  });
  ASSERT_TRUE(world.run_until([&] { return ran && seen.size() == all.size(); }));
  EXPECT_EQ(seen, all);
}

TEST_F(Draining, P9_a_message_over_the_limit_behind_the_first_is_refused) {
  websocket_options small = quick();
  small.max_message_size = 100;
  meet(role::server, small, masked_frame(text_frame, "one") + masked_frame(0x82, large));
  bool refused = false;
  on_first([&] {
    message next;
    try {
      (void)socket.try_receive_message(next);
    } catch (const system_error& e) {
      refused = e.code() == errc::message_too_big;
    }
  });
  ASSERT_TRUE(world.run_until([&] { return record().has_value(); }));
  EXPECT_TRUE(refused);
  EXPECT_EQ(record()->cause, cause::message_too_big);
}

}  // namespace
}  // namespace adieu::test
