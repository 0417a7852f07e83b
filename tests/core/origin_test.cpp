// Whose pages may connect (RFC 6455 §10.2): the same host and port by default, others by name.
#include "adieu/core/origin.hpp"

#include "tests/core/handshake_fields.hpp"

namespace adieu::core {
namespace {

const std::vector<std::string> nobody;

std::string verdict(const std::string& origin,
                    const std::string& host,
                    const std::vector<std::string>& allowed = nobody,
                    carried_by carrier = carried_by::plain) {
  const fields list = {{"Host", host}, {"Origin", origin}};
  const auto headers = view(list);
  return bad_origin(headers, allowed, carrier);
}
bool may(const std::string& origin,
         const std::string& host,
         const std::vector<std::string>& allowed = nobody) {
  return verdict(origin, host, allowed).empty();
}

TEST(Origin, without_one_it_is_no_page) {
  const auto headers = view(good_request);
  EXPECT_EQ(bad_origin(headers, nobody, carried_by::plain), "");
}

TEST(Origin, pages_of_the_same_host_and_port_may_connect) {
  EXPECT_TRUE(may("http://example.com", "example.com"));
  EXPECT_TRUE(may("https://example.com", "example.com")) << "TLS may end in front of us";
  EXPECT_TRUE(may("https://Example.COM", "eXample.com"));
  EXPECT_TRUE(may("http://example.com:8080", "example.com:8080"));
  EXPECT_TRUE(may("https://example.com", "example.com:443"));
  EXPECT_TRUE(may("http://example.com:80", "example.com"));
  EXPECT_TRUE(may("http://[::1]:3000", "[::1]:3000"));
  EXPECT_TRUE(may("http://127.0.0.1:9001", "127.0.0.1:9001"));
}

// Whoever is on the wire can make a page of http://example.com, but not of https.
TEST(Origin, a_server_that_speaks_TLS_lets_no_pages_in_that_came_without_it) {
  EXPECT_TRUE(verdict("https://example.com", "example.com", nobody, carried_by::tls).empty());
  EXPECT_FALSE(verdict("http://example.com", "example.com", nobody, carried_by::tls).empty());
  EXPECT_TRUE(verdict("http://example.com", "a", {"http://example.com"}, carried_by::tls).empty());
}

TEST(Origin, others_may_not) {
  EXPECT_EQ(verdict("https://evil.example", "example.com"),
            "pages of \"https://evil.example\" may not connect here (the Origin header)");
  for (const char* origin : {"null",
                             "file://",
                             "",
                             "example.com",
                             "http://",
                             "http://example.com.evil.example",
                             "http://evilexample.com",
                             "http://sub.example.com",
                             "http://example.com:8080",
                             "https://example.com:80",
                             "http://example.com@evil.example",
                             "http://evil.example/example.com",
                             "http://evil.example#example.com",
                             "http://example.com/",
                             "http://example.com http://evil.example",
                             "http://example.com, http://evil.example",
                             "chrome-extension://abcdefgh",
                             "http://example.com:x"}) {
    EXPECT_FALSE(may(origin, "example.com")) << origin;
  }
  EXPECT_FALSE(may("http://example.com", "example.com:8080"));
  EXPECT_FALSE(may("http://[::1]", "[::2]"));
  EXPECT_FALSE(may("http://[::1", "[::1"));
  EXPECT_FALSE(may("http://", ""));
}

TEST(Origin, two_of_them_are_refused) {
  const fields list = {{"Host", "a"}, {"Origin", "http://evil.example"}, {"origin", "http://a"}};
  const auto headers = view(list);
  EXPECT_NE(bad_origin(headers, nobody, carried_by::plain), "");
}

TEST(Origin, those_that_are_allowed_may) {
  const std::vector<std::string> allowed = {"https://app.example", "http://localhost:3000", "null"};
  EXPECT_TRUE(may("https://app.example", "example.com", allowed));
  EXPECT_TRUE(may("HTTPS://APP.example:443", "example.com", allowed));
  EXPECT_TRUE(may("http://localhost:3000", "example.com", allowed));
  EXPECT_TRUE(may("null", "example.com", allowed));
  EXPECT_TRUE(may("http://example.com", "example.com", allowed)) << "its own are not shut out";
  EXPECT_FALSE(may("http://app.example", "example.com", allowed)) << "another scheme";
  EXPECT_FALSE(may("http://localhost", "example.com", allowed));
  EXPECT_FALSE(may("NULL", "example.com", allowed));
}

TEST(Origin, what_can_be_allowed) {
  for (const char* origin : {"null", "file://", "https://a", "http://[::1]:80", "app://x"}) {
    EXPECT_TRUE(is_origin(origin)) << origin;
  }
  for (const char* other :
       {"", "*", "a.example", "https://", "https://a/b", "https://*.a b", "//a"}) {
    EXPECT_FALSE(is_origin(other)) << other;
  }
}

}  // namespace
}  // namespace adieu::core
