// The opening handshake (RFC 6455 §4) as a client sees it: one change of the answer at a time, and
// the sentence that each change must lead to.
#include "tests/core/handshake_fields.hpp"

namespace adieu::core {
namespace {

response_verdict answer(const fields& list,
                        std::vector<std::string> offered = {},
                        unsigned status = 101,
                        unsigned version = 11) {
  const auto headers = view(list);
  return check_response({status, version, headers},
                        {"s3pPLMBiTxaQ9kYGzzhZRbK+xOo=", std::move(offered)});
}

void expect_refused(const response_verdict& verdict,
                    response_problem problem,
                    std::string_view detail) {
  EXPECT_EQ(verdict.problem, problem);
  EXPECT_EQ(verdict.detail, detail);
  EXPECT_EQ(verdict.subprotocol, "");
}

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
      "the Sec-WebSocket-Extensions header: the server chose \"permessage-deflate\", which was not "
      "offered");
  EXPECT_EQ(answer(with(good_response, "Sec-WebSocket-Extensions", "")).problem,
            response_problem::none);
}

// RFC 9112 §6.1, §6.3: a 101 has no body; a proxy that thinks otherwise eats our frames.
TEST(HandshakeResponse, a_body_is_refused) {
  EXPECT_EQ(answer(with(good_response, "Content-Length", "0")).detail, "");
  for (const auto& [name, value] :
       {std::pair("Content-Length", "1"), std::pair("Transfer-Encoding", "chunked")}) {
    const auto verdict = answer(with(good_response, name, value));
    EXPECT_EQ(verdict.problem, response_problem::header_error);
    EXPECT_NE(verdict.detail.find(name), std::string::npos);
  }
}

}  // namespace
}  // namespace adieu::core
