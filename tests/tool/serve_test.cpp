// `adieu serve`: where it listens, what it says about each connection, and how it shuts down.
#include <boost/json/parse.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <csignal>
#include <filesystem>
#include <fstream>

#include "process.hpp"
#include "servers.hpp"

using namespace tool_test;
using testing::HasSubstr;
using testing::StartsWith;

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
  {
    asio::io_context loop;
    tcp::socket socket(loop);
    const auto port = server.url.substr(server.url.rfind(':') + 1);
    socket.connect(
        {asio::ip::address_v4::loopback(), static_cast<unsigned short>(std::stoi(port))});
    asio::write(socket,
                asio::buffer(std::string("GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\n"
                                         "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
                                         "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n")));
    EXPECT_THAT(read_request(socket), StartsWith("HTTP/1.1 101"));
  }
  EXPECT_THAT(server.program.out_line(), StartsWith("clean"));
  EXPECT_THAT(server.program.out_line(), StartsWith("not clean: the peer vanished"));
  server.program.signal(SIGINT);
  const auto ended = server.program.wait();
  EXPECT_THAT(ended.out, HasSubstr("\n1 clean, 1 not clean (1 peer_vanished)\n"));
  EXPECT_EQ(ended.status, 0);
}

TEST(serve, a_second_signal_ends_at_once) {
  echo_server server;
  asio::io_context loop;
  tcp::socket socket(loop);  // never answers the Close
  const auto port = server.url.substr(server.url.rfind(':') + 1);
  socket.connect({asio::ip::address_v4::loopback(), static_cast<unsigned short>(std::stoi(port))});
  asio::write(socket,
              asio::buffer(std::string("GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\n"
                                       "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
                                       "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n")));
  EXPECT_THAT(read_request(socket), StartsWith("HTTP/1.1 101"));
  server.program.signal(SIGTERM);
  std::array<unsigned char, 4> close{};
  asio::read(socket, asio::buffer(close));  // the first signal has acted
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
