// What clients may cost a server before they are connections: how many there may be, how long they
// may be silent, how many header fields they may send; and pages of other origins.
#include <algorithm>

#include "tests/net/raw_fixture.hpp"
#include "tests/net/requests.hpp"

namespace adieu::test {
namespace {

class ServerLimits : public testing::Test {
 protected:
  void listen(server_options options = {}) {
    options.websocket.ping_interval = 0ms;
    options.websocket.close_timeout = 300ms;
    options.websocket.linger = 100ms;
    serving.emplace(world.executor(), options);
    serving->on_end([this](const disconnect_record& record) { records.push_back(record); });
    serving->on_request([this](const request&) { return ++asked, decision::accept(); });
    serving->on_open(
        [](websocket& socket, const request&) { socket.on_message([](const message_view&) {}); });
    port = serving->listen("127.0.0.1", 0).port();
  }
  raw_socket open() {
    raw_socket out = raw_socket::connect_to(port);
    out.send(std::string(good_request) + "\r\n");
    const bool answered = world.run_until(
        [&] { return (void)out.read_now(), out.got.find("\r\n\r\n") != out.got.npos; });
    EXPECT_TRUE(answered);
    return out;
  }
  /// Everything that the server says, until it ends TCP.
  std::string all_of(raw_socket& client) {
    EXPECT_TRUE(world.run_until([&] { return client.read_now() != raw_socket::end::none; }));
    return client.got;
  }
  std::string ask(const std::string& more) {
    raw_socket client = raw_socket::connect_to(port);
    client.send(std::string(good_request) + more + "\r\n" +
                masked_frame(close_frame_byte, close_body(1000)));
    return all_of(client);
  }
  [[nodiscard]] std::string last_detail() const {
    return records.empty() || !records.back().connect ? "" : records.back().connect->detail;
  }

  tcp_world world;
  std::vector<disconnect_record> records;
  int asked = 0;
  std::uint16_t port = 0;
  std::optional<server> serving;
};

TEST_F(ServerLimits, max_connections_refuses_with_503_and_takes_the_next_when_one_has_gone) {
  server_options options;
  options.max_connections = 2;
  listen(options);
  raw_socket first = open();
  raw_socket opening = raw_socket::connect_to(port);  // in its handshake: it counts
  opening.send("GET / HT");
  world.settle();
  raw_socket third = raw_socket::connect_to(port);
  third.send(std::string(good_request) + "\r\n");
  const std::string refused = all_of(third);
  EXPECT_TRUE(refused.starts_with("HTTP/1.1 503 Service Unavailable\r\n")) << refused;
  EXPECT_NE(refused.find("too many connections (max_connections is 2)"), refused.npos);
  third.close();
  ASSERT_TRUE(world.run_until([&] { return records.size() == 1; }));
  EXPECT_EQ(records[0].cause, cause::connect_failed);
  EXPECT_EQ(records[0].connect->http_status, 503U);
  EXPECT_EQ(last_detail(), "too many connections (max_connections is 2)");
  EXPECT_EQ(asked, 1);

  opening.close();  // a handshake that fails gives its place back
  ASSERT_TRUE(world.run_until([&] { return records.size() == 2; }));
  raw_socket second = open();
  EXPECT_TRUE(second.got.starts_with("HTTP/1.1 101")) << second.got;
  first.close();  // and so does a connection, when its TCP has ended
  ASSERT_TRUE(world.run_until([&] { return records.size() == 3; }));
  raw_socket next = open();
  EXPECT_TRUE(next.got.starts_with("HTTP/1.1 101")) << next.got;
}

TEST_F(ServerLimits, max_connections_per_address_counts_each_address_for_itself) {
  server_options options;
  options.max_connections_per_address = 1;
  listen(options);
  raw_socket first = open();
  EXPECT_TRUE(first.got.starts_with("HTTP/1.1 101"));
  EXPECT_TRUE(ask("").starts_with("HTTP/1.1 503"));
  EXPECT_EQ(last_detail(), "");  // TCP is not over yet
  ASSERT_TRUE(world.run_until([&] { return !records.empty(); }));
  EXPECT_EQ(last_detail(), "too many connections (max_connections_per_address is 1)");
  raw_socket other(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in from = raw_socket::loopback(0);
  from.sin_addr.s_addr = htonl(INADDR_LOOPBACK + 1);  // 127.0.0.2
  sockaddr_in to = raw_socket::loopback(port);
  ASSERT_EQ(::bind(other.descriptor(), reinterpret_cast<sockaddr*>(&from), sizeof from), 0);
  ASSERT_EQ(::connect(other.descriptor(), reinterpret_cast<sockaddr*>(&to), sizeof to), 0);
  other.send(std::string(good_request) + "\r\n" + masked_frame(close_frame_byte, close_body(1000)));
  EXPECT_TRUE(all_of(other).starts_with("HTTP/1.1 101"));
}

// Each who is told costs a socket for up to a second; when many come, the others are just closed.
TEST_F(ServerLimits, max_connections_does_not_pay_for_everybody_who_is_refused) {
  server_options options;
  options.max_connections = 1;
  listen(options);
  raw_socket first = open();
  std::vector<raw_socket> flood;
  for (int i = 0; i < 100; ++i) flood.push_back(raw_socket::connect_to(port));
  ASSERT_TRUE(world.run_until([&] { return !records.empty(); }));
  for (raw_socket& each : flood) each.close();
  ASSERT_TRUE(world.run_until([&] { return records.size() == 100; }));
  const auto told = std::ranges::count_if(
      records, [](const disconnect_record& r) { return r.connect->http_status == 503; });
  EXPECT_GE(told, 64);
  EXPECT_LT(told, 100) << "64 at a time";
}

TEST_F(ServerLimits, a_shutdown_does_not_wait_for_those_who_are_being_refused) {
  server_options options;
  options.max_connections = 1;
  listen(options);
  raw_socket first = open();
  raw_socket second = raw_socket::connect_to(port);
  ASSERT_TRUE(world.run_until([&] { return (void)second.read_now(), !second.got.empty(); }));
  first.reset();
  const auto began = std::chrono::steady_clock::now();
  bool done = false;
  serving->async_shutdown(
      close_status::endpoint_unavailable, "", 2s, [&](error_code, const shutdown_report&) {
        done = true;
      });
  ASSERT_TRUE(world.run_until([&] { return done; }));
  EXPECT_LT(std::chrono::steady_clock::now() - began, 900ms);
}

TEST_F(ServerLimits, first_byte_timeout_ends_who_connects_and_says_nothing) {
  server_options options;
  options.first_byte_timeout = 100ms;
  listen(options);
  raw_socket silent = raw_socket::connect_to(port);
  raw_socket slow = raw_socket::connect_to(port);
  slow.send("G");
  EXPECT_EQ(all_of(silent), "");
  ASSERT_TRUE(world.run_until([&] { return records.size() == 1; }));
  EXPECT_EQ(records[0].cause, cause::connect_failed);
  EXPECT_EQ(records[0].connect->step, connect_step::request);
  EXPECT_EQ(last_detail(), "not a byte came within 100 ms");
  EXPECT_EQ(slow.read_now(), raw_socket::end::none);
  slow.send(std::string(good_request).substr(1) + "\r\n");
  EXPECT_TRUE(world.run_until([&] { return (void)slow.read_now(), !slow.got.empty(); }));
  EXPECT_TRUE(slow.got.starts_with("HTTP/1.1 101")) << slow.got;
}

TEST_F(ServerLimits, max_headers_answers_with_431) {
  server_options options;
  options.max_headers = 10;
  listen(options);
  std::string five_more;
  for (int i = 0; i < 5; ++i) five_more += "X-" + std::to_string(i) + ": x\r\n";
  EXPECT_TRUE(ask(five_more).starts_with("HTTP/1.1 101"));
  EXPECT_TRUE(ask(five_more + "X: x\r\n").starts_with("HTTP/1.1 431"));
  ASSERT_TRUE(world.run_until([&] { return records.size() == 2; }));
  EXPECT_EQ(last_detail(), "the header has more than 10 fields");
}

TEST_F(ServerLimits, D32_origins_of_other_hosts_are_refused_with_403_by_default) {
  listen();
  const std::string here = "Origin: http://localhost\r\n";
  EXPECT_TRUE(ask("").starts_with("HTTP/1.1 101"));
  EXPECT_TRUE(ask(here).starts_with("HTTP/1.1 101"));
  EXPECT_EQ(asked, 2);
  EXPECT_TRUE(ask("Origin: https://evil.example\r\n").starts_with("HTTP/1.1 403 Forbidden\r\n"));
  EXPECT_TRUE(ask("Origin: null\r\n").starts_with("HTTP/1.1 403"));
  EXPECT_TRUE(ask(here + "Origin: https://evil.example\r\n").starts_with("HTTP/1.1 403"));
  EXPECT_EQ(asked, 2) << "on_request does not see them";
  ASSERT_TRUE(world.run_until([&] { return records.size() == 5; }));
  EXPECT_EQ(records[4].connect->http_status, 403U);
}

TEST_F(ServerLimits, origins_can_be_listed_or_all_allowed) {
  server_options options;
  options.allowed_origins = {"https://app.example", "null"};
  listen(options);
  EXPECT_TRUE(ask("Origin: https://app.example\r\n").starts_with("HTTP/1.1 101"));
  EXPECT_TRUE(ask("Origin: null\r\n").starts_with("HTTP/1.1 101"));
  EXPECT_TRUE(ask("Origin: https://evil.example\r\n").starts_with("HTTP/1.1 403"));
  options = {};
  options.origins = origin_policy::any;
  listen(options);
  EXPECT_TRUE(ask("Origin: https://evil.example\r\n").starts_with("HTTP/1.1 101"));
}

TEST_F(ServerLimits, bad_options_are_refused_when_the_server_is_made) {
  const auto with = [&](const std::function<void(server_options&)>& change) -> std::string {
    server_options options;
    change(options);
    try {
      const server made(world.executor(), options);
    } catch (const std::invalid_argument& error) {
      return error.what();
    }
    return "";
  };
  EXPECT_EQ(with([](auto&) {}), "");
  EXPECT_EQ(with([](auto& o) { o.handshake_timeout = -1ms; }),
            "handshake_timeout must not be negative, but is -1 ms");
  EXPECT_EQ(with([](auto& o) { o.first_byte_timeout = -1ms; }),
            "first_byte_timeout must not be negative, but is -1 ms");
  EXPECT_EQ(with([](auto& o) { o.max_header_size = 255; }),
            "max_header_size must be at least 256, or no handshake fits, but is 255");
  EXPECT_EQ(with([](auto& o) { o.max_headers = 4; }),
            "max_headers must be at least 5, as a handshake has them, but is 4");
  EXPECT_EQ(with([](auto& o) { o.subprotocols = {"a\r\nX: y"}; }),
            "\"a\\x0D\\x0AX: y\" is not a subprotocol's name");
  EXPECT_EQ(with([](auto& o) { o.subprotocols = {"a", "a"}; }), "the subprotocol a is there twice");
  EXPECT_EQ(with([](auto& o) { o.allowed_origins = {"app.example"}; }),
            "allowed_origins takes scheme://host, scheme://host:port or null, but has "
            "\"app.example\"");
  EXPECT_EQ(with([](auto& o) { o.websocket.receive_window = 0; }).substr(0, 14), "receive_window");
  EXPECT_EQ(with([](auto& o) {
              o.handshake_timeout = o.first_byte_timeout = 0ms;
              o.max_connections = o.max_connections_per_address = 0;
            }),
            "");
}

TEST_F(ServerLimits, a_shutdown_with_a_deadline_that_makes_no_sense_is_refused) {
  listen();
  for (const auto deadline : {-1ms, std::chrono::milliseconds::max()}) {
    error_code got;
    serving->async_shutdown(close_status::endpoint_unavailable,
                            "",
                            deadline,
                            [&](error_code ec, const shutdown_report&) { got = ec; });
    ASSERT_TRUE(world.run_until([&] { return static_cast<bool>(got); }));
    EXPECT_TRUE(got == errc::invalid_argument);
  }
  EXPECT_TRUE(open().got.starts_with("HTTP/1.1 101")) << "it still serves";
}

}  // namespace
}  // namespace adieu::test
