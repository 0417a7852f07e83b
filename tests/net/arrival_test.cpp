// Clients between their accept and our answer, told of by the edge set and through Asio: requests
// in pieces, crowds, loops that end, several threads.
#include <boost/asio/strand.hpp>

#include <sys/resource.h>

#include <atomic>
#include <thread>

#include "net/edge_set.hpp"
#include "tests/net/raw_fixture.hpp"
#include "tests/net/requests.hpp"

namespace adieu::test {
namespace {

enum class readiness_from { edge_set, asio };

class Arrivals : public testing::TestWithParam<readiness_from> {
 protected:
  Arrivals() { net::force_portable_readiness(GetParam() == readiness_from::asio); }
  ~Arrivals() override { net::force_portable_readiness(false); }

  [[nodiscard]] static server_options quick() {
    server_options out;
    out.websocket.close_timeout = 300ms;
    out.websocket.linger = 100ms;
    out.websocket.ping_interval = 0ms;
    return out;
  }
};

TEST_P(Arrivals, a_request_in_pieces_and_the_frames_behind_the_answer) {
  tcp_world world;
  server serving(world.executor(), quick());
  std::vector<std::string> seen;
  std::optional<disconnect_record> ended;
  serving.on_end([&](const disconnect_record& record) { ended = record; });
  serving.on_open([&](websocket& socket, const request&) {
    socket.on_message([&](const message_view& view) { seen.emplace_back(view.text()); });
  });
  raw_socket client = raw_socket::connect_to(serving.listen("127.0.0.1", 0).port());
  for (const char each : std::string(good_request) + "\r\n") {
    client.send(std::string(1, each));
    world.context().restart();
    world.context().poll();
  }
  ASSERT_TRUE(world.run_until([&] { return (void)client.read_now(), !client.got.empty(); }));
  EXPECT_TRUE(client.got.starts_with("HTTP/1.1 101")) << client.got;
  for (const std::string text : {"first", "second"}) {
    client.send(masked_frame(text_frame, text));
    ASSERT_TRUE(world.run_until([&] { return !seen.empty() && seen.back() == text; }));
  }
  client.send(masked_frame(close_frame_byte, close_body(1000)));
  ASSERT_TRUE(world.run_until([&] { return client.read_now() != raw_socket::end::none; }));
  client.close();
  ASSERT_TRUE(world.run_until([&] { return ended.has_value(); }));
  EXPECT_TRUE(ended->clean) << to_line(*ended);
}

TEST_P(Arrivals, more_come_at_once_than_are_accepted_at_once) {
  tcp_world world;
  server serving(world.executor(), quick());
  int opened = 0;
  serving.on_open([&](websocket&, const request&) { ++opened; });
  const std::uint16_t port = serving.listen("127.0.0.1", 0).port();
  std::vector<raw_socket> clients;
  for (int i = 0; i < 200; ++i) {
    clients.push_back(raw_socket::connect_to(port));
    clients.back().send(std::string(good_request) + "\r\n");
  }
  EXPECT_TRUE(world.run_until([&] { return opened == 200; })) << opened;
}

TEST_P(Arrivals, who_finds_no_descriptor_left_comes_in_as_soon_as_there_is_one) {
#if defined(__SANITIZE_ADDRESS__)
  GTEST_SKIP() << "the sanitizer of undefined behaviour takes descriptors for its checks";
#endif
  tcp_world world;
  server serving(world.executor(), quick());
  int opened = 0;
  serving.on_open([&](websocket&, const request&) { ++opened; });
  raw_socket client = raw_socket::connect_to(serving.listen("127.0.0.1", 0).port());
  rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &before), 0);
  raw_socket next(::dup(client.descriptor()));  // the lowest number that is free
  const rlimit none{static_cast<rlim_t>(next.descriptor()), before.rlim_max};
  next.close();
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &none), 0);
  client.send(std::string(good_request) + "\r\n");
  world.settle();
  world.settle();
  EXPECT_EQ(opened, 0);
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &before), 0);
  EXPECT_TRUE(world.run_until([&] { return opened == 1; }));
}

TEST_P(Arrivals, defer_accept_does_not_see_who_goes_without_a_word) {
  for (const bool defers : {false, true}) {
    tcp_world world;
    server_options options = quick();
    options.defer_accept = defers;
    server serving(world.executor(), options);
    int opened = 0, failed = 0;
    serving.on_open([&](websocket&, const request&) { ++opened; });
    serving.on_end([&](const disconnect_record& record) {
      if (record.cause == cause::connect_failed) ++failed;
    });
    const std::uint16_t port = serving.listen("127.0.0.1", 0).port();
    raw_socket::connect_to(port).reset();
    const raw_socket client = raw_socket::connect_to(port);
    client.send(std::string(good_request) + "\r\n");
    EXPECT_TRUE(world.run_until([&] { return opened == 1; }));
    EXPECT_EQ(failed, defers ? 0 : 1);
  }
}

TEST_P(Arrivals, nobody_is_taken_whose_request_ends_behind_the_beginning_of_a_shutdown) {
  tcp_world world;
  server serving(world.executor(), quick());
  std::optional<disconnect_record> told;
  serving.on_end([&](const disconnect_record& record) { told = record; });
  raw_socket client = raw_socket::connect_to(serving.listen("127.0.0.1", 0).port());
  client.send("GET / HTTP/1.1\r\nHost: a\r\n");
  world.settle();
  bool shut = false;
  serving.async_shutdown(
      close_status::endpoint_unavailable, {}, 1s, [&](error_code, const shutdown_report& report) {
        EXPECT_EQ(report.clean + report.unclean, 0U);
        shut = true;
      });
  client.send(std::string(good_request).substr(std::string(good_request).find("Upgrade")) + "\r\n");
  EXPECT_TRUE(world.run_until([&] { return shut && told; }));
  EXPECT_EQ(told->connect->detail, "the server was shut down");
  (void)client.read_now();
  EXPECT_EQ(client.got, "");
}

TEST_P(Arrivals, a_handlers_exception_leaves_through_run_and_the_others_still_come) {
  tcp_world world;
  server serving(world.executor(), quick());
  int opened = 0;
  serving.on_open([&](websocket&, const request&) { ++opened; });
  serving.on_end([&](const disconnect_record&) { throw std::runtime_error("from on_end"); });
  const std::uint16_t port = serving.listen("127.0.0.1", 0).port();
  raw_socket wrong = raw_socket::connect_to(port);
  wrong.reset();
  raw_socket right = raw_socket::connect_to(port);
  right.send(std::string(good_request) + "\r\n");
  int thrown = 0;
  EXPECT_TRUE(world.run_until([&] {
    try {
      world.context().restart();
      world.context().poll();
    } catch (const std::runtime_error&) {
      ++thrown;
    }
    return opened == 1;
  }));
  EXPECT_LE(thrown, 1);  // a reset may have taken the client away before it was accepted
  serving.on_end(nullptr);
}

TEST_P(Arrivals, end_with_a_loop_that_is_destroyed_and_with_nothing_else) {
  raw_socket half, refused;
  {
    asio::io_context loop;
    std::optional<server> serving(std::in_place, loop.get_executor(), quick());
    int asked = 0;
    serving->on_request([&](const request&) { return ++asked, decision::refuse(403); });
    const std::uint16_t port = serving->listen("127.0.0.1", 0).port();
    half = raw_socket::connect_to(port);
    half.send("GET / HT");
    refused = raw_socket::connect_to(port);
    refused.send(std::string(good_request) + "\r\n");
    while (asked == 0) loop.run_one_for(100ms);
    loop.poll();
    serving.reset();  // stops listening; those who are opening go on
    loop.poll();
    EXPECT_EQ(half.read_now(), raw_socket::end::none);
  }
  EXPECT_NE(half.read_to_end(), raw_socket::end::none);
  EXPECT_TRUE(refused.read_to_end() == raw_socket::end::fin) << refused.got;
}

TEST_P(Arrivals, do_not_keep_a_loop_at_work_once_they_have_gone) {
  asio::io_context loop;
  std::optional<server> serving(std::in_place, loop.get_executor(), quick());
  int gone = 0;
  serving->on_end([&](const disconnect_record&) { ++gone; });
  raw_socket half = raw_socket::connect_to(serving->listen("127.0.0.1", 0).port());
  half.send("GET / HT");
  for (int i = 0; i < 3; ++i) loop.run_one_for(100ms);
  half.close();
  while (gone == 0) loop.run_one_for(100ms);
  serving.reset();
  const auto began = std::chrono::steady_clock::now();
  loop.run();
  EXPECT_LT(std::chrono::steady_clock::now() - began, 2s);  // and not for first_byte_timeout
}

// Connections take it that several threads run their loop, and so do arrivals.
TEST_P(Arrivals, may_come_to_a_loop_of_several_threads) {
  asio::io_context loop;
  server serving(loop.get_executor(), quick());
  std::atomic<int> opened = 0;
  serving.on_open([&](websocket&, const request&) { ++opened; });
  const std::uint16_t port = serving.listen("127.0.0.1", 0).port();
  std::vector<std::thread> threads;
  for (int i = 0; i < 3; ++i) threads.emplace_back([&] { loop.run(); });
  std::vector<raw_socket> clients;
  for (int i = 0; i < 100; ++i) {
    clients.push_back(raw_socket::connect_to(port));
    clients.back().send(std::string(good_request));
  }
  for (raw_socket& each : clients) each.send("\r\n");
  const auto latest = std::chrono::steady_clock::now() + 10s;
  while (opened != 100 && std::chrono::steady_clock::now() < latest) std::this_thread::yield();
  EXPECT_EQ(opened, 100);
  loop.stop();
  for (std::thread& each : threads) each.join();
}

INSTANTIATE_TEST_SUITE_P(,
                         Arrivals,
                         testing::Values(readiness_from::edge_set, readiness_from::asio),
                         [](const auto& which) {
                           return which.param == readiness_from::asio ? "asio" : "edge_set";
                         });

}  // namespace
}  // namespace adieu::test
