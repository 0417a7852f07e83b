// `adieu serve`: where it listens, what it says about each connection, and how it shuts down.
#include <boost/json/parse.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <thread>

#include "process.hpp"
#include "servers.hpp"

using namespace tool_test;
using testing::HasSubstr;
using testing::StartsWith;

namespace {

// A client on a bare socket that asks, with one more line, to be one.
class raw_client {
 public:
  explicit raw_client(const std::string& url, const std::string& line = "") : socket_(loop_) {
    const auto port = url.substr(url.rfind(':') + 1);
    socket_.connect(
        {asio::ip::address_v4::loopback(), static_cast<unsigned short>(std::stoi(port))});
    asio::write(socket_,
                asio::buffer("GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\n"
                             "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
                             "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n" +
                             line + "\r\n"));
    answer = read_request(socket_);
  }
  tcp::socket& socket() { return socket_; }
  std::string answer;

 private:
  asio::io_context loop_;
  tcp::socket socket_;
};

}  // namespace

TEST(serve, sigterm_closes_every_connection_with_1001) {
  echo_server server;
  process client({"connect", server.url});
  client.write("hi\n");
  EXPECT_EQ(client.out_line(), "hi");

  server.program.signal(SIGTERM);
  const auto client_ended = client.wait();
  EXPECT_THAT(client_ended.err, StartsWith("adieu: clean: the peer closed first with 1001"));
  EXPECT_EQ(client_ended.status, 0);

  const auto server_ended = server.program.wait();
  EXPECT_EQ(server_ended.status, 0);
  EXPECT_EQ(server_ended.err, "");
  EXPECT_THAT(server_ended.out, HasSubstr("\nclean: we closed first with 1001"));
  EXPECT_THAT(server_ended.out, HasSubstr("\n1 clean, 0 not clean\n"));
}

TEST(serve, the_counts_say_the_causes) {
  echo_server server;
  EXPECT_EQ(run({"connect", server.url}).status, 0);
  EXPECT_THAT(raw_client(server.url).answer, StartsWith("HTTP/1.1 101"));
  EXPECT_THAT(server.program.out_line(), StartsWith("clean"));
  EXPECT_THAT(server.program.out_line(), StartsWith("not clean: the peer vanished"));
  server.program.signal(SIGINT);
  const auto ended = server.program.wait();
  EXPECT_THAT(ended.out, HasSubstr("\n1 clean, 1 not clean (1 peer_vanished)\n"));
  EXPECT_EQ(ended.status, 0);
}

TEST(serve, a_second_signal_ends_at_once) {
  echo_server server;
  raw_client client(server.url);  // never answers the Close
  EXPECT_THAT(client.answer, StartsWith("HTTP/1.1 101"));
  server.program.signal(SIGTERM);
  std::array<unsigned char, 4> close{};
  asio::read(client.socket(), asio::buffer(close));  // the first signal has acted
  EXPECT_EQ(close[0], 0x88);
  server.program.signal(SIGTERM);
  EXPECT_EQ(server.program.wait().status, 128 + SIGTERM);
}

TEST(serve, json_lines_are_json) {
  process server({"serve", "--json"});
  const std::string url(boost::json::parse(server.out_line()).at("listening").as_string());
  EXPECT_EQ(run({"connect", url}, "hi\n").out, "hi\n");
  const auto record = boost::json::parse(server.out_line());
  EXPECT_TRUE(record.at("clean").as_bool());
  EXPECT_EQ(record.at("role").as_string(), "server");
  server.signal(SIGTERM);
  const auto counts = boost::json::parse(server.out_line());
  EXPECT_EQ(counts.at("clean").as_int64(), 1);
  EXPECT_EQ(counts.at("unclean").as_int64(), 0);
  EXPECT_EQ(server.wait().status, 0);
}

TEST(serve, a_unix_socket) {
  temporary_directory directory;
  const std::string path = directory.file("socket");
  {
    echo_server server({"--unix", path});
    EXPECT_EQ(server.url, "ws+unix:" + path);
    const auto client = run({"connect", server.url}, "hi\n");
    EXPECT_EQ(client.out, "hi\n");
    EXPECT_EQ(client.status, 0) << client.err;
    EXPECT_THAT(server.program.out_line(), StartsWith("clean"));
    server.program.signal(SIGTERM);
    EXPECT_EQ(server.program.wait().status, 0);
    EXPECT_FALSE(std::filesystem::exists(path));
  }
  { echo_server killed({"--unix", path}); }
  ASSERT_TRUE(std::filesystem::exists(path));
  echo_server again({"--unix", path});
  EXPECT_EQ(run({"connect", again.url}, "hi\n").out, "hi\n");
}

TEST(serve, never_replaces_a_file_that_is_not_a_socket) {
  temporary_directory directory;
  std::ofstream(directory.file("precious")) << "data";
  const auto ended = run({"serve", "--unix", directory.file("precious")});
  EXPECT_EQ(ended.status, 6);
  EXPECT_THAT(ended.err, StartsWith("adieu: listen: " + directory.file("precious")));
  EXPECT_TRUE(std::filesystem::exists(directory.file("precious")));
}

TEST(serve, a_port_that_is_taken) {
  echo_server first;
  const auto ended = run({"serve", "--port", first.url.substr(first.url.rfind(':') + 1)});
  EXPECT_EQ(ended.status, 6);
  EXPECT_THAT(ended.err, HasSubstr("Address already in use"));
}

TEST(serve, ipv6) {
  process server({"serve", "--host", "::1"});
  const std::string line = server.out_line();
  ASSERT_THAT(line, StartsWith("listening on ws://[::1]:"));
  EXPECT_EQ(run({"connect", line.substr(line.find("ws://"))}, "hi\n").out, "hi\n");
}

TEST(serve, subprotocols) {
  echo_server server({"--subprotocol", "one", "--subprotocol", "two"});
  const auto client = run({"connect", server.url, "--subprotocol", "two"}, "hi\n");
  EXPECT_EQ(client.status, 0) << client.err;
  EXPECT_EQ(client.out, "hi\n");
}

TEST(serve, pages_of_other_origins_are_refused_unless_they_may_connect) {
  const std::string evil = "Origin: https://evil.example\r\n";
  {
    echo_server server;
    EXPECT_THAT(raw_client(server.url, "Origin: http://a\r\n").answer, StartsWith("HTTP/1.1 101"));
    EXPECT_THAT(raw_client(server.url, evil).answer, StartsWith("HTTP/1.1 403"));
  }
  {
    echo_server server({"--origin", "https://app.example", "--origin", "null"});
    EXPECT_THAT(raw_client(server.url, "Origin: https://app.example\r\n").answer,
                StartsWith("HTTP/1.1 101"));
    EXPECT_THAT(raw_client(server.url, "Origin: null\r\n").answer, StartsWith("HTTP/1.1 101"));
    EXPECT_THAT(raw_client(server.url, evil).answer, StartsWith("HTTP/1.1 403"));
  }
  echo_server server({"--origin", "any"});
  EXPECT_THAT(raw_client(server.url, evil).answer, StartsWith("HTTP/1.1 101"));
}

TEST(serve, arguments_that_make_no_sense) {
  EXPECT_EQ(run({"serve", "--origin", "app.example"}).status, 2);
  const auto ended = run({"serve", "--subprotocol", "a b"});
  EXPECT_EQ(ended.status, 2);
  EXPECT_THAT(ended.err, HasSubstr("\"a b\" is not a subprotocol's name"));
}

// The answer to the message in front of a bad frame is on its way before the Close, though both
// came in one read.
TEST(serve, what_came_before_a_broken_rule_is_answered) {
  echo_server server;
  raw_client client(server.url);
  asio::write(client.socket(), asio::buffer(std::string("\x81\x82\0\0\0\0hi\x83\x80\0\0\0\0", 14)));
  std::array<char, 8> got{};
  asio::read(client.socket(), asio::buffer(got));
  EXPECT_EQ(std::string(got.data(), 4), "\x81\x02hi");
  EXPECT_EQ(got[4], '\x88');
  EXPECT_EQ(std::string(got.data() + 6, 2), "\x03\xEA");  // 1002
}

// Its answers are too much to keep; so the server stops reading, and nobody is closed.
TEST(serve, a_client_that_sends_much_before_it_reads_gets_everything_back) {
  constexpr std::size_t count = 300, size = 60'000;
  echo_server server;
  raw_client client(server.url);
  std::string frame("\x82\xFE", 2);
  frame += static_cast<char>(size >> 8U), frame += static_cast<char>(size & 0xFFU);
  frame += std::string(4 + size, '\0');
  std::atomic<std::size_t> sent{0};
  std::thread writer([&] {
    for (std::size_t i = 0; i < count; ++i) {
      frame.back() = static_cast<char>(i);
      asio::write(client.socket(), asio::buffer(frame));
      ++sent;
    }
    asio::write(client.socket(), asio::buffer(std::string("\x88\x82\0\0\0\0\x03\xE8", 8)));
  });
  std::size_t before = 0;
  for (int still = 0; still < 20; ++still) {  // it writes as far as it can
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
    if (sent != before) still = 0;
    before = sent;
  }
  std::string echo(4 + size, '\0');
  for (std::size_t i = 0; i < count; ++i) {
    asio::read(client.socket(), asio::buffer(echo));
    ASSERT_EQ(echo.substr(0, 4), std::string("\x82\x7E", 2) + frame.substr(2, 2));
    ASSERT_EQ(echo.back(), static_cast<char>(i));
  }
  std::array<char, 4> close{};
  asio::read(client.socket(), asio::buffer(close));
  EXPECT_EQ(std::string(close.data(), 4), "\x88\x02\x03\xE8");
  writer.join();
  client.socket().close();
  EXPECT_THAT(server.program.out_line(), StartsWith("clean"));
}

TEST(serve, nothing_of_a_client_reaches_the_terminal_as_it_is) {
  echo_server server;
  {
    raw_client client(server.url);
    const std::string reason = "\x1b[2J\r\n\u202E\xc2\x9b";
    asio::write(client.socket(),
                asio::buffer(std::string("\x88") + static_cast<char>(0x80 + 2 + reason.size()) +
                             std::string(4, '\0') + "\x03\xE8" + reason));
    drain(client.socket());
  }
  raw_client refused(server.url, "Origin: \xff\xfe\x9b\r\n");
  EXPECT_THAT(server.program.out_line(), HasSubstr("\\x1B[2J\\x0D\\x0A\\xE2\\x80\\xAE\\xC2\\x9B"));
  EXPECT_THAT(server.program.out_line(), HasSubstr("pages of \"\\xFF"));
}
