// Every way in which a connection does not open: one line that names the step and the cause, and an
// exit status of its own.
#include <boost/asio/use_awaitable.hpp>
#include <boost/json/parse.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <csignal>

#include "process.hpp"
#include "servers.hpp"

using namespace tool_test;
using testing::HasSubstr;
using testing::StartsWith;

namespace {

void expect_one_line(const process::result& ended, int status, const std::string& beginning) {
  EXPECT_EQ(ended.status, status) << ended.err;
  EXPECT_THAT(ended.err, StartsWith("adieu: " + beginning));
  EXPECT_EQ(std::ranges::count(ended.err, '\n'), 1) << ended.err;
  EXPECT_EQ(ended.out, "");
}

auto answer(std::string text) {
  return [text = std::move(text)](tcp::socket& socket) {
    read_request(socket);
    asio::write(socket, asio::buffer(text));
    drain(socket);
  };
}

// A port that was free a moment ago, and that nobody else gets while the acceptor is bound.
class refused_port {
 public:
  refused_port() : socket_(loop_, tcp::endpoint(asio::ip::address_v4::loopback(), 0)) {}
  [[nodiscard]] std::string number() const {
    return std::to_string(socket_.local_endpoint().port());
  }

 private:
  asio::io_context loop_;
  asio::ip::tcp::socket socket_;  // bound, not listening
};

}  // namespace

TEST(connect_refused, wrong_arguments) {
  for (const std::vector<std::string>& arguments : std::vector<std::vector<std::string>>{
           {},
           {"connect"},
           {"converse"},
           {"connect", "ws://127.0.0.1:1", "--close", "bye"},
           {"connect", "ws://127.0.0.1:1", "--close", "1006"},
           {"connect", "ws://127.0.0.1:1", "--close", "1000:" + std::string(124, 'x')},
           {"connect", "ws://127.0.0.1:1", "--header", "no colon"},
           {"connect", "ws://127.0.0.1:1", "--timeout", "soon"},
           {"connect", "ws://127.0.0.1:1", "--ca", "/nowhere"},
           {"serve", "--tls-cert", "only.pem"},
           {"serve", "--port", "65536"},
           {"serve", "--host", "not an address"},
       }) {
    expect_one_line(run(arguments), 2, "");
  }
  expect_one_line(
      run({"connect", "ws://127.0.0.1:1", "--header", "Upgrade: x"}), 2, "request: header Upgrade");
}

TEST(connect_refused, a_bad_url) {
  expect_one_line(run({"connect", "nonsense"}), 10, "url: the URL \"nonsense\" is not a URL");
  expect_one_line(run({"connect", "http://a/"}), 10, "url: the URL \"http://a/\" must begin with");
  expect_one_line(run({"connect", "ws://h/\x1b[2J"}), 10, "url: the URL \"ws://h/\\x1B[2J\"");
}

TEST(connect_refused, a_name_without_an_address) {
  expect_one_line(run({"connect", "ws://name.invalid/"}), 11, "resolve: name.invalid: ");
}

TEST(connect_refused, a_port_that_refuses) {
  refused_port port;
  expect_one_line(run({"connect", "ws://127.0.0.1:" + port.number()}),
                  12,
                  "connect: 127.0.0.1 port " + port.number() + ": Connection refused");
}

TEST(connect_refused, no_such_unix_socket) {
  expect_one_line(
      run({"connect", "ws+unix:/nowhere/s"}), 12, "connect: /nowhere/s: No such file or directory");
}

TEST(connect_refused, json_is_the_record) {
  refused_port port;
  const auto ended = run({"connect", "ws://127.0.0.1:" + port.number(), "--json"});
  EXPECT_EQ(ended.status, 12);
  const auto record = boost::json::parse(ended.err);
  EXPECT_EQ(record.at("cause").as_string(), "connect_failed");
  EXPECT_EQ(record.at("connect").at("step").as_string(), "connect");
}

TEST(connect_refused, an_http_answer_other_than_101) {
  raw_server server(answer("HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"));
  expect_one_line(run({"connect", server.url()}), 15, "response: the server answered HTTP 404");
}

TEST(connect_refused, a_refusal_of_the_library) {
  library_server server(
      [](adieu::websocket&, const adieu::request&) -> asio::awaitable<void> { co_return; },
      {},
      [](const adieu::request&) { return adieu::decision::refuse(503, "later"); });
  expect_one_line(run({"connect", server.url()}), 15, "response: the server answered HTTP 503");
}

TEST(connect_refused, an_answer_that_is_not_http) {
  raw_server server(answer("220 mail.example ESMTP\r\n\r\n"));
  expect_one_line(run({"connect", server.url()}), 16, "response: the answer is not HTTP");
}

TEST(connect_refused, an_answer_that_is_too_large) {
  raw_server server(
      answer("HTTP/1.1 101 Switching Protocols\r\nX-Long: " + std::string(100'000, 'x')));
  expect_one_line(
      run({"connect", server.url()}), 16, "response: the header is larger than the limit");
}

TEST(connect_refused, a_wrong_accept_header) {
  raw_server server(
      answer("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
             "Connection: Upgrade\r\nSec-WebSocket-Accept: AAAAAAAAAAAAAAAAAAAAAAAAAAA=\r\n\r\n"));
  expect_one_line(run({"connect", server.url()}), 16, "response: ");
}

TEST(connect_refused, a_subprotocol_that_was_not_offered) {
  raw_server server([](tcp::socket& socket) {
    const std::string request = read_request(socket);
    asio::write(socket,
                asio::buffer("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
                             "Connection: Upgrade\r\nSec-WebSocket-Protocol: other\r\n"
                             "Sec-WebSocket-Accept: " +
                             accept_for(request) + "\r\n\r\n"));
    drain(socket);
  });
  expect_one_line(
      run({"connect", server.url(), "--subprotocol", "chat"}), 17, "response: the server chose");
}

TEST(connect_refused, no_subprotocol_though_one_was_asked_for) {
  echo_server server;
  const auto ended = run({"connect", server.url, "--subprotocol", "chat"}, "hi\n");
  EXPECT_EQ(ended.status, 17);
  EXPECT_THAT(ended.err, StartsWith("adieu: response: the server chose none of the subprotocols"));
  EXPECT_EQ(ended.out, "");
}

TEST(connect_refused, tcp_ends_during_the_handshake) {
  raw_server server([](tcp::socket& socket) { read_request(socket); });
  expect_one_line(run({"connect", server.url()}), 19, "response: the peer closed TCP before");
}

TEST(connect_refused, tcp_is_reset_during_the_handshake) {
  raw_server server([](tcp::socket& socket) {
    read_request(socket);
    socket.set_option(asio::socket_base::linger(true, 0));
    socket.close();
  });
  expect_one_line(run({"connect", server.url()}), 19, "response: the peer reset TCP before");
}

TEST(connect_refused, the_handshake_takes_too_long) {
  raw_server server(drain<tcp::socket>);
  expect_one_line(run({"connect", server.url(), "--connect-timeout", "0.2"}),
                  18,
                  "response: nothing came within 200 ms");
}

TEST(connect_refused, the_command_takes_too_long_while_connecting) {
  raw_server server(drain<tcp::socket>);
  expect_one_line(run({"connect", server.url(), "--timeout", "0.2"}),
                  31,
                  "response: nothing came within 200 ms (--timeout)");
}

TEST(connect_refused, ctrl_c_while_connecting) {
  std::atomic<process*> client = nullptr;
  raw_server server([&](tcp::socket& socket) {
    read_request(socket);
    while (client.load() == nullptr) std::this_thread::yield();
    client.load()->signal(SIGINT);
    drain(socket);
  });
  process connecting({"connect", server.url()});
  client = &connecting;
  expect_one_line(connecting.wait(), 30, "response: ");
}
