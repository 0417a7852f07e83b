// Every way in which an open connection ends badly: its own exit status, and one line that says
// why.
#include <boost/asio/post.hpp>
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

// Opens, sends these bytes, then does `then`.
auto send_raw(std::string bytes, std::function<void(tcp::socket&)> then = drain<tcp::socket>) {
  return [bytes = std::move(bytes), then = std::move(then)](tcp::socket& socket) {
    shake_hands(socket);
    asio::write(socket, asio::buffer(bytes));
    then(socket);
  };
}

void send_fin(tcp::socket& socket) {
  socket.shutdown(tcp::socket::shutdown_send);
  drain(socket);
}

// With standard input open, so that only the server ends it.
process::result connect_to(const raw_server& server, std::vector<std::string> options = {}) {
  std::vector<std::string> arguments{"connect", server.url()};
  arguments.insert(arguments.end(), options.begin(), options.end());
  process client(std::move(arguments));
  return client.wait();
}

void expect_one_line(const process::result& ended, int status, const std::string& words) {
  EXPECT_EQ(ended.status, status) << ended.err;
  EXPECT_THAT(ended.err, HasSubstr(words));
  EXPECT_EQ(std::ranges::count(ended.err, '\n'), 1) << ended.err;
}

}  // namespace

TEST(connect_ends, the_peer_vanishes) {
  raw_server server(send_raw("\x81\x02hi", send_fin));
  const auto ended = connect_to(server);
  EXPECT_EQ(ended.out, "hi\n");
  expect_one_line(ended, 20, "adieu: not clean: the peer vanished");
}

TEST(connect_ends, the_peer_resets) {
  raw_server server(send_raw("", [](tcp::socket& socket) {
    socket.set_option(asio::socket_base::linger(true, 0));
    socket.close();
  }));
  expect_one_line(connect_to(server), 21, "adieu: not clean: the peer reset the connection");
}

TEST(connect_ends, the_peer_breaks_a_rule) {
  raw_server server(send_raw(std::string("\x81\x81\0\0\0\0x", 7)));
  expect_one_line(connect_to(server), 23, "adieu: not clean: the peer broke a rule");
}

TEST(connect_ends, the_peer_says_that_we_broke_a_rule) {
  raw_server server(send_raw("\x88\x02\x03\xea"));
  expect_one_line(connect_to(server), 24, "adieu: not clean: the peer says that we broke a rule");
}

TEST(connect_ends, a_message_is_too_big) {
  raw_server server(send_raw(std::string("\x82\x7f\0\0\0\0\x40\0\0\0", 10)));
  expect_one_line(connect_to(server), 25, "larger than the limit");
}

TEST(connect_ends, the_peer_falls_silent) {
  raw_server server(send_raw(""));
  expect_one_line(connect_to(server, {"--ping-interval", "0.1"}),
                  26,
                  "the peer fell silent and answered no Ping");
}

TEST(connect_ends, the_peer_does_not_answer_the_close) {
  raw_server server(send_raw(""));
  const auto ended = run({"connect", server.url(), "--close-timeout", "0.2"});
  expect_one_line(ended, 28, "the close timed out while we waited for the peer's Close");
}

TEST(connect_ends, ctrl_c_twice_cuts) {
  raw_server server(send_raw("\x81\x02hi"));
  process client({"connect", server.url()});
  EXPECT_EQ(client.out_line(), "hi");
  client.signal(SIGINT);
  client.signal(SIGTERM);  // another number: two of the same may become one
  expect_one_line(client.wait(), 30, "adieu: not clean: we aborted; we closed with 1000");
}

TEST(connect_ends, the_timeout_of_the_command) {
  echo_server server;
  process client({"connect", server.url, "--timeout", "0.2"});
  const auto ended = client.wait();
  EXPECT_EQ(ended.status, 31);
  EXPECT_THAT(ended.err, StartsWith("adieu: --timeout: 0.2 s are over\nadieu: clean: we closed"));
}

TEST(connect_ends, the_timeout_of_the_command_when_the_peer_does_not_answer) {
  raw_server server(send_raw(""));
  const auto ended = connect_to(server, {"--timeout", "0.2", "--close-timeout", "0.2", "--json"});
  EXPECT_EQ(ended.status, 31);
  const std::string record = ended.err.substr(ended.err.find('\n') + 1);
  EXPECT_EQ(boost::json::parse(record).at("cause").as_string(), "close_timeout");
}

TEST(connect_ends, the_timeout_of_the_command_when_nobody_reads_its_output) {
  library_server server(
      [](adieu::websocket& socket, const adieu::request&) -> asio::awaitable<void> {
        const std::string text(1000, 'x');
        while (socket.state() == adieu::state::open) {
          co_await socket.async_send(text, asio::use_awaitable);
          co_await asio::post(socket.get_executor(), asio::use_awaitable);
        }
      });
  process client({"connect", server.url(), "--timeout", "0.3", "--close-timeout", "0.3"});
  const auto ended = client.wait_unread();
  EXPECT_EQ(ended.status, 31);
  EXPECT_THAT(ended.err, HasSubstr("bytes were not taken\n"));
}

TEST(connect_ends, a_clean_close_that_reports_an_error) {
  library_server server(
      [](adieu::websocket& socket, const adieu::request&) -> asio::awaitable<void> {
        co_await socket.async_close(adieu::close_status{4008}, "quota", asio::use_awaitable);
      });
  process client({"connect", server.url()});
  expect_one_line(client.wait(), 3, "adieu: clean: the peer closed first with 4008 \"quota\"");
}

TEST(connect_ends, json_says_the_cause) {
  raw_server server(send_raw("", send_fin));
  const auto ended = connect_to(server, {"--json"});
  EXPECT_EQ(ended.status, 20);
  EXPECT_EQ(boost::json::parse(ended.err).at("cause").as_string(), "peer_vanished");
}
