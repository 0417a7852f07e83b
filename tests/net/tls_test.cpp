// TLS: verification, SNI, ALPN, close_notify; Adieu's ends against each other and against Asio's
// own.
#include "net/tls.hpp"

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl.hpp>

#include <array>
#include <thread>

#include "tests/net/certificates.hpp"
#include "tests/net/raw_fixture.hpp"

namespace adieu::test {
namespace {

class Tls : public testing::Test {
 protected:
  [[nodiscard]] static websocket_options quick() {
    websocket_options out;
    out.close_timeout = 300ms;
    out.linger = 100ms;
    out.ping_interval = 0ms;
    return out;
  }
  void listen(const certificates& with) {
    server_options options;
    options.websocket = quick();
    options.tls.emplace();
    options.tls->certificate_file = with.certificate_file();
    options.tls->key_file = with.key_file();
    serving.emplace(world.executor(), options);
    serving->on_open([this](websocket& socket, const request&) { server_end = std::move(socket); });
    serving->on_end([this](const disconnect_record& record) { records.push_back(record); });
    port = serving->listen("127.0.0.1", 0).port();
  }
  error_code connect(const std::string& host, const tls_client_options& tls) {
    connect_options options;
    options.websocket = quick();
    options.tls = tls;
    std::optional<error_code> done;
    async_connect(world.executor(),
                  "wss://" + host + ":" + std::to_string(port),
                  options,
                  [&](error_code ec, websocket socket) {
                    done = ec;
                    client = std::move(socket);
                  });
    EXPECT_TRUE(world.run_until([&] { return done && (*done || server_end); }));
    return done.value_or(error_code());
  }
  static tls_client_options trusting(const certificates& with) {
    tls_client_options out;
    out.ca_file = with.ca_file();
    return out;
  }

  tcp_world world;
  certificates localhost{"DNS:localhost,IP:127.0.0.1"};
  std::optional<server> serving;
  std::vector<disconnect_record> records;
  std::uint16_t port = 0;
  websocket client;
  websocket server_end;
};

TEST_F(Tls, N16_an_unknown_authority_is_rejected_by_default) {
  listen(localhost);
  EXPECT_TRUE(connect("127.0.0.1", {}) == errc::certificate_rejected);
  ASSERT_TRUE(client.record().has_value());
  EXPECT_EQ(client.record()->connect->step, connect_step::tls);
  EXPECT_FALSE(client.record()->connect->detail.empty());
  ASSERT_TRUE(world.run_until([&] { return !records.empty(); }));
  EXPECT_EQ(records[0].connect->step, connect_step::tls);
}

TEST_F(Tls, N16_a_trusted_authority_is_accepted_by_address_and_by_name) {
  listen(localhost);
  EXPECT_FALSE(connect("127.0.0.1", trusting(localhost)));
  server_end = {};
  EXPECT_FALSE(connect("localhost", trusting(localhost)));
}

TEST_F(Tls, N16_another_hosts_certificate_is_rejected) {
  const certificates other("DNS:example.org");
  listen(other);
  EXPECT_TRUE(connect("127.0.0.1", trusting(other)) == errc::certificate_rejected);
  EXPECT_TRUE(connect("localhost", trusting(other)) == errc::certificate_rejected);
  tls_client_options named = trusting(other);
  named.host_name = "example.org";
  EXPECT_FALSE(connect("127.0.0.1", named));
}

TEST_F(Tls, N16_insecure_accepts_anything_and_a_missing_file_is_told) {
  listen(localhost);
  tls_client_options insecure;
  insecure.verify = tls_client_options::verification::insecure;
  EXPECT_FALSE(connect("127.0.0.1", insecure));
  tls_client_options missing;
  missing.ca_file = "/nowhere/ca.pem";
  EXPECT_TRUE(connect("127.0.0.1", missing) == errc::tls_failed);
  server_options options;
  options.tls.emplace();
  EXPECT_THROW(server(world.executor(), options), std::runtime_error);
}

TEST(TlsContext, N16_the_systems_certificates_are_read_once_by_whichever_thread_is_first) {
  const certificates own("DNS:localhost");
  std::array<net::ssl_context_ptr, 8> seen;
  {
    std::vector<std::jthread> threads;
    for (auto& mine : seen) threads.emplace_back([&mine] { mine = net::client_context({}); });
  }
  for (const auto& each : seen) EXPECT_EQ(each, seen[0]);
  EXPECT_EQ(SSL_CTX_get_verify_mode(seen[0].get()), SSL_VERIFY_PEER);

  tls_client_options trusting, insecure;  // these are nobody else's
  trusting.ca_file = own.ca_file();
  insecure.verify = tls_client_options::verification::insecure;
  for (const auto& options : {trusting, insecure}) {
    const net::ssl_context_ptr other = net::client_context(options);
    EXPECT_NE(other, seen[0]);
    EXPECT_NE(other, net::client_context(options));
  }
}

TEST(TlsContext, an_encrypted_key_is_an_error_and_asks_nobody) {
  const certificates own("DNS:localhost");
  tls_server_options options;
  options.certificate_file = own.certificate_file();
  options.key_file = own.key_file() + ".locked";
  const std::unique_ptr<EVP_PKEY, void (*)(EVP_PKEY*)> key(EVP_EC_gen("P-256"), EVP_PKEY_free);
  std::string passphrase = "secret";
  FILE* const file = std::fopen(options.key_file.c_str(), "w");
  ASSERT_NE(file, nullptr);
  PEM_write_PrivateKey(file,
                       key.get(),
                       EVP_aes_128_cbc(),
                       reinterpret_cast<unsigned char*>(passphrase.data()),
                       static_cast<int>(passphrase.size()),
                       nullptr,
                       nullptr);
  std::fclose(file);
  EXPECT_THROW((void)net::make_server_context(options), std::runtime_error);
}

// A server that wants a certificate of ours, met by a client that does not ask for its own.
TEST_F(Tls, N18_what_went_wrong_without_a_check_is_no_certificate) {
  asio::ssl::context context(asio::ssl::context::tls_server);
  context.use_certificate_chain_file(localhost.certificate_file());
  context.use_private_key_file(localhost.key_file(), asio::ssl::context::pem);
  context.set_verify_mode(asio::ssl::verify_peer | asio::ssl::verify_fail_if_no_peer_cert);
  SSL_CTX_set_max_proto_version(context.native_handle(), TLS1_2_VERSION);
  asio::ip::tcp::acceptor acceptor(world.context(), {asio::ip::address_v4::loopback(), 0});
  asio::ssl::stream<asio::ip::tcp::socket> stream(world.executor(), context);
  acceptor.async_accept(stream.next_layer(), [&](error_code) {
    stream.async_handshake(asio::ssl::stream_base::server, [](error_code) {});
  });
  port = acceptor.local_endpoint().port();
  tls_client_options insecure;
  insecure.verify = tls_client_options::verification::insecure;
  EXPECT_TRUE(connect("127.0.0.1", insecure) == errc::tls_failed);
}

// What a peer that asks for it gets to see: C14.5 of the conformance cases.
TEST(TlsContext, nobody_gets_a_renegotiation) {
  const certificates own("DNS:localhost");
  tls_server_options serving;
  serving.certificate_file = own.certificate_file();
  serving.key_file = own.key_file();
  for (const auto& each : {net::client_context({}), net::make_server_context(serving)}) {
    EXPECT_NE(SSL_CTX_get_options(each.get()) & SSL_OP_NO_RENEGOTIATION, 0U);
  }
}

TEST_F(Tls, N18_a_server_without_tls) {
  server plain(world.executor());
  port = plain.listen("127.0.0.1", 0).port();
  EXPECT_TRUE(connect("127.0.0.1", trusting(localhost)) == errc::tls_failed);
}

TEST_F(Tls, S1_messages_and_a_clean_end_over_tls) {
  listen(localhost);
  ASSERT_FALSE(connect("localhost", trusting(localhost)));
  const std::string big(3'000'000, 't');
  answer sent, got;
  message into;
  client.async_send(big, to(sent));
  server_end.async_receive_message(into, to(got));
  ASSERT_TRUE(world.run_until([&] { return got.come() && sent.come(); }));
  EXPECT_EQ(into.payload, big);
  answer closed, answered;
  client.async_close(close_status::normal_closure, "bye", to(closed));
  ASSERT_TRUE(world.run_until([&] { return server_end.state() == state::close_received; }));
  server_end.async_close_output(close_status::normal_closure, "", to(answered));
  ASSERT_TRUE(world.run_until([&] { return closed.come() && server_end.record(); }));
  EXPECT_TRUE(closed.good()) << closed.ec.message();
  EXPECT_TRUE(client.record()->clean && server_end.record()->clean);
  EXPECT_FALSE(client.record()->close_notify_missing);
  EXPECT_FALSE(server_end.record()->close_notify_missing);
  EXPECT_EQ(client.record()->tcp, tcp_end::peer_fin_first);
  EXPECT_EQ(server_end.record()->tcp, tcp_end::our_fin_first);
}

TEST_F(Tls, S4_an_abort_over_tls) {
  listen(localhost);
  ASSERT_FALSE(connect("localhost", trusting(localhost)));
  reading got;
  receive(server_end, got);
  client.abort();
  ASSERT_TRUE(world.run_until([&] { return got.come() && server_end.record(); }));
  EXPECT_TRUE(got.is(errc::connection_closed_prematurely));
  EXPECT_EQ(server_end.record()->cause, cause::peer_reset);
}

// Asio's TLS stream as the client: it shows SNI and ALPN from the other side, and can end wrongly.
class TlsPeer : public Tls {
 protected:
  using stream = asio::ssl::stream<asio::ip::tcp::socket>;
  /// An Asio client with an open WebSocket to our server.
  void meet() {
    listen(localhost);
    context.set_verify_mode(asio::ssl::verify_none);
    SSL_CTX_set_alpn_protos(
        context.native_handle(), reinterpret_cast<const unsigned char*>("\x02h2\x08http/1.1"), 12);
    peer.emplace(world.executor(), context);
    peer->next_layer().connect({asio::ip::address_v4::loopback(), port});
    bool done = false;
    peer->async_handshake(stream::client, [&](error_code ec) {
      EXPECT_FALSE(ec) << ec.message();
      done = true;
    });
    ASSERT_TRUE(world.run_until([&] { return done; }));
    send(
        "GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n");
    ASSERT_TRUE(world.run_until([&] { return static_cast<bool>(server_end); }));
  }
  void send(const std::string& bytes) {
    bool done = false;
    asio::async_write(*peer, asio::buffer(bytes), [&](error_code, std::size_t) { done = true; });
    ASSERT_TRUE(world.run_until([&] { return done; }));
  }
  asio::ssl::context context{asio::ssl::context::tls_client};
  std::optional<stream> peer;
};

TEST_F(TlsPeer, N16_alpn_chooses_http_1_1) {
  meet();
  const unsigned char* name = nullptr;
  unsigned size = 0;
  SSL_get0_alpn_selected(peer->native_handle(), &name, &size);
  EXPECT_EQ(std::string(reinterpret_cast<const char*>(name), size), "http/1.1");
}

TEST_F(TlsPeer, S9_tls_that_is_cut_before_the_closes_is_truncated) {
  meet();
  reading got;
  receive(server_end, got);
  peer->next_layer().shutdown(asio::socket_base::shutdown_send);
  ASSERT_TRUE(world.run_until([&] { return got.come() && server_end.record(); }));
  EXPECT_TRUE(got.is(errc::connection_closed_prematurely));
  EXPECT_EQ(server_end.record()->cause, cause::tls_truncated);
  EXPECT_EQ(server_end.record()->lost.unacknowledged_bytes, 0U);  // OpenSSL's alert is not ours
  EXPECT_EQ(server_end.record()->tcp, tcp_end::peer_fin_first);
}

TEST_F(TlsPeer, S9_a_close_notify_without_a_close_is_a_peer_that_vanished) {
  meet();
  reading got;
  receive(server_end, got);
  SSL_set_quiet_shutdown(peer->native_handle(), 0);
  bool done = false;
  peer->async_shutdown([&](error_code) { done = true; });
  ASSERT_TRUE(world.run_until([&] { return got.come() && server_end.record(); }));
  EXPECT_EQ(server_end.record()->cause, cause::peer_vanished);
  // Our own close_notify, which nobody acknowledges at once, is not the app's.
  EXPECT_EQ(server_end.record()->lost.unacknowledged_bytes, 0U);
  ASSERT_TRUE(world.run_until([&] { return done; }));
}

TEST_F(Tls, P5_a_client_that_stops_within_tls_fails_at_that_step) {
  server_options options;
  options.handshake_timeout = 100ms;
  options.tls.emplace();
  options.tls->certificate_file = localhost.certificate_file();
  options.tls->key_file = localhost.key_file();
  serving.emplace(world.executor(), options);
  serving->on_end([this](const disconnect_record& record) { records.push_back(record); });
  port = serving->listen("127.0.0.1", 0).port();
  const raw_socket silent = raw_socket::connect_to(port);
  ASSERT_TRUE(world.run_until([&] { return records.size() == 1; }));
  ASSERT_TRUE(records[0].connect.has_value());
  EXPECT_EQ(records[0].connect->step, connect_step::tls);
  EXPECT_EQ(records[0].connect->detail, "the handshake took too long");
}

TEST_F(TlsPeer, D9_a_missing_close_notify_after_both_closes_is_noted_and_clean) {
  meet();
  send(masked_frame(close_frame_byte, close_body(1000)));
  ASSERT_TRUE(world.run_until([&] { return server_end.state() == state::close_received; }));
  answer answered;
  server_end.async_close_output(close_status::normal_closure, "", to(answered));
  ASSERT_TRUE(world.run_until([&] { return answered.come(); }));
  peer->next_layer().shutdown(asio::socket_base::shutdown_send);
  ASSERT_TRUE(world.run_until([&] { return server_end.record().has_value(); }));
  EXPECT_TRUE(server_end.record()->clean);
  EXPECT_TRUE(server_end.record()->close_notify_missing);
}

// Our client's hello, seen by a server of Asio's.
TEST_F(Tls, N16_sni_and_alpn_are_sent) {
  asio::ssl::context context(asio::ssl::context::tls_server);
  context.use_certificate_chain_file(localhost.certificate_file());
  context.use_private_key_file(localhost.key_file(), asio::ssl::context::pem);
  asio::ip::tcp::acceptor acceptor(world.context(), {asio::ip::address_v4::loopback(), 0});
  connect_options options;
  options.tls = trusting(localhost);
  bool failed = false;
  async_connect(world.executor(),
                "wss://localhost:" + std::to_string(acceptor.local_endpoint().port()),
                options,
                [&](error_code ec, websocket) { failed = static_cast<bool>(ec); });
  asio::ssl::stream<asio::ip::tcp::socket> stream(world.executor(), context);
  bool shaken = false;
  static std::string offered;
  offered.clear();
  SSL_CTX_set_alpn_select_cb(
      context.native_handle(),
      [](SSL*,
         const unsigned char** out,
         unsigned char* out_size,
         const unsigned char* in,
         unsigned size,
         void*) {
        offered.assign(reinterpret_cast<const char*>(in), size);
        *out = in + 1;
        *out_size = in[0];
        return SSL_TLSEXT_ERR_OK;
      },
      nullptr);
  acceptor.async_accept(stream.next_layer(), [&](error_code) {
    stream.async_handshake(asio::ssl::stream_base::server, [&](error_code ec) {
      EXPECT_FALSE(ec) << ec.message();
      shaken = true;
    });
  });
  ASSERT_TRUE(world.run_until([&] { return shaken; }));
  EXPECT_STREQ(SSL_get_servername(stream.native_handle(), TLSEXT_NAMETYPE_host_name), "localhost");
  EXPECT_EQ(offered, "\x08http/1.1");
  stream.next_layer().close();
  ASSERT_TRUE(world.run_until([&] { return failed; }));
}

}  // namespace
}  // namespace adieu::test
