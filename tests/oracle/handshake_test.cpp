// The opening handshake, referee and Adieu side by side: ClientWebSocket and async_connect before a
// server of raw bytes, HttpListener and adieu::server before a client of raw bytes (N18).
//
// What each of them says is in the tables; where it differs, with the row that it is owed to.
#include <fmt/format.h>
#include <openssl/evp.h>

#include <thread>

#include "adieu/adieu.hpp"
#include "tests/oracle/fixture.hpp"
#include "tests/oracle/model.hpp"
#include "tests/oracle/words.hpp"

namespace oracle {
namespace {

namespace asio = boost::asio;
using adieu::test::raw_listener;
using adieu::test::raw_socket;

class Handshakes : public Oracle {
 protected:
  void SetUp() override {
    Oracle::SetUp();
    if (net_) control_.emplace(net_->port());
  }
  std::optional<control_connection> control_;
};

std::string accept_key(const std::string& request) {
  const std::size_t at = request.find("Sec-WebSocket-Key: ") + 19;
  const std::string text =
      request.substr(at, request.find('\r', at) - at) + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
  unsigned char digest[EVP_MAX_MD_SIZE], encoded[64];
  unsigned size = 0;
  EVP_Digest(text.data(), text.size(), digest, &size, EVP_sha1(), nullptr);
  const int length = EVP_EncodeBlock(encoded, digest, static_cast<int>(size));
  return {reinterpret_cast<const char*>(encoded), static_cast<std::size_t>(length)};
}

/// Answers every request in the same way, and ends TCP behind it: a .NET that got nothing asks
/// anew.
class raw_server {
 public:
  explicit raw_server(std::string text)
      : thread_([this, text = std::move(text)](const std::stop_token& stop) {
          while (!stop.stop_requested()) {
            pollfd ask{listener_.descriptor(), POLLIN, 0};
            if (::poll(&ask, 1, 10) > 0) answer(text);
          }
        }) {}
  [[nodiscard]] std::string url() const { return listener_.url(); }

 private:
  void answer(std::string text) const {
    raw_socket peer = listener_.accept();
    while (peer.got.find("\r\n\r\n") == std::string::npos) {
      pollfd ask{peer.descriptor(), POLLIN, 0};
      if (::poll(&ask, 1, 5000) <= 0 || peer.read_now() != raw_socket::end::none) break;
    }
    if (const std::size_t at = text.find("{accept}"); at != std::string::npos) {
      text.replace(at, 8, accept_key(peer.got));
    }
    peer.send(text);
    peer.fin();
    (void)peer.read_to_end();
  }

  raw_listener listener_;
  std::jthread thread_;
};

std::string connect_with_adieu(const std::string& url, const std::vector<std::string>& names) {
  asio::io_context loop;
  adieu::connect_options options;
  options.subprotocols = names;
  std::string told;
  adieu::async_connect(
      loop.get_executor(), url, options, [&](adieu::error_code ec, adieu::websocket socket) {
        told = fmt::format("{} {}",
                           ec ? error_in_words(ec) : "ok",
                           socket.subprotocol().empty() ? "-" : socket.subprotocol());
        if (!ec) socket.abort();
      });
  loop.run();
  return told;
}

constexpr const char* switching = "HTTP/1.1 101 Switching Protocols\r\n";
constexpr const char* upgrade = "Upgrade: websocket\r\nConnection: Upgrade\r\n";
constexpr const char* accept = "Sec-WebSocket-Accept: {accept}\r\n";

struct answer_case {
  const char* name;
  std::vector<std::string> offered;
  std::string text;
  const char* dotnet;
  const char* adieu;
  row why;
};

std::vector<answer_case> answers() {
  const std::string good = std::string(switching) + upgrade + accept;
  const std::string end = "\r\n";
  return {
      {"a good answer", {}, good + end, "ok -", "ok -", 0},
      {"in other letters",
       {},
       "HTTP/1.1 101 Fine\r\nupgrade: WebSocket\r\nconnection: keep-alive, "
       "upgrade\r\nsec-websocket-accept: {accept}\r\n\r\n",
       "header_error -",
       "ok -",
       28},
      {"a subprotocol that was offered",
       {"chat", "v2"},
       good + "Sec-WebSocket-Protocol: v2\r\n" + end,
       "ok v2",
       "ok v2",
       0},
      {"none of those offered", {"chat"}, good + end, "ok -", "ok -", 0},
      {"a subprotocol that was not offered",
       {"chat"},
       good + "Sec-WebSocket-Protocol: other\r\n" + end,
       "unsupported_protocol -",
       "unsupported_protocol -",
       0},
      {"a subprotocol, none was offered",
       {},
       good + "Sec-WebSocket-Protocol: chat\r\n" + end,
       "unsupported_protocol -",
       "unsupported_protocol -",
       0},
      {"in other letters than offered",
       {"chat"},
       good + "Sec-WebSocket-Protocol: CHAT\r\n" + end,
       "ok chat",
       "unsupported_protocol -",
       28},
      {"two subprotocols",
       {"a", "b"},
       good + "Sec-WebSocket-Protocol: a\r\nSec-WebSocket-Protocol: b\r\n" + end,
       "ok a",
       "header_error -",
       28},
      {"200",
       {},
       "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
       "not_a_websocket -",
       "not_a_websocket -",
       0},
      {"401",
       {},
       "HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n",
       "not_a_websocket -",
       "not_a_websocket -",
       0},
      {"301 without a place",
       {},
       "HTTP/1.1 301 Moved\r\nContent-Length: 0\r\n\r\n",
       "not_a_websocket -",
       "not_a_websocket -",
       0},
      {"301 to where nobody is",  // .NET goes there
       {},
       "HTTP/1.1 301 Moved\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n",
       "faulted -",
       "not_a_websocket -",
       30},
      {"426",
       {},
       "HTTP/1.1 426 Upgrade Required\r\nSec-WebSocket-Version: 8\r\nContent-Length: 0\r\n\r\n",
       "not_a_websocket -",
       "not_a_websocket -",
       0},
      {"500",
       {},
       "HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n",
       "not_a_websocket -",
       "not_a_websocket -",
       0},
      {"no Upgrade",
       {},
       std::string(switching) + "Connection: Upgrade\r\n" + accept + end,
       "faulted -",
       "header_error -",
       29},
      {"another Upgrade",
       {},
       std::string(switching) + "Upgrade: h2c\r\nConnection: Upgrade\r\n" + accept + end,
       "header_error -",
       "header_error -",
       0},
      {"no Connection",
       {},
       std::string(switching) + "Upgrade: websocket\r\n" + accept + end,
       "faulted -",
       "header_error -",
       29},
      {"another Connection",
       {},
       std::string(switching) + "Upgrade: websocket\r\nConnection: close\r\n" + accept + end,
       "header_error -",
       "header_error -",
       0},
      {"no Accept", {}, std::string(switching) + upgrade + end, "faulted -", "header_error -", 29},
      {"a wrong Accept",
       {},
       std::string(switching) + upgrade + "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n" +
           end,
       "header_error -",
       "header_error -",
       0},
      {"two Accepts", {}, good + accept + end, "header_error -", "header_error -", 0},
      {"an extension",
       {},
       good + "Sec-WebSocket-Extensions: permessage-deflate\r\n" + end,
       "ok -",
       "header_error -",
       28},
      {"HTTP/1.0",
       {},
       "HTTP/1.0 101 Switching Protocols\r\n" + std::string(upgrade) + accept + end,
       "ok -",
       "not_a_websocket -",
       28},
      {"no HTTP", {}, "SSH-2.0-OpenSSH\r\n\r\n", "faulted -", "not_a_websocket -", 29},
      {"nothing", {}, "", "faulted -", "connection_closed_prematurely -", 29},
      {"half an answer",
       {},
       std::string(switching) + upgrade,
       "faulted -",
       "connection_closed_prematurely -",
       29},
  };
}

TEST_F(Handshakes, N18_answers_to_a_client) {
  for (const answer_case& one : answers()) {
    SCOPED_TRACE(one.name);
    const raw_server server(one.text);
    std::string connect = "connect " + server.url();
    for (const std::string& name : one.offered) connect += " " + name;
    EXPECT_EQ(control_->ask(connect), one.dotnet);
    EXPECT_EQ(connect_with_adieu(server.url(), one.offered), one.adieu);
    EXPECT_EQ(std::string_view(one.dotnet) == one.adieu, one.why == 0);
  }
}

// ── Servers ─────────────────────────────────────────────────────────────────────────────────────

/// What a raw client gets: "101 SUBPROTOCOL", or "refused".
std::string ask_for(std::uint16_t port, const std::string& request) {
  raw_socket client = raw_socket::connect_to(port);
  client.send(request);
  client.fin();
  const std::string& got = client.got;
  while (got.find("\r\n\r\n") == std::string::npos) {
    pollfd ask{client.descriptor(), POLLIN, 0};
    if (::poll(&ask, 1, 5000) <= 0 || client.read_now() != raw_socket::end::none) break;
  }
  if (!got.starts_with("HTTP/1.1 101 ")) return "refused";
  const std::size_t at = got.find("Sec-WebSocket-Protocol: ");
  return "101 " +
         (at == std::string::npos ? "-" : got.substr(at + 24, got.find('\r', at) - at - 24));
}

std::string ask_adieu(const std::string& request) {
  asio::io_context loop;
  adieu::server_options options;
  options.subprotocols = {"chat"};
  adieu::server server(loop.get_executor(), options);
  server.on_open([](adieu::websocket&, const adieu::request&) {});
  const std::uint16_t port = server.listen("127.0.0.1", 0).port();
  const std::jthread running([&] { loop.run(); });
  std::string told = ask_for(port, request);
  loop.stop();
  return told;
}

struct request_case {
  const char* name;
  std::string text;
  const char* dotnet;
  const char* adieu;
  row why;
};

std::vector<request_case> requests() {
  const std::string get = "GET / HTTP/1.1\r\n";
  const std::string host = "Host: 127.0.0.1\r\n";
  const std::string up = "Upgrade: websocket\r\n";
  const std::string connection = "Connection: Upgrade\r\n";
  const std::string version = "Sec-WebSocket-Version: 13\r\n";
  const std::string key = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
  const std::string protocol = "Sec-WebSocket-Protocol: chat\r\n";
  const std::string end = "\r\n";
  const std::string all = get + host + up + connection + version + key + protocol;
  return {
      {"a good request", all + end, "101 chat", "101 chat", 0},
      {"in other letters",
       "GET / HTTP/1.1\r\nhost: 127.0.0.1\r\nUPGRADE: WebSocket\r\nconnection: keep-alive, "
       "upgrade\r\n" +
           version + key + protocol + end,
       "101 chat",
       "101 chat",
       0},
      {"no Host", get + up + connection + version + key + protocol + end, "refused", "refused", 0},
      {"no Upgrade",
       get + host + connection + version + key + protocol + end,
       "refused",
       "refused",
       0},
      {"no Connection", get + host + up + version + key + protocol + end, "refused", "refused", 0},
      {"no Version", get + host + up + connection + key + protocol + end, "refused", "refused", 0},
      {"Version 8",
       get + host + up + connection + "Sec-WebSocket-Version: 8\r\n" + key + protocol + end,
       "refused",
       "refused",
       0},
      {"no Key", get + host + up + connection + version + protocol + end, "refused", "refused", 0},
      {"a Key that is too short",
       get + host + up + connection + version + "Sec-WebSocket-Key: c2hvcnQ=\r\n" + protocol + end,
       "refused",
       "refused",
       0},
      {"a Key that is not base64",
       get + host + up + connection + version + "Sec-WebSocket-Key: !!!!\r\n" + protocol + end,
       "refused",
       "refused",
       0},
      {"POST",
       "POST / HTTP/1.1\r\nContent-Length: 0\r\n" + host + up + connection + version + key +
           protocol + end,
       "101 chat",
       "refused",
       28},
      {"HTTP/1.0",
       "GET / HTTP/1.0\r\n" + host + up + connection + version + key + protocol + end,
       "101 chat",
       "refused",
       28},
      {"no HTTP", "SSH-2.0-OpenSSH\r\n\r\n", "refused", "refused", 0},
  };
}

TEST_F(Handshakes, N18_requests_to_a_server) {
  for (const request_case& one : requests()) {
    SCOPED_TRACE(one.name);
    const auto port = static_cast<std::uint16_t>(std::stoi(control_->ask("listen chat")));
    EXPECT_EQ(ask_for(port, one.text), one.dotnet);
    (void)control_->ask("accepted");
    EXPECT_EQ(ask_adieu(one.text), one.adieu);
    EXPECT_EQ(std::string_view(one.dotnet) == one.adieu, one.why == 0);
  }
}

}  // namespace
}  // namespace oracle
