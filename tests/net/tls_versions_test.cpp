// TLS 1.2 is the least that is spoken, by servers and clients. The other end is OpenSSL itself, at
// the security level where it still speaks 1.1; that it does is tried first, so that a refusal is
// ours.
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl.hpp>

#include "tests/net/certificates.hpp"
#include "tests/net/raw_fixture.hpp"

namespace adieu::test {
namespace {

namespace ssl = asio::ssl;
using ssl_stream = ssl::stream<asio::ip::tcp::socket>;

class TlsVersions : public testing::Test {
 protected:
  /// OpenSSL that speaks this version and no other.
  ssl::context only(int version) {
    ssl::context out(ssl::context::tls);
    SSL_CTX_set_security_level(out.native_handle(), 0);
    SSL_CTX_set_cipher_list(out.native_handle(), "ALL:@SECLEVEL=0");
    SSL_CTX_set_min_proto_version(out.native_handle(), version);
    SSL_CTX_set_max_proto_version(out.native_handle(), version);
    SSL_CTX_use_certificate_chain_file(out.native_handle(), keys.certificate_file().c_str());
    SSL_CTX_use_PrivateKey_file(out.native_handle(), keys.key_file().c_str(), SSL_FILETYPE_PEM);
    return out;
  }
  error_code shake_with(std::uint16_t port, int version) {
    ssl::context context = only(version);
    ssl_stream stream(world.executor(), context);
    stream.next_layer().connect({asio::ip::address_v4::loopback(), port});
    std::optional<error_code> done;
    stream.async_handshake(ssl_stream::client, [&](error_code ec) { done = ec; });
    EXPECT_TRUE(world.run_until([&] { return done.has_value(); }));
    return done.value_or(error_code());
  }
  /// An OpenSSL server for one client; `port` is where it listens.
  void accept_with(int version,
                   asio::ip::tcp::acceptor& acceptor,
                   std::optional<error_code>& done) {
    context_.emplace(only(version));
    stream_.emplace(world.executor(), *context_);
    acceptor.async_accept(stream_->next_layer(), [this, &done](error_code) {
      stream_->async_handshake(ssl_stream::server, [&done](error_code ec) { done = ec; });
    });
  }

  tcp_world world;
  certificates keys{"DNS:localhost,IP:127.0.0.1"};

 private:
  std::optional<ssl::context> context_;
  std::optional<ssl_stream> stream_;
};

TEST_F(TlsVersions, openssl_itself_still_speaks_1_1_here) {
  asio::ip::tcp::acceptor acceptor(world.executor(), {asio::ip::address_v4::loopback(), 0});
  std::optional<error_code> done;
  accept_with(TLS1_1_VERSION, acceptor, done);
  EXPECT_FALSE(shake_with(acceptor.local_endpoint().port(), TLS1_1_VERSION));
}

TEST_F(TlsVersions, a_server_refuses_a_client_of_1_1_and_takes_1_2_and_1_3) {
  server_options options;
  options.tls.emplace();
  options.tls->certificate_file = keys.certificate_file();
  options.tls->key_file = keys.key_file();
  server serving(world.executor(), options);
  std::vector<disconnect_record> records;
  serving.on_end([&](const disconnect_record& record) { records.push_back(record); });
  const std::uint16_t port = serving.listen("127.0.0.1", 0).port();
  EXPECT_EQ(ERR_GET_REASON(static_cast<unsigned long>(shake_with(port, TLS1_1_VERSION).value())),
            SSL_R_TLSV1_ALERT_PROTOCOL_VERSION);
  EXPECT_FALSE(shake_with(port, TLS1_2_VERSION));
  EXPECT_FALSE(shake_with(port, TLS1_3_VERSION));
  ASSERT_TRUE(world.run_until([&] { return !records.empty(); }));
  EXPECT_EQ(records[0].connect->step, connect_step::tls);
  EXPECT_EQ(records[0].connect->detail, "unsupported protocol");
}

TEST_F(TlsVersions, a_client_refuses_a_server_of_1_1) {
  asio::ip::tcp::acceptor acceptor(world.executor(), {asio::ip::address_v4::loopback(), 0});
  std::optional<error_code> done, connected;
  accept_with(TLS1_1_VERSION, acceptor, done);
  connect_options options;
  options.tls.verify = tls_client_options::verification::insecure;
  async_connect(world.executor(),
                "wss://127.0.0.1:" + std::to_string(acceptor.local_endpoint().port()),
                options,
                [&](error_code ec, websocket) { connected = ec; });
  ASSERT_TRUE(world.run_until([&] { return connected && done; }));
  EXPECT_TRUE(*connected == errc::tls_failed) << connected->message();
  EXPECT_TRUE(*done);
}

TEST_F(TlsVersions, first_byte_timeout_holds_for_tls_too) {
  server_options options;
  options.tls.emplace();
  options.tls->certificate_file = keys.certificate_file();
  options.tls->key_file = keys.key_file();
  options.first_byte_timeout = 100ms;
  server serving(world.executor(), options);
  std::optional<disconnect_record> ended;
  serving.on_end([&](const disconnect_record& record) { ended = record; });
  raw_socket silent = raw_socket::connect_to(serving.listen("127.0.0.1", 0).port());
  ASSERT_TRUE(world.run_until([&] { return ended.has_value(); }));
  EXPECT_EQ(ended->connect->step, connect_step::tls);
  EXPECT_EQ(ended->connect->detail, "not a byte came within 100 ms");
}

// Telling a client over TLS that there is no place would take a handshake.
TEST_F(TlsVersions, max_connections_closes_tcp_without_a_word) {
  server_options options;
  options.tls.emplace();
  options.tls->certificate_file = keys.certificate_file();
  options.tls->key_file = keys.key_file();
  options.max_connections = 1;
  server serving(world.executor(), options);
  std::vector<disconnect_record> records;
  serving.on_end([&](const disconnect_record& record) { records.push_back(record); });
  const std::uint16_t port = serving.listen("127.0.0.1", 0).port();
  raw_socket first = raw_socket::connect_to(port);
  raw_socket second = raw_socket::connect_to(port);
  ASSERT_TRUE(world.run_until([&] { return second.read_now() != raw_socket::end::none; }));
  EXPECT_EQ(second.got, "");
  ASSERT_EQ(records.size(), 1U);
  EXPECT_EQ(records[0].connect->http_status, 0U);
  EXPECT_EQ(records[0].connect->detail, "too many connections (max_connections is 1)");
}

}  // namespace
}  // namespace adieu::test
