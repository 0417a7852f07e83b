// The opening handshake (RFC 6455 §4), both sides: the RFC's own example, then one change at a
// time, and the sentence that each change must lead to.
#include "adieu/core/handshake.hpp"

#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include <cctype>
#include <string>
#include <utility>
#include <vector>

namespace adieu::core {
namespace {

using namespace std::string_literals;
using fields = std::vector<std::pair<std::string, std::string>>;

std::string hashed;  // what the last call of rfc_sha1 was given

/// Not SHA-1, but its answer for the example of RFC 6455 §1.3.
std::array<std::byte, 20> rfc_sha1(std::string_view text) {
  hashed = text;
  constexpr unsigned char digest[] = {0xb3, 0x7a, 0x4f, 0x2c, 0xc0, 0x62, 0x4f, 0x16, 0x90, 0xf6,
                                      0x46, 0x06, 0xcf, 0x38, 0x59, 0x45, 0xb2, 0xbe, 0xc4, 0xea};
  std::array<std::byte, 20> out{};
  for (std::size_t i = 0; i < out.size(); ++i) out[i] = std::byte{digest[i]};
  return out;
}

const fields good_request = {{"Host", "server.example.com"},
                             {"Upgrade", "websocket"},
                             {"Connection", "Upgrade"},
                             {"Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="},
                             {"Sec-WebSocket-Version", "13"}};

const fields good_response = {{"Upgrade", "websocket"},
                              {"Connection", "Upgrade"},
                              {"Sec-WebSocket-Accept", "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="}};

fields without(fields list, std::string_view name) {
  std::erase_if(list, [name](const auto& field) { return field.first == name; });
  return list;
}

fields with(fields list, std::string name, std::string value) {
  list.emplace_back(std::move(name), std::move(value));
  return list;
}

fields changed(const fields& list, const std::string& name, std::string value) {
  return with(without(list, name), name, std::move(value));
}

std::vector<header_field> view(const fields& list) {
  std::vector<header_field> headers;
  for (const auto& [name, value] : list) headers.push_back({name, value});
  return headers;
}

request_verdict check(const fields& list, std::string_view method = "GET", unsigned version = 11) {
  const auto headers = view(list);
  return check_request({method, "/chat", version, headers});
}

response_verdict answer(const fields& list,
                        std::vector<std::string> offered = {},
                        unsigned status = 101,
                        unsigned version = 11) {
  const auto headers = view(list);
  return check_response({status, version, headers},
                        {"s3pPLMBiTxaQ9kYGzzhZRbK+xOo=", std::move(offered)});
}

void expect_refused(const request_verdict& verdict, unsigned status, std::string_view problem) {
  EXPECT_EQ(verdict.status, status);
  EXPECT_EQ(verdict.problem, problem);
  EXPECT_EQ(verdict.key, "");
  EXPECT_TRUE(verdict.subprotocols.empty());
  EXPECT_TRUE(verdict.extensions.empty());
}

void expect_accepted(const request_verdict& verdict) {
  EXPECT_EQ(verdict.problem, "");
  EXPECT_EQ(verdict.status, 101U);
  EXPECT_EQ(verdict.key, "dGhlIHNhbXBsZSBub25jZQ==");
}

void expect_refused(const response_verdict& verdict,
                    response_problem problem,
                    std::string_view detail) {
  EXPECT_EQ(verdict.problem, problem);
  EXPECT_EQ(verdict.detail, detail);
  EXPECT_EQ(verdict.subprotocol, "");
}

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

TEST(HandshakeWords, TokensOfRfc9110) {
  const std::string punctuation = "!#$%&'*+-.^_`|~";
  for (int i = 0; i < 256; ++i) {
    const char c = static_cast<char>(i);
    const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    const bool expected = letter || (i != 0 && punctuation.find(c) != std::string::npos);
    EXPECT_EQ(is_token(std::string(1, c)), expected) << i;
    EXPECT_EQ(is_token("x"s + c + "y"), expected) << i;
  }
  EXPECT_FALSE(is_token(""));
}

TEST(HandshakeWords, FieldValuesHaveNoControlCharacters) {
  for (int i = 0; i < 256; ++i) {
    const bool control = (i < 32 && i != 9) || i == 127;
    EXPECT_EQ(is_field_value("a"s + static_cast<char>(i) + "b"), !control) << i;
  }
  EXPECT_TRUE(is_field_value(""));
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

// ---- extensions -----------------------------------------------------------------------------

/// One line a parsed offer: name;parameter=value;parameter
std::vector<std::string> extensions_of(const request_verdict& verdict) {
  std::vector<std::string> lines;
  for (const auto& offer : verdict.extensions) {
    auto& line = lines.emplace_back(offer.name);
    for (const auto& [name, value] : offer.parameters) {
      line += ";" + name + (value.empty() ? "" : "=" + value);
    }
  }
  return lines;
}

TEST(HandshakeExtensions, Section9_1_WhatTheGrammarAllows) {
  const std::pair<std::string, std::vector<std::string>> cases[] = {
      {"deflate-stream", {"deflate-stream"}},
      {"mux; max-channels=4; flow-control, deflate-stream",
       {"mux;max-channels=4;flow-control", "deflate-stream"}},
      {"private-extension", {"private-extension"}},
      {"permessage-deflate; client_max_window_bits; server_max_window_bits=10",
       {"permessage-deflate;client_max_window_bits;server_max_window_bits=10"}},
      {"a;b=\"10\"", {"a;b=10"}},
      {"a;b=\"1\\0\"", {"a;b=10"}},
      {"a ; b = \"x\" ; c\t=\ty , d", {"a;b=x;c=y", "d"}},
      {", ,a,,b,", {"a", "b"}},
      {"a;x;x=1,a", {"a;x;x=1", "a"}},
  };
  for (const auto& [text, expected] : cases) {
    const auto verdict = check(with(good_request, "Sec-WebSocket-Extensions", text));
    expect_accepted(verdict);
    EXPECT_EQ(extensions_of(verdict), expected) << text;
  }
}

TEST(HandshakeExtensions, Section9_1_SeveralFieldsAreOneList) {
  auto request = with(good_request, "Sec-WebSocket-Extensions", "a;b");
  request = with(request, "SEC-WEBSOCKET-EXTENSIONS", "c");
  EXPECT_EQ(extensions_of(check(request)), (std::vector<std::string>{"a;b", "c"}));
}

TEST(HandshakeExtensions, Section9_1_BadGrammarIs400) {
  const std::pair<std::string, std::string> cases[] = {
      {"a b", "\"b\""},
      {"a;", "its end"},
      {"a;;b", "\";b\""},
      {";a", "\";a\""},
      {"a;b=", "its end"},
      {"a;b=,c", "\",c\""},
      {"a;=c", "\"=c\""},
      {"a=b", "\"=b\""},
      {"a;b=c=d", "\"=d\""},
      {"a;b=\"\"", R"("\"\"")"},
      {"a;b=\"x y\"", R"("\"x y\"")"},
      {"a;b=\"x", R"("\"x")"},
      {"a;b=\"x\\", R"("\"x\\")"},
      {"a;b=\"x\\\"", R"("\"x\\\"")"},
      {"a;b=\"x\"y", "\"y\""},
      {"\"a\"", R"("\"a\"")"},
      {"a;b=(c)", "\"(c)\""},
      {"a\x01", R"("\x01")"},
  };
  for (const auto& [text, place] : cases) {
    const auto verdict = check(with(good_request, "Sec-WebSocket-Extensions", text));
    EXPECT_EQ(verdict.status, 400U) << text;
    EXPECT_TRUE(verdict.problem.starts_with(
        "the Sec-WebSocket-Extensions header breaks its grammar at " + place + ": \""))
        << verdict.problem;
    EXPECT_TRUE(verdict.extensions.empty());
  }
  expect_refused(check(with(good_request, "Sec-WebSocket-Extensions", " , ")),
                 400,
                 "the Sec-WebSocket-Extensions header must list an extension, but is empty");
}

RC_GTEST_PROP(HandshakeExtensions, WhatWasWrittenIsRead, ()) {
  const auto token = rc::gen::nonEmpty(
      rc::gen::container<std::string>(rc::gen::element('a', 'Z', '0', '_', '-', '.', '!', '|')));
  const auto blank = rc::gen::element(""s, " "s, "\t "s);
  std::string text;
  std::vector<std::string> expected;
  for (int offers = *rc::gen::inRange(1, 4); offers > 0; --offers) {
    auto& line = expected.emplace_back(*token);
    text += *blank + line;
    for (int parameters = *rc::gen::inRange(0, 4); parameters > 0; --parameters) {
      const auto name = *token;
      text += *blank + ";" + *blank + name;
      line += ";" + name;
      const int form = *rc::gen::inRange(0, 3);
      if (form == 0) continue;
      const auto value = *token;
      text += *blank + "=" + *blank + (form == 1 ? value : "\"\\" + value + "\"");
      line += "=" + value;
    }
    text += *blank + (offers > 1 ? "," : "");
  }
  const auto verdict = check(with(good_request, "Sec-WebSocket-Extensions", text));
  RC_ASSERT(verdict.problem == "");
  RC_ASSERT(extensions_of(verdict) == expected);
}

RC_GTEST_PROP(HandshakeExtensions, AnyValueIsReadOrRefused, ()) {
  const auto text = *rc::gen::container<std::string>(rc::gen::oneOf(
      rc::gen::element('a', 'b', ';', '=', ',', '"', '\\', ' '), rc::gen::arbitrary<char>()));
  const auto verdict = check(with(good_request, "Sec-WebSocket-Extensions", text));
  RC_ASSERT(verdict.problem.empty() == (verdict.status == 101));
  for (const auto& offer : verdict.extensions) {
    RC_ASSERT(is_token(offer.name));
    for (const auto& [name, value] : offer.parameters) {
      RC_ASSERT(is_token(name) && (value.empty() || is_token(value)));
    }
  }
  for (const char c : verdict.problem) RC_ASSERT(static_cast<unsigned char>(c) >= ' ');
}

// ---- a client's view ------------------------------------------------------------------------

TEST(HandshakeResponse, Section1_3_TheExampleIsAccepted) {
  const auto verdict = answer(good_response);
  EXPECT_EQ(verdict.problem, response_problem::none);
  EXPECT_EQ(verdict.detail, "");
  EXPECT_EQ(verdict.subprotocol, "");
}

TEST(HandshakeResponse, Section4_1_AnyCaseAndBlanks) {
  const auto verdict = answer({{"UPGRADE", " WebSocket"},
                               {"connection", "keep-alive"},
                               {"Connection", "UPGRADE "},
                               {"sec-websocket-accept", " s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\t"}});
  EXPECT_EQ(verdict.problem, response_problem::none) << verdict.detail;
}

TEST(HandshakeResponse, N18_AnotherStatusIsNotAWebSocket) {
  for (const unsigned status : {100U, 200U, 301U, 400U, 401U, 404U, 426U, 503U}) {
    expect_refused(answer(good_response, {}, status),
                   response_problem::not_a_websocket,
                   "the server answered HTTP " + std::to_string(status) + " instead of 101");
  }
  expect_refused(answer(good_response, {}, 101, 10),
                 response_problem::not_a_websocket,
                 "the server answered in HTTP/1.0, which cannot switch protocols");
}

TEST(HandshakeResponse, Section4_1_EachHeaderIsNeeded) {
  const auto header_error = response_problem::header_error;
  expect_refused(
      answer(without(good_response, "Upgrade")), header_error, "the Upgrade header is missing");
  expect_refused(answer(without(good_response, "Connection")),
                 header_error,
                 "the Connection header is missing: expected upgrade");
  expect_refused(answer(without(good_response, "Sec-WebSocket-Accept")),
                 header_error,
                 "the Sec-WebSocket-Accept header is missing");
}

TEST(HandshakeResponse, Section4_1_WrongHeaders) {
  const auto header_error = response_problem::header_error;
  expect_refused(answer(changed(good_response, "Upgrade", "h2c")),
                 header_error,
                 "the Upgrade header must be websocket, but was \"h2c\"");
  expect_refused(answer(changed(good_response, "Upgrade", "websocket, h2c")),
                 header_error,
                 "the Upgrade header must be websocket, but was \"websocket, h2c\"");
  expect_refused(answer(with(good_response, "Upgrade", "websocket")),
                 header_error,
                 "the Upgrade header must come once, but came 2 times: \"websocket, websocket\"");
  expect_refused(answer(changed(good_response, "Connection", "close")),
                 header_error,
                 "the Connection header must have upgrade in it, but was \"close\"");
}

TEST(HandshakeResponse, Section4_1_TheAcceptIsExactlyOurs) {
  for (const std::string bad :
       {"", "S3pPLMBiTxaQ9kYGzzhZRbK+xOo=", "s3pPLMBiTxaQ9kYGzzhZRbK+xOo", "x"}) {
    expect_refused(answer(changed(good_response, "Sec-WebSocket-Accept", bad)),
                   response_problem::header_error,
                   "the Sec-WebSocket-Accept header must be \"s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\", "
                   "but was \"" +
                       bad + "\"");
  }
  expect_refused(
      answer(with(good_response, "Sec-WebSocket-Accept", "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=")),
      response_problem::header_error,
      "the Sec-WebSocket-Accept header must come once, but came 2 times: "
      "\"s3pPLMBiTxaQ9kYGzzhZRbK+xOo=, s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\"");
}

TEST(HandshakeResponse, Section4_1_TheSubprotocolIsOneOfOurs) {
  const auto chosen = answer(with(good_response, "sec-websocket-protocol", " b "), {"a", "b"});
  EXPECT_EQ(chosen.problem, response_problem::none) << chosen.detail;
  EXPECT_EQ(chosen.subprotocol, "b");
  const auto none = answer(good_response, {"a", "b"});
  EXPECT_EQ(none.problem, response_problem::none) << "a server may choose none";
  EXPECT_EQ(none.subprotocol, "");
}

TEST(HandshakeResponse, N18_ASubprotocolThatWasNotOffered) {
  const auto unsupported = response_problem::unsupported_protocol;
  const auto choosing = [](std::string value) {
    return with(good_response, "Sec-WebSocket-Protocol", std::move(value));
  };
  expect_refused(answer(choosing("c"), {"a", "b"}),
                 unsupported,
                 "the server chose the subprotocol \"c\", but only \"a, b\" were offered");
  expect_refused(answer(choosing("A"), {"a"}),
                 unsupported,
                 "the server chose the subprotocol \"A\", but only \"a\" was offered");
  expect_refused(answer(choosing("a, b"), {"a", "b"}),
                 unsupported,
                 "the server chose the subprotocol \"a, b\", but only \"a, b\" were offered");
  expect_refused(answer(choosing("c")),
                 unsupported,
                 "the server chose the subprotocol \"c\", but none was offered");
  expect_refused(answer(choosing("")),
                 unsupported,
                 "the server chose the subprotocol \"\", but none was offered");
}

TEST(HandshakeResponse, Section11_3_4_OneSubprotocolFieldAtMost) {
  auto response = with(good_response, "Sec-WebSocket-Protocol", "a");
  expect_refused(answer(with(response, "Sec-WebSocket-Protocol", "a"), {"a"}),
                 response_problem::header_error,
                 "the Sec-WebSocket-Protocol header must come once, but came 2 times: \"a, a\"");
}

TEST(HandshakeResponse, Section4_1_NoExtensionThatWasNotOffered) {
  expect_refused(
      answer(with(good_response, "Sec-WebSocket-Extensions", "permessage-deflate; x=1, b")),
      response_problem::header_error,
      "the Sec-WebSocket-Extensions header has \"permessage-deflate; x=1\", "
      "but no extension was offered");
  EXPECT_EQ(answer(with(good_response, "Sec-WebSocket-Extensions", "")).problem,
            response_problem::none);
}

}  // namespace
}  // namespace adieu::core
