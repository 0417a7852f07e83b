// What a URL is taken apart into, and which are refused because a part of theirs could do harm in a
// request, or in the name that is looked up.
#include "net/url.hpp"

#include <gtest/gtest.h>

#include "net/opening_failure.hpp"

namespace adieu::net {
namespace {

bool refused(const std::string& url) {
  try {
    (void)parse_url(url);
    return false;
  } catch (const opening_failure& failure) {
    return failure.code == errc::invalid_url;
  }
}

TEST(Urls, are_taken_apart) {
  const target chat = parse_url("WSS://[::1]:8080/a/b?c=%20d");
  EXPECT_TRUE(chat.tls);
  EXPECT_EQ(chat.host, "::1");
  EXPECT_EQ(chat.port, "8080");
  EXPECT_EQ(chat.authority, "[::1]:8080");
  EXPECT_EQ(chat.resource, "/a/b?c=%20d");
  const target socket = parse_url("ws+unix:/run/a.sock:/chat");
  EXPECT_EQ(socket.unix_socket, "/run/a.sock");
  EXPECT_EQ(socket.resource, "/chat");
}

TEST(Urls, what_follows_a_bracket_is_no_path) {
  EXPECT_TRUE(refused("ws://[::1]88//x"));
  EXPECT_TRUE(refused("ws://[::1]x?y"));
}

TEST(Urls, a_unix_socket_s_resource_can_not_begin_another_header) {
  EXPECT_TRUE(refused("ws+unix:/run/a.sock:/chat HTTP/1.1\r\nX-Evil: 1"));
  EXPECT_TRUE(refused("ws+unix:/run/a.sock:/a b"));
}

TEST(Urls, a_host_has_no_bytes_that_end_it_early) {
  EXPECT_TRUE(refused("ws://localhost%00.example.com/"));
  EXPECT_TRUE(refused("ws://local%0d%0ahost/"));
}

}  // namespace
}  // namespace adieu::net
