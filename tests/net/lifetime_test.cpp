// P6 and the ends of things: destructors in every state, loops destroyed under suspended
// coroutines, descriptors, SIGPIPE. AddressSanitizer looks for what is left behind.
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <dirent.h>
#include <malloc.h>

#include <csignal>

#include "tests/net/raw_fixture.hpp"

namespace adieu::test {
namespace {

template <typename World>
class Lifetime : public in_both_worlds<World> {};
TYPED_TEST_SUITE(Lifetime, both_worlds, world_names);

TYPED_TEST(Lifetime, P6_the_destructor_completes_what_is_pending_with_aborted) {
  ends pair = this->open(this->quick(), this->quick());
  reading got;
  answer pinged, ended;
  receive(pair.client, got);
  pair.client.async_wait_closed(to(ended));
  this->world.settle();
  pair.client = websocket();
  EXPECT_FALSE(got.come());
  ADIEU_UNTIL(got.come() && ended.come());
  EXPECT_TRUE(got.is(errc::aborted)) << got.ec.message();
  EXPECT_EQ(ended.record.cause, cause::disposed);
}

TYPED_TEST(Lifetime, P6_the_destructor_in_close_sent_is_no_clean_end) {
  ends pair = this->open(this->quick(), this->quick());
  const connection_handle handle = pair.client.handle();
  answer half;
  pair.client.async_close_output(close_status::normal_closure, "", to(half));
  ADIEU_UNTIL(half.come());
  pair.client = websocket();
  ADIEU_UNTIL(handle.record() && pair.server.record());
  EXPECT_EQ(handle.record()->cause, cause::disposed);
  EXPECT_FALSE(handle.record()->clean);
}

TYPED_TEST(Lifetime, P6_the_destructor_in_close_received_sends_no_close) {
  websocket_options patient = this->quick();
  patient.close_timeout = 3s;
  ends pair = this->open(patient, patient);
  answer closed;
  pair.server.async_close(close_status::normal_closure, "", to(closed));
  ADIEU_UNTIL(pair.client.state() == state::close_received);
  pair.client = websocket();
  ADIEU_UNTIL(closed.come());
  EXPECT_TRUE(closed.is(errc::connection_closed_prematurely)) << closed.ec.message();
  EXPECT_EQ(pair.server.record()->cause, cause::peer_vanished);
}

TYPED_TEST(Lifetime, P6_what_the_kernel_has_is_still_delivered_when_a_websocket_dies) {
  ends pair = this->open(this->quick(), this->quick());
  answer sent;
  pair.client.async_send("delivered", to(sent));
  ADIEU_UNTIL(sent.come());
  pair.client = websocket();
  reading got;
  receive(pair.server, got);
  ADIEU_UNTIL(got.come());
  EXPECT_TRUE(got.is_text("delivered")) << got.ec.message();
}

TYPED_TEST(Lifetime, P6_the_destructor_inside_a_handler) {
  ends pair = this->open(this->quick(), this->quick());
  auto owned = std::make_unique<websocket>(std::move(pair.client));
  char space[16];
  answer pinged;
  owned->async_receive(asio::buffer(space), [&](error_code ec, receive_result) {
    EXPECT_FALSE(ec);
    owned.reset();
  });
  pair.server.send("x");
  ADIEU_UNTIL(!owned && pair.server.record());
}

// The loop goes away in the middle of everything. Nothing may leak or crash.
TYPED_TEST(Lifetime, P6_a_loop_that_is_destroyed_under_suspended_coroutines) {
  auto own = std::make_unique<TypeParam>();
  auto idle = [](websocket socket) -> asio::awaitable<void> {
    message into;
    for (;;) (void)co_await socket.async_receive_message(into, asio::use_awaitable);
  };
  auto stuck = [](websocket socket) -> asio::awaitable<void> {
    const std::string big(12'000'000, 'x');
    co_await socket.async_send(big, asio::use_awaitable);
  };
  auto closing = [](websocket socket) -> asio::awaitable<void> {
    co_await socket.async_close(close_status::normal_closure, "", asio::use_awaitable);
  };
  auto waiting = [](websocket socket) -> asio::awaitable<void> {
    socket.on_end([](const disconnect_record&) {});
    (void)co_await socket.async_wait_closed(asio::use_awaitable);
  };
  websocket_options small = this->quick();
  small.receive_window = 1024;
  small.close_timeout = 10s;
  std::vector<ends> pairs;
  for (int i = 0; i < 4; ++i) pairs.push_back(own->open(small, small));
  asio::co_spawn(own->executor(), idle(std::move(pairs[0].client)), asio::detached);
  asio::co_spawn(own->executor(), stuck(std::move(pairs[1].client)), asio::detached);
  asio::co_spawn(own->executor(), closing(std::move(pairs[2].client)), asio::detached);
  asio::co_spawn(own->executor(), waiting(std::move(pairs[3].client)), asio::detached);
  asio::co_spawn(own->executor(), waiting(std::move(pairs[0].server)), asio::detached);
  pairs[1].server.on_end(
      [own = std::make_shared<websocket>(std::move(pairs[2].server))](const disconnect_record&) {});
  own->settle();
  pairs.clear();
  own.reset();
}

TEST(LifetimeOfASession, P6_ends_with_the_loop_that_is_destroyed) {
  asio::io_context loop;
  int begun = 0;
  server serving(loop.get_executor());
  serving.on_connection([&](websocket& socket, const request&) -> asio::awaitable<void> {
    ++begun;
    message into;
    for (;;) (void)co_await socket.async_receive_message(into, asio::use_awaitable);
  });
  const auto where = serving.listen("127.0.0.1", 0);
  std::vector<websocket> clients;
  for (int i = 0; i < 3; ++i) {
    async_connect(loop.get_executor(),
                  "ws://127.0.0.1:" + std::to_string(where.port()),
                  {},
                  [&](error_code, websocket socket) { clients.push_back(std::move(socket)); });
  }
  while (clients.size() < 3 || begun < 3) loop.run_one_for(100ms);
  EXPECT_EQ(serving.connections(), 3U);
  clients.clear();
}

std::size_t open_descriptors() {
  DIR* const folder = ::opendir("/proc/self/fd");
  std::size_t count = 0;
  while (::readdir(folder) != nullptr) ++count;
  ::closedir(folder);
  return count;
}

TEST(Descriptors, P6_return_to_their_number_after_a_thousand_cycles) {
  tcp_world world;
  websocket_options quick;
  quick.linger = 20ms;
  std::optional<ends> pair = world.open(quick, quick);
  pair.reset();
  world.pass(50ms);
  const std::size_t before = open_descriptors();
  asio::ip::tcp::acceptor acceptor(world.context(), {asio::ip::address_v4::loopback(), 0});
  for (int i = 0; i < 1000; ++i) {
    asio::ip::tcp::socket a(world.executor()), b(world.executor());
    a.connect(acceptor.local_endpoint());
    acceptor.accept(b);
    websocket client = websocket::adopt(std::move(a), role::client, quick);
    websocket served = websocket::adopt(std::move(b), role::server, quick);
    if (i % 3 == 0) client.abort();
    if (i % 3 == 1) continue;  // destroyed, both
    answer closed, answered;
    client.async_close(close_status::normal_closure, "", to(closed));
    served.async_close(close_status::normal_closure, "", to(answered));
    ASSERT_TRUE(world.run_until([&] { return closed.come() && answered.come(); }));
  }
  acceptor.close();
  EXPECT_TRUE(world.run_until([&] { return open_descriptors() <= before; }))
      << open_descriptors() << " of " << before;
}

// Sanitizers keep what was freed.
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
TEST(Memory, P6_of_connections_that_have_ended_is_given_back) {
  constexpr int many = 500;
  memory_world world;
  const std::size_t before = ::mallinfo2().uordblks;
  std::size_t together = 0;
  {
    std::vector<ends> pairs;
    for (int i = 0; i < many; ++i) pairs.push_back(world.open());
    world.settle();
    together = ::mallinfo2().uordblks - before;
  }
  world.pass(1min);  // nobody is left
  EXPECT_LT(::mallinfo2().uordblks - before, together / 5);
}
#endif

class Signals : public with_raw_peer {};

TEST_F(Signals, P6_sigpipe_is_never_raised) {
  static std::atomic<int> raised;
  raised = 0;
  struct sigaction act {};
  struct sigaction old {};
  act.sa_handler = [](int) { ++raised; };
  ::sigaction(SIGPIPE, &act, &old);
  for (int round = 0; round < 5; ++round) {
    meet(role::client);
    peer.reset();
    const std::string big(100'000, 'x');
    answer sent[4];
    for (answer& each : sent) socket.async_send(big, to(each));
    EXPECT_TRUE(world.run_until([&] { return sent[3].come() && record(); }));
    EXPECT_FALSE(sent[3].good());
    EXPECT_TRUE(sent[3].is(errc::connection_closed_prematurely)) << sent[3].ec.message();
    EXPECT_EQ(record()->cause, cause::peer_reset);
    EXPECT_EQ(record()->tcp, tcp_end::reset_received);
  }
  ::sigaction(SIGPIPE, &old, nullptr);
  EXPECT_EQ(raised, 0);
}

}  // namespace
}  // namespace adieu::test
