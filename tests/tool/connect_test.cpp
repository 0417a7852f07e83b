// `adieu connect` that talks: lines in, messages out, and a proper end behind them.
#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/json/parse.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fcntl.h>

#include <csignal>
#include <fstream>

#include "process.hpp"
#include "servers.hpp"

using namespace tool_test;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

namespace {

// The lines of a text, each parsed as JSON.
std::vector<boost::json::value> json_lines(const std::string& text) {
  std::vector<boost::json::value> out;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) out.push_back(boost::json::parse(line));
  return out;
}

asio::awaitable<void> until_closed(adieu::websocket& socket, const adieu::request&) {
  adieu::message received;
  boost::system::error_code ec;
  auto token = asio::redirect_error(asio::use_awaitable, ec);
  for (;;) {
    const auto result = co_await socket.async_receive_message(received, token);
    if (ec || result.type == adieu::message_type::close) co_return;
  }
}

}  // namespace

TEST(connect, a_line_is_echoed_and_both_ends_are_clean) {
  echo_server server;
  const auto client = run({"connect", server.url}, "hi\n");
  EXPECT_EQ(client.out, "hi\n");
  EXPECT_THAT(client.err,
              StartsWith("adieu: clean: we closed first with 1000, the peer with 1000;"));
  EXPECT_EQ(client.status, 0);
  EXPECT_THAT(server.program.out_line(), StartsWith("clean: the peer closed first with 1000"));
}

TEST(connect, the_last_line_needs_no_newline_and_an_empty_line_is_a_message) {
  echo_server server;
  EXPECT_EQ(run({"connect", server.url}, "\nlast").out, "\nlast\n");
}

TEST(connect, the_close_is_the_users) {
  echo_server server;
  const auto client = run({"connect", server.url, "--close", "4000:so long"});
  EXPECT_THAT(client.err, HasSubstr("we closed first with 4000 \"so long\", the peer with 4000"));
  EXPECT_EQ(client.status, 0);
  EXPECT_THAT(server.program.out_line(), HasSubstr("the peer closed first with 4000 \"so long\""));
}

TEST(connect, ten_thousand_lines_come_back_in_order) {
  echo_server server;
  std::string lines;
  for (int i = 0; i < 10'000; ++i) lines += "line " + std::to_string(i) + "\n";
  const auto client = run({"connect", server.url}, lines);
  EXPECT_EQ(client.out, lines);
  EXPECT_EQ(client.status, 0) << client.err;
}

TEST(connect, a_line_of_megabytes_comes_back) {
  echo_server server;
  const std::string line = std::string(5'000'000, 'x') + "\n";
  const auto client = run({"connect", server.url}, line);
  EXPECT_TRUE(client.out == line) << client.out.size();
  EXPECT_EQ(client.status, 0) << client.err;
}

TEST(connect, standard_input_may_be_a_file_or_nothing) {
  echo_server server;
  temporary_directory directory;
  std::ofstream(directory.file("lines")) << "one\ntwo\n";
  process from_file({"connect", server.url}, stdout_is::pipe, directory.file("lines"));
  EXPECT_EQ(from_file.wait().out, "one\ntwo\n");
  process from_nothing({"connect", server.url}, stdout_is::pipe, "/dev/null");
  EXPECT_EQ(from_nothing.wait().status, 0);
}

TEST(connect, what_arrives_after_the_end_of_the_input_is_printed) {
  library_server server(
      [](adieu::websocket& socket, const adieu::request&) -> asio::awaitable<void> {
        adieu::message received;
        auto result = co_await socket.async_receive_message(received, asio::use_awaitable);
        while (result.type != adieu::message_type::close) {
          result = co_await socket.async_receive_message(received, asio::use_awaitable);
        }
        for (int i = 0; i < 3; ++i) {  // its Close has come: the client still receives
          const std::string text = "after " + std::to_string(i);
          co_await socket.async_send(text, asio::use_awaitable);
        }
        co_await socket.async_close_output(
            adieu::close_status::normal_closure, "done", asio::use_awaitable);
      });
  const auto client = run({"connect", server.url()}, "hello\n");
  EXPECT_EQ(client.out, "after 0\nafter 1\nafter 2\n");
  EXPECT_THAT(client.err, HasSubstr("the peer with 1000 \"done\""));
  EXPECT_EQ(client.status, 0);
}

TEST(connect, a_peer_that_closes_first_is_answered_though_the_input_is_open) {
  library_server server(
      [](adieu::websocket& socket, const adieu::request&) -> asio::awaitable<void> {
        co_await socket.async_send(std::string_view("bye"), asio::use_awaitable);
        co_await socket.async_close(
            adieu::close_status::endpoint_unavailable, "restart", asio::use_awaitable);
      });
  process client({"connect", server.url()});
  const auto ended = client.wait();
  EXPECT_EQ(ended.out, "bye\n");
  EXPECT_THAT(ended.err,
              HasSubstr("clean: the peer closed first with 1001 \"restart\", we answered 1001"));
  EXPECT_EQ(ended.status, 0);
}

TEST(connect, stay_waits_for_the_peer) {
  library_server server(
      [](adieu::websocket& socket, const adieu::request&) -> asio::awaitable<void> {
        adieu::message received;
        co_await socket.async_receive_message(received, asio::use_awaitable);
        co_await socket.async_send(received, asio::use_awaitable);
      });
  const auto client = run({"connect", server.url(), "--stay"}, "hi\n");
  EXPECT_EQ(client.out, "hi\n");
  EXPECT_THAT(client.err, HasSubstr("the peer closed first with 1000"));
}

TEST(connect, ctrl_c_closes_properly) {
  echo_server server;
  process client({"connect", server.url});
  client.write("hi\n");
  EXPECT_EQ(client.out_line(), "hi");
  client.signal(SIGINT);
  const auto ended = client.wait();
  EXPECT_THAT(ended.err, StartsWith("adieu: clean: we closed first with 1000"));
  EXPECT_EQ(ended.status, 0);
  EXPECT_THAT(server.program.out_line(), StartsWith("clean: the peer closed first with 1000"));
}

TEST(connect, a_line_that_is_not_utf8_is_told_and_the_others_are_sent) {
  echo_server server;
  const auto client = run({"connect", server.url},
                          "one\nb\xff\x1b"
                          "d\nthree\n");
  EXPECT_EQ(client.out, "one\nthree\n");
  EXPECT_THAT(
      client.err,
      StartsWith("adieu: line 2 of the input is not UTF-8, and was not sent\nadieu: clean"));
  EXPECT_EQ(client.status, 4);
}

TEST(connect, binary_lines_may_hold_any_bytes) {
  echo_server server;
  const std::vector<std::string> arguments{"connect", server.url, "--send-binary"};
  EXPECT_EQ(run(arguments, "\xff\x01\n").out, "ff01\n");
  auto raw = arguments;
  raw.push_back("--raw");
  EXPECT_EQ(run(raw, "\xff\x01\nz\n").out, "\xff\x01z");
}

TEST(connect, json_is_json_on_both_streams) {
  echo_server server;
  const auto client = run({"connect", server.url, "--json"}, "h\"i\tü\n\xff\n");
  const auto messages = json_lines(client.out);
  ASSERT_EQ(messages.size(), 1U);
  EXPECT_EQ(messages[0].at("type").as_string(), "text");
  EXPECT_EQ(messages[0].at("data").as_string(), "h\"i\tü");
  const auto status = json_lines(client.err);
  ASSERT_EQ(status.size(), 2U) << client.err;
  EXPECT_THAT(std::string(status[0].at("note").as_string()), HasSubstr("line 2"));
  EXPECT_TRUE(status[1].at("clean").as_bool());
  EXPECT_EQ(status[1].at("cause").as_string(), "handshake");

  const auto binary = run({"connect", server.url, "--json", "--send-binary"}, "\xff\n");
  EXPECT_EQ(json_lines(binary.out).at(0).at("type").as_string(), "binary");
  EXPECT_EQ(json_lines(binary.out).at(0).at("data").as_string(), "/w==");
}

TEST(connect, headers_and_subprotocols_reach_the_server) {
  adieu::server_options options;
  options.subprotocols = {"chat"};
  library_server server(
      [](adieu::websocket& socket, const adieu::request& request) -> asio::awaitable<void> {
        const std::string said = std::string(request.header("x-token").value_or("none")) + "|" +
                                 std::string(request.header("X-Two").value_or("none")) + "|" +
                                 socket.subprotocol();
        co_await socket.async_send(said, asio::use_awaitable);
      },
      options);
  const auto client = run({"connect",
                           "--header",
                           "X-Token:  abc ",
                           "-H",
                           "X-Two: d:e",
                           "--subprotocol",
                           "other",
                           "--subprotocol",
                           "chat",
                           server.url(),
                           "--stay"});
  EXPECT_EQ(client.out, "abc|d:e|chat\n");
  EXPECT_EQ(client.status, 0) << client.err;
}

TEST(connect, nothing_of_the_peer_reaches_a_terminal_raw) {
  library_server server(
      [](adieu::websocket& socket, const adieu::request&) -> asio::awaitable<void> {
        co_await socket.async_send(std::string_view("\x1b[2J\x07 \xc2\x9b"), asio::use_awaitable);
        co_await socket.async_close(
            adieu::close_status::normal_closure, "\x1b]0;owned\x07", asio::use_awaitable);
      });
  process client({"connect", server.url()}, stdout_is::terminal);
  const auto ended = client.wait();
  EXPECT_EQ(ended.out, "\\x1B[2J\\x07 \\xC2\\x9B\n");
  EXPECT_THAT(ended.err, HasSubstr("\\x1B]0;owned\\x07"));
  EXPECT_THAT(ended.err, Not(HasSubstr("\x1b")));
}

TEST(connect, a_slow_reader_of_ours_slows_the_input_down) {
  library_server server(until_closed);  // takes everything
  raw_server never_reads([](tcp::socket& socket) {
    shake_hands(socket);
    std::array<char, 1> one;
    asio::read(socket, asio::buffer(one));
    socket.wait(tcp::socket::wait_error);  // until the client goes
  });
  std::string lines;
  while (lines.size() < 32 * 1024 * 1024) lines += std::string(1000, 'x') + "\n";

  const auto taken = run({"connect", server.url()}, lines);
  EXPECT_EQ(taken.status, 0) << taken.err;

  process stuck({"connect", never_reads.url(), "--timeout", "1", "--close-timeout", "0.2"});
  stuck.write(lines);
  EXPECT_EQ(stuck.wait().status, 31);
  EXPECT_GT(stuck.unread_input(), lines.size() / 2);
}

TEST(connect, a_closed_standard_output_ends_the_connection_properly) {
  library_server server(
      [](adieu::websocket& socket, const adieu::request&) -> asio::awaitable<void> {
        while (socket.state() == adieu::state::open) {
          co_await socket.async_send(std::string_view("again"), asio::use_awaitable);
          co_await asio::post(socket.get_executor(), asio::use_awaitable);  // others' turn
        }
      });
  process shell({"connect", server.url()});
  EXPECT_EQ(shell.out_line(), "again");
  shell.close_output();
  const auto ended = shell.wait();
  EXPECT_EQ(ended.status, 5);
  EXPECT_THAT(ended.err, StartsWith("adieu: clean: we closed first with 1000"));
}
