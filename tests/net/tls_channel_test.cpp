// The TLS channel between two ends in one process: what is told as written and read, whatever the
// socket takes and brings at a time.
#include "net/tls_channel.hpp"

#include <gtest/gtest.h>

#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <numeric>
#include <string>

#include "tests/net/certificates.hpp"

namespace adieu::test {
namespace {

using net::io_result;
using outcome = io_result::outcome;

class TlsChannel : public testing::Test {
 protected:
  TlsChannel() {
    EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends.data()), 0);
    tls_client_options trusting;
    trusting.ca_file = keys.ca_file();
    tls_server_options serving;
    serving.certificate_file = keys.certificate_file();
    serving.key_file = keys.key_file();
    client_context = net::client_context(trusting);
    server_context = net::make_server_context(serving);
    client.emplace(net::make_session(*client_context), ends[0]);
    server.emplace(net::make_session(*server_context), ends[1]);
    bool open = false;
    for (int step = 0; step < 10 && !open; ++step) {
      const bool asked = client->handshake(role::client).what == outcome::done;
      open = server->handshake(role::server).what == outcome::done && asked;
    }
    EXPECT_TRUE(open);
    EXPECT_EQ(client->read(space).what, outcome::want_read);  // session tickets
  }
  ~TlsChannel() override {
    for (const int end : ends) ::close(end);
  }

  static core::const_bytes bytes_of(std::string_view text) { return core::as_bytes(text); }
  static io_result write(net::tls_channel& into, std::string_view text) {
    const std::array list{bytes_of(text)};
    return into.write(list);
  }
  /// Reads until the channel wants more from the socket; the end is in `last`.
  std::string read_all(net::tls_channel& from, std::size_t at_a_time = 300'000) {
    std::string out;
    for (;;) {
      last = from.read(core::bytes(space).first(at_a_time));
      if (last.what != outcome::done) return out;
      out += core::as_text(core::const_bytes(space).first(last.size));
    }
  }
  [[nodiscard]] int waiting(int end) const {
    int size = 0;
    ::ioctl(end, FIONREAD, &size);
    return size;
  }
  static std::string pattern(std::size_t size) {
    std::string out(size, '\0');
    for (std::size_t i = 0; i < size; ++i) out[i] = static_cast<char>(i * 31 + i / 251);
    return out;
  }
  static constexpr std::size_t record_overhead = 22;  // TLS 1.3: header, type, tag

  certificates keys{"DNS:localhost"};
  std::array<int, 2> ends{};
  net::ssl_context_ptr client_context, server_context;
  std::optional<net::tls_channel> client, server;
  std::vector<std::byte> space = std::vector<std::byte>(300'000);
  io_result last;
};

TEST_F(TlsChannel, pieces_that_fit_into_one_record_share_it) {
  const std::array list{bytes_of("head"), bytes_of(""), bytes_of("body"), bytes_of("tail")};
  EXPECT_EQ(client->write(list).size, 12U);
  EXPECT_EQ(waiting(ends[1]), static_cast<int>(12 + record_overhead));
  EXPECT_EQ(read_all(*server), "headbodytail");
}

TEST_F(TlsChannel, many_records_are_read_at_once_and_the_kernel_is_known_to_be_empty) {
  const std::string text = pattern(100'000);
  ASSERT_EQ(write(*client, text).size, text.size());
  last = server->read(space);
  EXPECT_EQ(last.size, text.size());
  EXPECT_TRUE(last.drained);
  EXPECT_EQ(core::as_text(core::const_bytes(space).first(last.size)), text);
}

TEST_F(TlsChannel, what_the_reader_does_not_take_is_kept_and_given_in_order) {
  const std::string text = pattern(100'000);
  for (const std::size_t at_a_time : {1000U, 16'384U, 16'385U, 65'536U}) {
    ASSERT_EQ(write(*client, text).size, text.size());
    EXPECT_EQ(read_all(*server, at_a_time), text);
    EXPECT_EQ(last.what, outcome::want_read);
  }
}

TEST_F(TlsChannel, a_full_read_is_never_called_drained) {
  ASSERT_EQ(write(*client, pattern(100)).size, 100U);
  last = server->read(core::bytes(space).first(60));
  EXPECT_EQ(last.size, 60U);
  EXPECT_FALSE(last.drained);
  last = server->read(core::bytes(space).first(60));
  EXPECT_EQ(last.size, 40U);
}

// P8: a send completes when the kernel has its last byte.
TEST_F(TlsChannel, P8_only_whole_records_in_the_kernel_count_as_written) {
  const std::string text = pattern(3'000'000);
  std::string got;
  std::size_t written = 0;
  bool blocked = false;
  while (written < text.size()) {
    const io_result step = write(*client, std::string_view(text).substr(written));
    if (step.what == outcome::done) {
      ASSERT_GT(step.size, 0U);
      written += step.size;
      continue;
    }
    blocked = true;
    ASSERT_EQ(step.what, outcome::want_write);
    EXPECT_TRUE(written % (16 * 1024) == 0) << written;
    got += read_all(*server);
    EXPECT_GE(got.size(), written);
  }
  got += read_all(*server);
  EXPECT_TRUE(blocked);
  EXPECT_EQ(got, text);
}

TEST_F(TlsChannel, a_close_notify_behind_data_is_told_after_it) {
  ASSERT_EQ(write(*client, "last words").size, 10U);
  client->say_goodbye();
  EXPECT_GT(client->farewell(), 0U);
  EXPECT_EQ(read_all(*server), "last words");
  EXPECT_EQ(last.what, outcome::fin);
  EXPECT_EQ(server->read(space).what, outcome::fin);
}

TEST_F(TlsChannel, S9_an_end_without_close_notify_is_told_after_the_data) {
  ASSERT_EQ(write(*client, "last words").size, 10U);
  ::shutdown(ends[0], SHUT_WR);
  EXPECT_EQ(read_all(*server), "last words");
  EXPECT_EQ(last.what, outcome::truncated);
  EXPECT_EQ(server->read(space).what, outcome::truncated);
}

TEST_F(TlsChannel, S9_what_came_before_an_end_without_close_notify_can_be_answered) {
  ASSERT_EQ(write(*client, "data").size, 4U);
  last = server->read(core::bytes(space).first(1));
  ASSERT_EQ(write(*client, "question").size, 8U);
  ::shutdown(ends[0], SHUT_WR);
  std::string got(1, 'd');
  while (got != "dataquestion" && last.what == outcome::done) {
    last = server->read(core::bytes(space).first(100));
    got += core::as_text(core::const_bytes(space).first(last.size));
  }
  EXPECT_EQ(got, "dataquestion");
  EXPECT_EQ(write(*server, "answer").size, 6U);
  EXPECT_EQ(read_all(*client), "answer");
  EXPECT_EQ(server->read(space).what, outcome::truncated);
}

TEST_F(TlsChannel, a_record_that_does_not_verify_ends_the_input_behind_what_was_good) {
  ASSERT_EQ(write(*client, "good").size, 4U);
  const std::string garbage = std::string("\x17\x03\x03\x00\x20", 5) + std::string(32, 'x');
  ASSERT_EQ(::send(ends[0], garbage.data(), garbage.size(), MSG_NOSIGNAL),
            static_cast<ssize_t>(garbage.size()));
  EXPECT_EQ(read_all(*server), "good");
  EXPECT_EQ(last.what, outcome::error);
  EXPECT_GT(server->farewell(), 0U);  // its alert
  EXPECT_EQ(write(*server, "too late").what, outcome::error);
  EXPECT_EQ(server->read(space).what, outcome::error);
}

// RFC 8446 §4.6.3: a KeyUpdate may ask for one in return.
TEST_F(TlsChannel, a_peer_that_asks_for_new_keys_and_reads_no_answer_is_not_read_any_more) {
  std::size_t asked = 0;
  last = {};
  while (last.what != outcome::want_write && asked < 200'000) {
    SSL_key_update(&client->session(), SSL_KEY_UPDATE_REQUESTED);
    ASSERT_EQ(write(*client, "x").size, 1U) << asked;
    ++asked;
    last = server->read(space);
  }
  EXPECT_EQ(last.what, outcome::want_write) << asked;
  EXPECT_EQ(read_all(*client), "");  // now the answers are read
  EXPECT_EQ(last.what, outcome::want_read);
  (void)read_all(*server);
  EXPECT_EQ(last.what, outcome::want_read);
  ASSERT_EQ(write(*server, "still here").size, 10U);
  EXPECT_EQ(read_all(*client), "still here");
}

}  // namespace
}  // namespace adieu::test
