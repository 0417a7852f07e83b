// What is put into a handshake and is not what it seems: line breaks, NULs, bodies, folded lines,
// second requests. On both sides: what a raw peer sends, and what our caller hands us.
#include "net/opening.hpp"
#include "tests/net/raw_fixture.hpp"
#include "tests/net/requests.hpp"

namespace adieu::test {
namespace {

using namespace std::string_literals;

class InjectionServer : public testing::Test {
 protected:
  InjectionServer() : serving(world.executor()) {
    serving.on_request([this](const request& asked) {
      seen.push_back(asked);
      return decision::refuse(404, "nothing here");
    });
    serving.on_end([this](const disconnect_record& record) { records.push_back(record); });
    port = serving.listen("127.0.0.1", 0).port();
  }
  std::string ask(const std::string& request) {
    raw_socket client = raw_socket::connect_to(port);
    client.send(request);
    client.fin();
    EXPECT_TRUE(world.run_until([&] { return client.read_now() != raw_socket::end::none; }));
    return client.got;
  }
  /// The good request with one more line.
  std::string with(const std::string& line) {
    return ask(std::string(good_request) + line + "\r\n\r\n");
  }

  tcp_world world;
  server serving;
  std::vector<request> seen;
  std::vector<disconnect_record> records;
  std::uint16_t port = 0;
};

TEST_F(InjectionServer, the_good_request_comes_through) {
  EXPECT_TRUE(ask(std::string(good_request) + "\r\n").starts_with("HTTP/1.1 404"));
  EXPECT_TRUE(with("X: y").starts_with("HTTP/1.1 404"));
  EXPECT_EQ(seen.size(), 2U);
}

TEST_F(InjectionServer, lines_that_parsers_disagree_about_are_400) {
  for (const std::string& line : {"X : y"s,  // a space before the colon
                                  "X\t: y"s,
                                  " X: y"s,  // folded into the line before
                                  "X: y\r\n z"s,
                                  "X: y\r\n\tz"s,
                                  "X: y\r\n Host: evil"s,
                                  "X: y\nHost: evil"s,  // a bare LF
                                  "X: y\rHost: evil"s,  // a bare CR
                                  "X: a\0b"s,
                                  "X: a\x01"
                                  "b"s,
                                  "X: a\x7F"s,
                                  "X\0: a"s,
                                  "X\x01: a"s,
                                  "X(: a"s,
                                  ": a"s,
                                  "no colon"s}) {
    EXPECT_TRUE(with(line).starts_with("HTTP/1.1 400")) << printable(line);
  }
  for (const std::string& start : {"GET /\0 HTTP/1.1"s,
                                   "GET /a b HTTP/1.1"s,
                                   "GET  / HTTP/1.1"s,
                                   "GET / HTTP/1.1 x"s,
                                   "GET / HTTP/1.1\nX: y"s,
                                   "GET /\x01 HTTP/1.1"s,
                                   " GET / HTTP/1.1"s,
                                   "G\0T / HTTP/1.1"s}) {
    std::string request(good_request);
    request.replace(0, request.find("\r\n"), start);
    EXPECT_TRUE(ask(request + "\r\n").starts_with("HTTP/1.1 400")) << printable(start);
  }
  EXPECT_TRUE(seen.empty());
}

TEST_F(InjectionServer, a_folded_line_is_found_however_the_network_cuts_it) {
  const std::string request = std::string(good_request) + "X: y\r\n z\r\n\r\n";
  for (std::size_t cut = request.size() - 12; cut < request.size(); ++cut) {
    raw_socket client = raw_socket::connect_to(port);
    client.send(request.substr(0, cut));
    world.settle();
    client.send(request.substr(cut));
    client.fin();
    EXPECT_TRUE(world.run_until([&] { return client.read_now() != raw_socket::end::none; }));
    EXPECT_TRUE(client.got.starts_with("HTTP/1.1 400")) << cut << client.got;
  }
  EXPECT_TRUE(seen.empty());
}

TEST_F(InjectionServer, a_body_or_a_second_host_is_400) {
  for (const char* line : {"Content-Length: 5",
                           "Content-Length: 0\r\nContent-Length: 5",
                           "Content-Length: -1",
                           "Content-Length: 0x0",
                           "Content-Length: 1, 1",
                           "Transfer-Encoding: chunked",
                           "Transfer-Encoding: identity",
                           "Transfer-Encoding: chunked\r\nContent-Length: 0",
                           "Host: evil",
                           "host: localhost",
                           "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
                           "Sec-WebSocket-Version: 13"}) {
    EXPECT_TRUE(with(line).starts_with("HTTP/1.1 400")) << line;
  }
  EXPECT_TRUE(seen.empty());
}

// What lies behind a request that is refused is no second request.
TEST_F(InjectionServer, a_request_behind_the_request_is_never_read) {
  const std::string request = std::string(good_request) + "\r\n";
  std::string other = request;
  other.replace(4, 9, "/evil/dir");
  const std::string got = ask(request + other);
  EXPECT_TRUE(got.starts_with("HTTP/1.1 404"));
  EXPECT_EQ(got.find("HTTP/1.1", 1), got.npos) << got;
  ASSERT_EQ(seen.size(), 1U);
  EXPECT_EQ(seen[0].target, "/chat?x=1");
  EXPECT_NE(got.find("Connection: close"), got.npos);
}

TEST_F(InjectionServer, a_refusal_repeats_nothing_that_is_not_printable) {
  const std::string got = with("Sec-WebSocket-Protocol: <script>\x80\xFF");
  EXPECT_TRUE(got.starts_with("HTTP/1.1 400"));
  for (const char c : got) EXPECT_TRUE((c >= ' ' && c <= '~') || c == '\r' || c == '\n');
}

// The record of a refused client tells nothing of its secrets.
TEST_F(InjectionServer, records_have_no_secrets_in_them) {
  std::string request(good_request);
  request.replace(4, 9, "/?token=SECRET");
  request += "Authorization: Bearer SECRET\r\nCookie: session=SECRET\r\n";
  (void)ask(request + "\r\n");
  (void)ask(request + "X : y\r\n\r\n");
  (void)ask(request + "Content-Length: 5\r\n\r\n");
  (void)ask(request + "Origin: https://evil.example\r\n\r\n");
  (void)ask(request + "Sec-WebSocket-Version: 13\r\n\r\n");
  ASSERT_TRUE(world.run_until([&] { return records.size() == 5; }));
  for (const disconnect_record& record : records) {
    EXPECT_EQ(to_json(record).find("SECRET"), std::string::npos) << to_json(record);
    EXPECT_EQ(to_line(record).find("SECRET"), std::string::npos) << to_line(record);
  }
}

class InjectionClient : public testing::Test {
 protected:
  error_code connect(const std::string& url, const connect_options& options = {}) {
    std::optional<error_code> done;
    async_connect(world.executor(), url, options, [&](error_code ec, websocket socket) {
      done = ec;
      record = socket.record();
    });
    EXPECT_TRUE(world.run_until([&] { return done.has_value(); }));
    return done.value_or(error_code());
  }
  [[nodiscard]] std::string detail() const {
    return record && record->connect ? record->connect->detail : "";
  }
  /// A server that answers the request with this; KEY stands for the right Accept.
  error_code answered_with(std::string answer) {
    const raw_listener listener;
    std::optional<error_code> done;
    async_connect(world.executor(), listener.url(), {}, [&](error_code ec, websocket socket) {
      done = ec;
      record = socket.record();
    });
    EXPECT_TRUE(world.run_until([&] { return listener.somebody_waits(); }));
    raw_socket peer = listener.accept();
    EXPECT_TRUE(
        world.run_until([&] { return (void)peer.read_now(), peer.got.ends_with("\r\n\r\n"); }));
    const std::size_t key = peer.got.find("Sec-WebSocket-Key: ") + 19;
    const std::string accept = core::accept_for(peer.got.substr(key, 24), net::sha1);
    if (const std::size_t at = answer.find("KEY"); at != answer.npos) answer.replace(at, 3, accept);
    peer.send(answer);
    EXPECT_TRUE(world.run_until([&] { return done.has_value(); }));
    return done.value_or(error_code());
  }

  tcp_world world;
  std::optional<disconnect_record> record;
};

constexpr std::string_view good_answer =
    "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Accept: KEY\r\n";

TEST_F(InjectionClient, headers_with_line_breaks_or_nuls_are_never_sent) {
  for (const std::string& bad : {"a\r\nX: y"s, "a\nX: y"s, "a\rX: y"s, "a\0b"s, "\x01"s, "\x7F"s}) {
    connect_options options;
    options.headers = {{"Authorization", "SECRET" + bad}};
    EXPECT_TRUE(connect("ws://127.0.0.1:1/", options) == errc::invalid_argument);
    EXPECT_EQ(detail(), "the value of header Authorization has control characters");
    options.headers = {{"X" + bad, "y"}};
    EXPECT_TRUE(connect("ws://127.0.0.1:1/", options) == errc::invalid_argument);
    options.headers = {};
    options.subprotocols = {"a" + bad};
    EXPECT_TRUE(connect("ws://127.0.0.1:1/", options) == errc::invalid_argument);
  }
  for (const char* name : {"Host",
                           "sec-websocket-key",
                           "Upgrade",
                           "CONNECTION",
                           "content-length",
                           "Transfer-Encoding",
                           "Sec-WebSocket-Extensions"}) {
    connect_options options;
    options.headers = {{name, "x"}, {name, "y"}};
    EXPECT_TRUE(connect("ws://127.0.0.1:1/", options) == errc::invalid_argument) << name;
  }
}

TEST_F(InjectionClient, urls_with_line_breaks_or_nuls_are_never_sent) {
  for (const std::string& url : {"ws://127.0.0.1:1/a b"s,
                                 "ws://127.0.0.1:1/a\r\nX: y"s,
                                 "ws://127.0.0.1:1/a\nX"s,
                                 "ws://127.0.0.1:1/?a\r\nX"s,
                                 "ws://127.0.0.1:1/a\0b"s,
                                 "ws://127.0.0.1\r\n:1/"s,
                                 "ws://127.0.0.1\0.example/"s,
                                 "ws://localhost%00.example/"s,
                                 "ws://localhost%0d%0aX/"s,
                                 "ws://local%20host/"s,
                                 "ws://a%2Fb/"s,
                                 "ws://127.0.0.1:1/#\r\n"s,
                                 "ws+unix:/nowhere:/a b"s,
                                 "ws+unix:/nowhere:/a HTTP/1.1\r\nX: y"s,
                                 "ws+unix:/nowhere:/a\nX: y"s,
                                 "ws+unix:/nowhere:/a\0b"s,
                                 "ws+unix:/nowhere:/#a"s,
                                 "ws+unix:/nowh\0ere:/"s}) {
    EXPECT_TRUE(connect(url) == errc::invalid_url) << printable(url);
  }
  EXPECT_TRUE(connect("ws+unix:/nowhere:/a?b=c%20d") == errc::connect_failed);
}

TEST_F(InjectionClient, records_have_no_secrets_in_them) {
  for (const char* url : {"ws://user:SECRET@127.0.0.1:1/",
                          "ws://user:SEC@RET@127.0.0.1:1/",
                          "ws://user:SECRET@127.0.0.1:1/ path",
                          "ws://user:SE/CRET@127.0.0.1:99999/",
                          "user:SECRET@host",
                          "http://127.0.0.1:1/?token=SECRET",
                          "ws://127.0.0.1:1/?token=SECRET#x",
                          "ws://127.0.0.1:1/#SECRET",
                          "ws://127.0.0.1:99999/?token=SECRET",
                          "ws://127.0.0.1:1/?token=SECRET",  // nobody listens there
                          "ws+unix:/nowhere:/?token=SECRET"}) {
    connect_options options;
    options.headers = {{"Authorization", "Bearer SECRET"}, {"Cookie", "a=SECRET"}};
    EXPECT_TRUE(connect(url, options));
    ASSERT_TRUE(record.has_value());
    for (const std::string& text : {to_json(*record), to_line(*record)}) {
      for (const char* part : {"SEC", "RET"}) EXPECT_EQ(text.find(part), text.npos) << text;
    }
  }
  EXPECT_EQ(detail().find("nowhere") != std::string::npos, true) << "the rest is told";
}

TEST_F(InjectionClient, answers_that_parsers_disagree_about_are_refused) {
  EXPECT_FALSE(answered_with(std::string(good_answer) + "X: y\r\n\r\n"));
  for (const std::string& line :
       {"X : y"s, "X: y\r\n z"s, "X: y\nZ: z"s, "X: a\0b"s, "X\x01: a"s}) {
    EXPECT_TRUE(answered_with(std::string(good_answer) + line + "\r\n\r\n") ==
                errc::not_a_websocket)
        << printable(line);
  }
  for (const char* line : {"Content-Length: 5",
                           "Transfer-Encoding: chunked",
                           "Upgrade: websocket",
                           "Sec-WebSocket-Accept: x",
                           "Sec-WebSocket-Protocol: a\r\n"
                           "Sec-WebSocket-Protocol: a"}) {
    const error_code ec = answered_with(std::string(good_answer) + line + "\r\n\r\n");
    EXPECT_TRUE(ec == errc::header_error || ec == errc::not_a_websocket) << line << ec.message();
  }
}

TEST_F(InjectionClient, max_headers_is_a_header_error) {
  std::string many(good_answer);
  for (int i = 0; i < 98; ++i) many += "X: y\r\n";
  EXPECT_TRUE(answered_with(many + "\r\n") == errc::header_error);
  EXPECT_EQ(detail(), "the header has more than 100 fields");
}

TEST_F(InjectionClient, bad_options_are_refused_before_anything_is_sent) {
  const auto with = [&](const std::function<void(connect_options&)>& change) {
    connect_options options;
    change(options);
    EXPECT_TRUE(connect("ws://127.0.0.1:1/", options) == errc::invalid_argument);
    return detail();
  };
  EXPECT_EQ(with([](auto& o) { o.timeout = -1ms; }), "timeout must not be negative, but is -1 ms");
  EXPECT_EQ(with([](auto& o) { o.max_header_size = 0; }).substr(0, 15), "max_header_size");
  EXPECT_EQ(with([](auto& o) { o.max_headers = 0; }).substr(0, 11), "max_headers");
  EXPECT_EQ(with([](auto& o) { o.websocket.receive_window = 0; }).substr(0, 14), "receive_window");
}

TEST_F(InjectionClient, bad_options_of_an_adopted_stream_throw) {
  websocket_options options;
  options.close_timeout = -1s;
  asio::ip::tcp::socket tcp(world.executor());
  EXPECT_THROW((void)websocket::adopt(std::move(tcp), role::client, options),
               std::invalid_argument);
}

// RFC 6455 §5.5.1: a reason is any UTF-8, and goes out as it is; it is shown printable.
TEST_F(InjectionClient, a_reason_with_line_breaks_stays_one_line_in_the_record) {
  ends pair = world.open();
  answer closed;
  pair.client.async_close(close_status::normal_closure, "a\r\nb\x1B[2J\0c"s, to(closed));
  pair.server.on_message([](const message_view&) {});
  ASSERT_TRUE(world.run_until([&] { return closed.come() && pair.server.record(); }));
  EXPECT_EQ(pair.server.record()->received->reason, "a\r\nb\x1B[2J\0c"s);
  for (const std::string& text : {to_line(*pair.server.record()), to_json(*pair.server.record())}) {
    for (const char c : text) EXPECT_TRUE(c >= ' ' && c != '\x7F') << text;
  }
}

}  // namespace
}  // namespace adieu::test
