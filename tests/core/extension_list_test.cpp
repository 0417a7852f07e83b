// Sec-WebSocket-Extensions as a list (RFC 6455 §9.1).
#include "tests/core/handshake_fields.hpp"

namespace adieu::core {
namespace {

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

}  // namespace
}  // namespace adieu::core
