// URLs (RFC 6455 §3): refused, or taken apart into parts that are safe in an HTTP request; put
// together again they mean the same.
#include "net/url.hpp"

#include "fuzz/input.hpp"
#include "net/opening_failure.hpp"

namespace adieu::fuzz {
namespace {

bool visible(std::string_view text) {
  return std::ranges::all_of(text, [](unsigned char c) { return c > 0x20 && c < 0x7F; });
}

}  // namespace

void run(input in) {
  net::target target;
  try {
    target = net::parse_url(std::string(in.rest()));
  } catch (const net::opening_failure& refused) {
    EXPECT_EQ(refused.code, errc::invalid_url);
    EXPECT_TRUE(harmless(refused.where.detail));
    return;
  }
  EXPECT_FALSE(target.host.empty());
  EXPECT_TRUE(visible(target.host)) << target.host;
  EXPECT_FALSE(target.authority.empty());
  EXPECT_TRUE(target.resource.starts_with('/'));
  EXPECT_TRUE(visible(target.authority)) << target.authority;
  EXPECT_TRUE(visible(target.resource)) << target.resource;
  std::string again;
  if (target.unix_socket.empty()) {
    const int port = std::stoi(target.port);
    EXPECT_TRUE(port >= 1 && port <= 65535);
    again = (target.tls ? "wss://" : "ws://") + target.authority + target.resource;
  } else {
    EXPECT_FALSE(target.tls);
    again = "ws+unix:" + target.unix_socket + ':' + target.resource;
  }
  const net::target same = net::parse_url(again);
  EXPECT_EQ(same.tls, target.tls);
  EXPECT_EQ(same.host, target.host);
  EXPECT_EQ(same.port, target.port);
  EXPECT_EQ(same.authority, target.authority);
  EXPECT_EQ(same.resource, target.resource);
  EXPECT_EQ(same.unix_socket, target.unix_socket);
}

}  // namespace adieu::fuzz
