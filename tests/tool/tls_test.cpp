// TLS from the command line: a certificate made for the test, trusted, not trusted, ignored.
#include <boost/asio/ssl.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <csignal>
#include <cstdlib>

#include "process.hpp"
#include "servers.hpp"

using namespace tool_test;
using testing::HasSubstr;
using testing::StartsWith;

namespace {

// Made once for all tests: for 127.0.0.1, signed by itself.
class certificate {
 public:
  static const certificate& instance() {
    static const certificate made;
    return made;
  }
  [[nodiscard]] std::string file() const { return directory_.file("cert.pem"); }
  [[nodiscard]] std::string key() const { return directory_.file("key.pem"); }

 private:
  certificate() {
    const std::string command =
        "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 "
        "-subj /CN=test -addext subjectAltName=IP:127.0.0.1 -keyout " +
        key() + " -out " + file() + " 2>/dev/null";
    if (std::system(command.c_str()) != 0) throw std::runtime_error("openssl failed");
  }
  temporary_directory directory_;
};

std::vector<std::string> tls_options() {
  const certificate& own = certificate::instance();
  return {"--tls-cert", own.file(), "--tls-key", own.key()};
}

void expect_one_line(const process::result& ended, int status, const std::string& beginning) {
  EXPECT_EQ(ended.status, status) << ended.err;
  EXPECT_THAT(ended.err, StartsWith("adieu: " + beginning));
  EXPECT_EQ(std::ranges::count(ended.err, '\n'), 1) << ended.err;
}

}  // namespace

TEST(tls, a_trusted_certificate) {
  echo_server server(tls_options());
  ASSERT_THAT(server.url, StartsWith("wss://"));
  const auto client = run({"connect", server.url, "--ca", certificate::instance().file()}, "hi\n");
  EXPECT_EQ(client.out, "hi\n");
  expect_one_line(client, 0, "clean: we closed first with 1000");
  EXPECT_THAT(server.program.out_line(), StartsWith("clean"));
}

TEST(tls, many_lines) {
  echo_server server(tls_options());
  std::string lines;
  for (int i = 0; i < 10'000; ++i) lines += "line " + std::to_string(i) + "\n";
  const auto client = run({"connect", server.url, "--insecure"}, lines);
  EXPECT_EQ(client.out, lines);
  EXPECT_EQ(client.status, 0) << client.err;
}

TEST(tls, a_certificate_that_nobody_vouches_for) {
  echo_server server(tls_options());
  expect_one_line(run({"connect", server.url}, "hi\n"), 14, "tls: the certificate does not verify");
}

TEST(tls, a_certificate_for_another_name) {
  echo_server server(tls_options());
  const std::string url = "wss://localhost" + server.url.substr(server.url.rfind(':'));
  expect_one_line(run({"connect", url, "--ca", certificate::instance().file()}),
                  14,
                  "tls: the certificate does not verify: ");
}

TEST(tls, insecure_accepts_it) {
  echo_server server(tls_options());
  const auto client = run({"connect", server.url, "--insecure"}, "hi\n");
  EXPECT_EQ(client.out, "hi\n");
  EXPECT_EQ(client.status, 0) << client.err;
}

TEST(tls, a_server_that_does_not_speak_it) {
  echo_server server;
  const std::string url = "wss" + server.url.substr(2);
  expect_one_line(run({"connect", url}), 13, "tls: ");
}

TEST(tls, tcp_ends_during_the_tls_handshake) {
  raw_server server([](tcp::socket& socket) {
    std::array<char, 1> one;
    asio::read(socket, asio::buffer(one));
    socket.shutdown(tcp::socket::shutdown_send);
    drain(socket);
  });
  expect_one_line(run({"connect", server.url("wss")}), 13, "tls: the peer ended TCP during");
}

TEST(tls, tcp_ends_without_close_notify) {
  const certificate& own = certificate::instance();
  raw_server server([&own](tcp::socket& socket) {
    asio::ssl::context context(asio::ssl::context::tls_server);
    context.use_certificate_chain_file(own.file());
    context.use_private_key_file(own.key(), asio::ssl::context::pem);
    asio::ssl::stream<tcp::socket&> stream(socket, context);
    stream.handshake(asio::ssl::stream_base::server);
    shake_hands(stream);
    socket.shutdown(tcp::socket::shutdown_send);
    drain(socket);
  });
  process client({"connect", server.url("wss"), "--insecure"});
  expect_one_line(client.wait(), 22, "not clean: TLS was cut off");
}

TEST(tls, files_that_can_not_be_used) {
  const auto ended = run({"serve", "--tls-cert", "/nowhere.pem", "--tls-key", "/nowhere.key"});
  expect_one_line(ended, 6, "listen: 127.0.0.1 port 0: TLS: can't use the certificate");
}
