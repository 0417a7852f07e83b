// The negotiation of permessage-deflate (RFC 7692 §5, §7.1): every parameter, right and wrong.
#include "adieu/core/deflate_agreement.hpp"

#include "tests/core/handshake_fields.hpp"

namespace adieu::core {
namespace {

std::vector<extension_offer> parsed(const std::string& header) {
  return check(with(good_request, "Sec-WebSocket-Extensions", header)).extensions;
}

deflate_options options(int client_bits = 15,
                        int server_bits = 15,
                        bool client_takeover = true,
                        bool server_takeover = true) {
  deflate_options out;
  out.client_max_window_bits = client_bits;
  out.server_max_window_bits = server_bits;
  out.client_context_takeover = client_takeover;
  out.server_context_takeover = server_takeover;
  return out;
}

/// The server's answer to `offers`, or "-".
std::string answer_to(const std::string& offers, const deflate_options& how = options()) {
  const auto choice = choose_deflate(parsed(offers), how);
  return choice ? choice->answer : "-";
}

deflate_verdict read(const std::string& answer, const deflate_options& offered = options()) {
  return check_deflate(parsed(answer), offered);
}

TEST(DeflateOffer, N15_Section7_1_SaysWhatTheOptionsSay) {
  EXPECT_EQ(deflate_offer(options()), "permessage-deflate; client_max_window_bits");
  EXPECT_EQ(deflate_offer(options(10, 11, false, false)),
            "permessage-deflate; client_no_context_takeover; server_no_context_takeover; "
            "server_max_window_bits=11; client_max_window_bits=10");
}

TEST(DeflateChoice, N15_Section7_1_TheAnswerKeepsBothSidesPromises) {
  EXPECT_EQ(answer_to("permessage-deflate"), "permessage-deflate");
  EXPECT_EQ(answer_to("permessage-deflate; client_max_window_bits"), "permessage-deflate");
  EXPECT_EQ(answer_to("permessage-deflate; client_max_window_bits=12"),
            "permessage-deflate; client_max_window_bits=12");
  EXPECT_EQ(answer_to("permessage-deflate; client_max_window_bits", options(10)),
            "permessage-deflate; client_max_window_bits=10");
  EXPECT_EQ(answer_to("permessage-deflate", options(10)), "permessage-deflate")
      << "a client that did not name its window can't be bound";
  EXPECT_EQ(answer_to("permessage-deflate; server_max_window_bits=9"),
            "permessage-deflate; server_max_window_bits=9");
  EXPECT_EQ(answer_to("permessage-deflate; server_max_window_bits=15"),
            "permessage-deflate; server_max_window_bits=15");
  EXPECT_EQ(answer_to("permessage-deflate; server_max_window_bits=12", options(15, 10)),
            "permessage-deflate; server_max_window_bits=10");
  EXPECT_EQ(answer_to("permessage-deflate", options(15, 10)),
            "permessage-deflate; server_max_window_bits=10");
  EXPECT_EQ(answer_to("permessage-deflate; server_no_context_takeover; client_no_context_takeover"),
            "permessage-deflate; client_no_context_takeover; server_no_context_takeover");
  EXPECT_EQ(answer_to("permessage-deflate", options(15, 15, false, false)),
            "permessage-deflate; client_no_context_takeover; server_no_context_takeover");
}

TEST(DeflateChoice, Section5_1_TheFirstOfferThatCanBeKept) {
  EXPECT_EQ(answer_to("x-other, permessage-deflate; server_max_window_bits=8, "
                      "permessage-deflate; server_max_window_bits=10, permessage-deflate"),
            "permessage-deflate; server_max_window_bits=10");
  EXPECT_EQ(answer_to("x-webkit-deflate-frame"), "-");
  EXPECT_EQ(answer_to("permessage-deflate; server_max_window_bits=8"), "-") << "zlib can't";
  EXPECT_EQ(answer_to("permessage-deflate; client_max_window_bits=8"),
            "permessage-deflate; client_max_window_bits=8")
      << "the client's affair; we can read that";
}

const char* const wrong[] = {
    "permessage-deflate; server_max_window_bits=7",
    "permessage-deflate; server_max_window_bits=16",
    "permessage-deflate; server_max_window_bits=08",
    "permessage-deflate; server_max_window_bits=1e1",
    "permessage-deflate; server_max_window_bits",
    "permessage-deflate; client_max_window_bits=7",
    "permessage-deflate; client_max_window_bits=010",
    "permessage-deflate; client_max_window_bits=16",
    "permessage-deflate; server_no_context_takeover=1",
    "permessage-deflate; client_no_context_takeover=true",
    "permessage-deflate; server_no_context_takeover; server_no_context_takeover",
    "permessage-deflate; client_max_window_bits=10; client_max_window_bits=10",
    "permessage-deflate; server_max_window_bits=10; server_max_window_bits=11",
    "permessage-deflate; mystery",
};

TEST(DeflateChoice, Section7_1_ABadOfferIsDeclined) {
  for (const char* const offer : wrong) {
    EXPECT_EQ(answer_to(offer), "-") << offer;
    EXPECT_EQ(answer_to(std::string(offer) + ", permessage-deflate"), "permessage-deflate");
  }
}

TEST(DeflateVerdict, Section7_1_ABadAnswerFailsTheConnection) {
  for (const char* const answer : wrong) {
    const auto verdict = read(answer);
    EXPECT_FALSE(verdict.agreement) << answer;
    EXPECT_NE(verdict.problem, "") << answer;
  }
  EXPECT_EQ(read("permessage-deflate; server_max_window_bits=16").problem,
            "the Sec-WebSocket-Extensions header: server_max_window_bits must be 8 to 15, but is "
            "\"16\"");
  EXPECT_EQ(read("permessage-deflate; client_max_window_bits").problem,
            "the Sec-WebSocket-Extensions header: client_max_window_bits must be 8 to 15, but is "
            "empty");
  EXPECT_EQ(read("permessage-deflate, permessage-deflate").problem,
            "the Sec-WebSocket-Extensions header: permessage-deflate is there twice");
}

TEST(DeflateVerdict, Section7_1_TheAnswerMayNotExceedTheOffer) {
  EXPECT_NE(read("permessage-deflate; client_max_window_bits=12", options(10)).problem, "");
  EXPECT_NE(read("permessage-deflate; server_max_window_bits=12", options(15, 10)).problem, "");
  EXPECT_NE(read("permessage-deflate", options(15, 10)).problem, "")
      << "without the parameter the server's window is 15";
  EXPECT_NE(read("permessage-deflate", options(15, 15, true, false)).problem, "");
  EXPECT_EQ(read("permessage-deflate; server_max_window_bits=9", options(15, 10)).problem, "");
}

TEST(DeflateVerdict, Rfc6455_Section9_1_NothingThatWasNotOffered) {
  EXPECT_EQ(check_deflate(parsed("permessage-deflate"), std::nullopt).problem,
            "the Sec-WebSocket-Extensions header: the server chose \"permessage-deflate\", which "
            "was not offered");
  EXPECT_NE(read("permessage-bzip2").problem, "");
  const auto none = check_deflate({}, options());
  EXPECT_TRUE(none.problem.empty() && !none.agreement);
}

TEST(DeflateVerdict, N15_WhatWasAgreed) {
  const auto plain = read("permessage-deflate").agreement;
  ASSERT_TRUE(plain);
  EXPECT_EQ(*plain, agreed_by_both(options(), role::client));
  const auto all = read(
                       "permessage-deflate; client_no_context_takeover; "
                       "server_no_context_takeover; client_max_window_bits=10; "
                       "server_max_window_bits=9")
                       .agreement;
  ASSERT_TRUE(all);
  EXPECT_EQ(*all, agreed_by_both(options(10, 9, false, false), role::client));
  EXPECT_EQ(all->sending.window_bits, 10);
  EXPECT_EQ(all->receiving.window_bits, 9);
  EXPECT_TRUE(all->compresses);
  EXPECT_FALSE(read("permessage-deflate; client_max_window_bits=8").agreement->compresses)
      << "zlib can't, and nothing obliges us to";
}

TEST(DeflateOptions, N15_OnlyWhatZlibCanDo) {
  EXPECT_EQ(bad_deflate_options(options()), "");
  EXPECT_EQ(bad_deflate_options(options(8)),
            "deflate: client_max_window_bits must be 9 to 15, but is 8");
  EXPECT_NE(bad_deflate_options(options(15, 16)), "");
  deflate_options level;
  level.level = 0;
  EXPECT_EQ(bad_deflate_options(level), "deflate: the level must be 1 to 9, but is 0");
}

/// Both ends, from both ends' options, always agree on the same.
RC_GTEST_PROP(Deflate, WhateverTheOptionsBothEndsAgreeOnTheSame, ()) {
  const auto any = [] {
    return options(*rc::gen::inRange(9, 16),
                   *rc::gen::inRange(9, 16),
                   *rc::gen::arbitrary<bool>(),
                   *rc::gen::arbitrary<bool>());
  };
  const deflate_options client = any(), server = any();
  const auto choice = choose_deflate(parsed(deflate_offer(client)), server);
  RC_ASSERT(choice.has_value());
  const auto verdict = check_deflate(parsed(choice->answer), client);
  RC_ASSERT(verdict.problem == "");
  RC_ASSERT(verdict.agreement->sending == choice->agreement.receiving);
  RC_ASSERT(verdict.agreement->receiving == choice->agreement.sending);
}

}  // namespace
}  // namespace adieu::core
