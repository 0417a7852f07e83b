// The opening handshake (RFC 6455 §4) as a server sees it, and its keys: the RFC's own example,
// then one change at a time, and the sentence that each change must lead to.
#include "tests/core/handshake_fields.hpp"

namespace adieu::core {
namespace {

// ---- key and accept -------------------------------------------------------------------------

TEST(HandshakeKey, Section4_1_Base64Of16Bytes) {
  std::array<std::byte, 16> random{};
  EXPECT_EQ(make_key(random), "AAAAAAAAAAAAAAAAAAAAAA==");
  for (std::size_t i = 0; i < 16; ++i) random[i] = static_cast<std::byte>(i + 1);
  EXPECT_EQ(make_key(random), "AQIDBAUGBwgJCgsMDQ4PEA==");
  random.fill(std::byte{0xFF});
  EXPECT_EQ(make_key(random), "/////////////////////w==");
  EXPECT_EQ(make_key(std::as_bytes(std::span<const char, 16>("the sample nonce", 16))),
            "dGhlIHNhbXBsZSBub25jZQ==");
}

TEST(HandshakeKey, Section1_3_TheAcceptOfTheRfc) {
  EXPECT_EQ(accept_for("dGhlIHNhbXBsZSBub25jZQ==", rfc_sha1), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
  EXPECT_EQ(hashed, "dGhlIHNhbXBsZSBub25jZQ==258EAFA5-E914-47DA-95CA-C5AB0DC85B11");
}

RC_GTEST_PROP(HandshakeKey, EveryKeyThatWeMakeIsAccepted, ()) {
  std::array<std::byte, 16> random{};
  for (auto& byte : random) byte = std::byte{*rc::gen::arbitrary<std::uint8_t>()};
  const auto key = make_key(random);
  const auto verdict = check(changed(good_request, "Sec-WebSocket-Key", key));
  RC_ASSERT(verdict.problem.empty());
  RC_ASSERT(verdict.key == key);
}

// ---- a server's view ------------------------------------------------------------------------

TEST(HandshakeRequest, Section1_2_TheExampleIsAccepted) {
  auto request = with(good_request, "Origin", "http://example.com");
  const auto verdict = check(with(request, "Sec-WebSocket-Protocol", "chat, superchat"));
  expect_accepted(verdict);
  EXPECT_EQ(verdict.subprotocols, (std::vector<std::string>{"chat", "superchat"}));
  EXPECT_TRUE(verdict.extensions.empty());
}

TEST(HandshakeRequest, Section4_2_1_NamesAndWordsInAnyCase) {
  expect_accepted(check({{"hOST", "x"},
                         {"UPGRADE", "WebSocket"},
                         {"connection", "keep-alive, UPGRADE"},
                         {"sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ=="},
                         {"SEC-WEBSOCKET-VERSION", "13"}}));
}

TEST(HandshakeRequest, Section4_2_1_ConnectionAndUpgradeAreLists) {
  auto request = changed(good_request, "Connection", "keep-alive");
  request = with(request, "Connection", " ,close ,\tupgrade\t,");
  request = changed(request, "Upgrade", "h2c, websocket");
  expect_accepted(check(request));
}

TEST(HandshakeRequest, BlanksAroundValuesDoNotCount) {
  auto request = changed(good_request, "Sec-WebSocket-Key", " \tdGhlIHNhbXBsZSBub25jZQ== ");
  expect_accepted(check(changed(request, "Sec-WebSocket-Version", "\t13 ")));
}

TEST(HandshakeRequest, Section4_2_1_OnlyGetOfHttp11) {
  expect_refused(check(good_request, "POST"), 405, "the method must be GET, but was \"POST\"");
  expect_refused(check(good_request, "get"), 405, "the method must be GET, but was \"get\"");
  expect_refused(check(good_request, "GET", 10),
                 505,
                 "the request must be HTTP/1.1 or later, but was HTTP/1.0");
}

TEST(HandshakeRequest, Section4_2_1_EachHeaderIsNeeded) {
  const std::pair<std::string, std::string> needed[] = {
      {"Host", "the Host header is missing"},
      {"Upgrade", "the Upgrade header is missing: expected websocket"},
      {"Connection", "the Connection header is missing: expected upgrade"},
      {"Sec-WebSocket-Key", "the Sec-WebSocket-Key header is missing"},
      {"Sec-WebSocket-Version", "the Sec-WebSocket-Version header is missing"}};
  for (const auto& [name, problem] : needed) {
    expect_refused(check(without(good_request, name)), 400, problem);
  }
}

TEST(HandshakeRequest, a_host_is_a_host_and_a_port) {
  for (const std::string good :
       {"a", "a.example:1", "127.0.0.1:80", "[::1]", "[2001:db8::1]:443", "a_b", "", "a:"}) {
    EXPECT_EQ(check(changed(good_request, "Host", good)).problem, "") << good;
  }
  for (const std::string bad : {"a b",
                                "a/b",
                                "user@a",
                                "a:b",
                                "[::1",
                                "[::1]x",
                                "a, b",
                                "a#b",
                                "http://a",
                                "[a b]",
                                "a\x01",
                                "a:80:90",
                                "a:65536",
                                "a:99999999999999999999",
                                "[]",
                                "[:]"}) {
    const auto verdict = check(changed(good_request, "Host", bad));
    EXPECT_EQ(verdict.status, 400U) << bad;
    EXPECT_TRUE(verdict.problem.starts_with("the Host header must be host or host:port")) << bad;
  }
}

// RFC 9112 §3.2: to others, the authority in a target wins over Host.
TEST(HandshakeRequest, a_target_is_a_path_or_a_url_of_the_same_host) {
  for (const auto& [target, path] : {std::pair("/", "/"),
                                     std::pair("/chat?a=b&c=[d]|e", "/chat?a=b&c=[d]|e"),
                                     std::pair("/%ff//x", "/%ff//x"),
                                     std::pair("http://A.example:80/chat?x", "/chat?x"),
                                     std::pair("WSS://a.example:80", "/"),
                                     std::pair("ws://a.example:80?x", "/?x")}) {
    const auto verdict = check_target(target, "a.example:80");
    expect_accepted(verdict);
    EXPECT_EQ(verdict.target, path) << target;
  }
  for (const char* bad : {"",
                          "*",
                          "chat",
                          "a.example:80",
                          "http://bank.example/chat",
                          "http://a.example/chat",
                          "http://a.example:80@bank.example/",
                          "ftp://a.example:80/",
                          "/a#b",
                          "/a b",
                          "/\xff",
                          "/\x01"}) {
    const auto verdict = check_target(bad, "a.example:80");
    EXPECT_EQ(verdict.status, 400U) << bad;
    EXPECT_TRUE(verdict.problem.starts_with("the request's target must be a path")) << bad;
  }
}

TEST(HandshakeRequest, a_body_is_refused_for_its_bytes_would_be_taken_for_frames) {
  EXPECT_EQ(check(with(good_request, "Content-Length", "0")).problem, "");
  expect_refused(check(with(good_request, "Content-Length", "5")),
                 400,
                 "the handshake must have no body, but its Content-Length is \"5\"");
  expect_refused(check(with(with(good_request, "Content-Length", "0"), "content-length", "1")),
                 400,
                 "the handshake must have no body, but its Content-Length is \"0, 1\"");
  for (const std::string coding : {"chunked", "identity", "", "x"}) {
    expect_refused(
        check(with(good_request, "Transfer-Encoding", coding)),
        400,
        "the handshake must have no Transfer-Encoding header, but has \"" + coding + "\"");
  }
}

TEST(HandshakeRequest, Section4_2_1_HostKeyAndVersionComeOnce) {
  expect_refused(check(with(good_request, "Host", "b")),
                 400,
                 "the Host header must come once, but came 2 times: \"server.example.com, b\"");
  expect_refused(check(with(good_request, "Sec-WebSocket-Version", "8")),
                 400,
                 "the Sec-WebSocket-Version header must come once, but came 2 times: \"13, 8\"");
  expect_refused(check(with(good_request, "Sec-WebSocket-Key", "a")),
                 400,
                 "the Sec-WebSocket-Key header must come once, but came 2 times: "
                 "\"dGhlIHNhbXBsZSBub25jZQ==, a\"");
}

TEST(HandshakeRequest, Section4_4_AnotherVersionIs426) {
  for (const std::string version : {"8", "0", "013", "13.0", "+13", "13, 8", "", "255", "14"}) {
    expect_refused(check(changed(good_request, "Sec-WebSocket-Version", version)),
                   426,
                   "the Sec-WebSocket-Version header must be 13, but was \"" + version + "\"");
  }
}

TEST(HandshakeRequest, Section4_2_1_WrongUpgradeOrConnection) {
  for (const std::string value : {"h2c", "websocket/13", "web socket", "websockets", ""}) {
    expect_refused(check(changed(good_request, "Upgrade", value)),
                   400,
                   "the Upgrade header must have websocket in it, but was \"" + value + "\"");
  }
  for (const std::string value : {"keep-alive", "upgrades", "not upgrade", ",,"}) {
    expect_refused(check(changed(good_request, "Connection", value)),
                   400,
                   "the Connection header must have upgrade in it, but was \"" + value + "\"");
  }
}

TEST(HandshakeRequest, Section4_2_1_AKeyIsBase64Of16Bytes) {
  for (const std::string key : {"",
                                "dGhlIHNhbXBsZSBub25jZQ=",
                                "dGhlIHNhbXBsZSBub25jZQ===",
                                "dGhlIHNhbXBsZSBub25jZQ",
                                "dGhlIHNhbXBsZSBub25jZTE=",  // 17 bytes
                                "dGhlIHNhbXBsZSBub25jZTEy",  // 18 bytes
                                "dGhlIHNhbXBsZSBub25j",      // 15 bytes
                                "dGhlIHNhbXBsZSBub25j-Q==",
                                "dGhlIHNhbXBsZSBub2 jZQ==",
                                "====================Q==="}) {
    expect_refused(
        check(changed(good_request, "Sec-WebSocket-Key", key)),
        400,
        "the Sec-WebSocket-Key header must be 16 bytes in base64, but was \"" + key + "\"");
  }
}

TEST(HandshakeRequest, the_key_of_the_rfcs_example_has_spare_bits_and_is_accepted) {
  const auto verdict =
      check(changed(good_request, "Sec-WebSocket-Key", "AQIDBAUGBwgJCgsMDQ4PEC=="));
  EXPECT_EQ(verdict.problem, "");
}

TEST(HandshakeRequest, Section4_2_1_TheLastLetterOfAKeyMayBeAnyOfBase64s) {
  int accepted = 0;
  for (int c = 0; c < 256; ++c) {
    const auto key = "dGhlIHNhbXBsZSBub25jZ"s + static_cast<char>(c) + "==";
    const bool good = check(changed(good_request, "Sec-WebSocket-Key", key)).problem.empty();
    EXPECT_EQ(good, (c < 128 && std::isalnum(c) != 0) || c == '+' || c == '/') << c;
    accepted += good ? 1 : 0;
  }
  EXPECT_EQ(accepted, 64);
}

TEST(HandshakeRequest, WhatCameIsShownShortAndPrintable) {
  expect_refused(check(changed(good_request, "Upgrade", "\"\\\r\n\x01\xC3\xA9~"s + '\0')),
                 400,
                 R"(the Upgrade header must have websocket in it, but was "\"\\)"
                 R"(\x0D\x0A\x01\xC3\xA9~\x00")");
  expect_refused(
      check(changed(good_request, "Upgrade", std::string(5000, 'x'))),
      400,
      "the Upgrade header must have websocket in it, but was \"" + std::string(60, 'x') + "…\"");
}

TEST(HandshakeRequest, Section4_3_SubprotocolsInOrderFromSeveralFields) {
  auto request = with(good_request, "Sec-WebSocket-Protocol", "soap , ,wamp");
  request = with(request, "sec-websocket-protocol", "Soap,v1.x!");
  const auto verdict = check(request);
  expect_accepted(verdict);
  EXPECT_EQ(verdict.subprotocols, (std::vector<std::string>{"soap", "wamp", "Soap", "v1.x!"}));
}

TEST(HandshakeRequest, Section4_1_NoSubprotocolTwice) {
  expect_refused(check(with(good_request, "Sec-WebSocket-Protocol", "a, b, a")),
                 400,
                 "the Sec-WebSocket-Protocol header offers \"a\" twice");
  auto request = with(good_request, "Sec-WebSocket-Protocol", "a");
  expect_refused(check(with(request, "Sec-WebSocket-Protocol", "a")),
                 400,
                 "the Sec-WebSocket-Protocol header offers \"a\" twice");
}

TEST(HandshakeRequest, Section4_3_SubprotocolsAreTokens) {
  for (const std::string bad : {"a b", "a/b", "a;b", "(x)", "a=b"}) {
    expect_refused(check(with(good_request, "Sec-WebSocket-Protocol", "ok, " + bad)),
                   400,
                   "the Sec-WebSocket-Protocol header must list tokens, but has \"" + bad + "\"");
  }
  for (const std::string nothing : {"", " ", ", ,"}) {
    expect_refused(check(with(good_request, "Sec-WebSocket-Protocol", nothing)),
                   400,
                   "the Sec-WebSocket-Protocol header must list a subprotocol, but is empty");
  }
}

}  // namespace
}  // namespace adieu::core
