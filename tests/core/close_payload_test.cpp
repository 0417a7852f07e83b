// Close codes and payloads (RFC 6455 §5.5.1, §7.4): N6, N7, D2, D3, D13, over all 65536 codes.
#include "adieu/core/close_payload.hpp"

#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include <set>
#include <string>

#include "adieu/core/utf8.hpp"

namespace adieu::core {
namespace {

using namespace std::string_literals;

close_status status(unsigned number) { return static_cast<close_status>(number); }

/// N6 as a list, written down code by code below 3000.
bool n6_accepts(unsigned code) {
  static const std::set<unsigned> named = {
      1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014};
  return named.contains(code) || code / 1000 == 3 || code / 1000 == 4;
}

close_payload decode(std::string_view payload) { return decode_close_payload(as_bytes(payload)); }

TEST(CloseCodes, N6_WhichTravel) {
  for (unsigned code = 0; code <= 0xFFFF; ++code) {
    ASSERT_EQ(code_allowed_on_wire(static_cast<std::uint16_t>(code)), n6_accepts(code)) << code;
  }
}

TEST(CloseCodes, HaveNames) {
  EXPECT_EQ(to_string(close_status::normal_closure), "normal closure");
  EXPECT_EQ(to_string(close_status::endpoint_unavailable), "going away");
  EXPECT_EQ(to_string(close_status::no_status_received), "no status received");
  EXPECT_EQ(to_string(status(1004)), "reserved code");
  EXPECT_EQ(to_string(status(1015)), "TLS handshake failure");
  EXPECT_EQ(to_string(status(999)), "unused code");
  EXPECT_EQ(to_string(status(1016)), "unassigned code");
  EXPECT_EQ(to_string(status(2999)), "unassigned code");
  EXPECT_EQ(to_string(status(3001)), "registered code");
  EXPECT_EQ(to_string(status(4000)), "private code");
  EXPECT_EQ(to_string(status(5000)), "undefined code");
  for (unsigned code = 0; code <= 0xFFFF; ++code) ASSERT_FALSE(to_string(status(code)).empty());
}

TEST(CloseArguments, N7_D13_CodesThatNeverTravelAreBadExcept1005) {
  for (unsigned code = 0; code <= 0xFFFF; ++code) {
    const bool good = code == 1005 || n6_accepts(code);
    ASSERT_EQ(bad_close_argument(status(code), "").empty(), good) << code;
  }
}

TEST(CloseArguments, N7_TheEmptyCodeHasNoReason) {
  EXPECT_EQ(bad_close_argument(close_status::no_status_received, ""), "");
  EXPECT_EQ(bad_close_argument(close_status::no_status_received, "bye"),
            "code 1005 sends a Close without a payload, so it cannot have a reason");
}

TEST(CloseArguments, N7_AReasonOfAtMost123Bytes) {
  EXPECT_EQ(bad_close_argument(close_status::normal_closure, std::string(123, 'x')), "");
  EXPECT_EQ(bad_close_argument(close_status::normal_closure, std::string(124, 'x')),
            "the reason of a Close is longer than 123 bytes of UTF-8 (RFC 6455 §5.5)");
  std::string accents;
  while (accents.size() < 122) accents += "é";
  EXPECT_EQ(bad_close_argument(close_status::normal_closure, accents), "");
  EXPECT_NE(bad_close_argument(close_status::normal_closure, accents + "é"), "");  // 62 letters
}

TEST(CloseArguments, AReasonIsUtf8) {
  EXPECT_EQ(bad_close_argument(close_status::normal_closure, "du blåser 😀"), "");
  for (const std::string_view bad : {"\xFF", "ok\xC3", "\xED\xA0\x80"}) {
    EXPECT_EQ(bad_close_argument(close_status::normal_closure, bad),
              "the reason of a Close is not valid UTF-8 (RFC 6455 §5.5.1)");
  }
}

TEST(CloseArguments, D13_EachKindOfBadCodeHasItsSentence) {
  std::set<std::string_view> sentences;
  for (const unsigned code : {999U, 1004U, 1006U, 1015U, 1016U, 5000U}) {
    sentences.insert(bad_close_argument(status(code), ""));
  }
  EXPECT_EQ(sentences.size(), 6U);
  EXPECT_EQ(bad_close_argument(status(0), ""), bad_close_argument(status(999), ""));
  EXPECT_EQ(bad_close_argument(status(2999), ""), bad_close_argument(status(1016), ""));
  EXPECT_EQ(bad_close_argument(status(65535), ""), bad_close_argument(status(5000), ""));
}

TEST(ClosePayload, Section5_5_1_CodeInNetworkOrderThenReason) {
  EXPECT_EQ(encode_close_payload(close_status::normal_closure, ""), "\x03\xE8");
  EXPECT_EQ(encode_close_payload(close_status::endpoint_unavailable, "bye"),
            "\x03\xE9"
            "bye");
  EXPECT_EQ(encode_close_payload(status(4999), "x"),
            "\x13\x87"
            "x");
  EXPECT_EQ(encode_close_payload(close_status::normal_closure, std::string(123, 'x')).size(), 125U);
}

TEST(ClosePayload, N7_1005HasNoPayload) {
  EXPECT_EQ(encode_close_payload(close_status::no_status_received, ""), "");
}

TEST(ClosePayload, D2_AnEmptyPayloadHasNoCode) {
  const auto payload = decode("");
  EXPECT_EQ(payload.code, std::nullopt);
  EXPECT_EQ(payload.reason, "");
  EXPECT_EQ(payload.wrong, violation::none);
}

TEST(ClosePayload, N6_OneByteIsAProtocolError) {
  for (unsigned byte = 0; byte < 256; ++byte) {
    const auto payload = decode(std::string(1, static_cast<char>(byte)));
    EXPECT_EQ(payload.wrong, violation::invalid_close_length);
    EXPECT_EQ(payload.code, std::nullopt);
    EXPECT_EQ(payload.reason, "");
  }
  EXPECT_EQ(close_code_for(violation::invalid_close_length), close_status::protocol_error);
}

TEST(ClosePayload, N6_EveryCodeFromTheWire) {
  for (unsigned code = 0; code <= 0xFFFF; ++code) {
    const std::string raw{static_cast<char>(code / 256), static_cast<char>(code % 256), 'h', 'i'};
    const auto payload = decode(raw);
    ASSERT_EQ(payload.code, code);
    ASSERT_EQ(payload.reason, "hi");
    ASSERT_EQ(payload.wrong, n6_accepts(code) ? violation::none : violation::invalid_close_code);
  }
  EXPECT_EQ(close_code_for(violation::invalid_close_code), close_status::protocol_error);
}

TEST(ClosePayload, D3_AReasonThatIsNotUtf8Is1007) {
  for (const std::string_view bad : {"\xFF", "cut \xF0\x9F\x98", "\xC0\x80", "a\x80z"}) {
    const auto payload = decode("\x03\xE8" + std::string(bad));
    EXPECT_EQ(payload.wrong, violation::invalid_utf8_close_reason);
    EXPECT_EQ(payload.code, 1000);
    EXPECT_EQ(payload.reason, bad) << "the raw bytes are kept";
  }
  EXPECT_EQ(close_code_for(violation::invalid_utf8_close_reason),
            close_status::invalid_payload_data);
}

TEST(ClosePayload, N6_ABadCodeComesBeforeABadReason) {
  const auto payload = decode("\x03\xED\xFF");
  EXPECT_EQ(payload.wrong, violation::invalid_close_code);
  EXPECT_EQ(payload.code, 1005);
  EXPECT_EQ(payload.reason, "\xFF");
}

TEST(ClosePayload, AReasonMayHoldAnyCharacter) {
  const auto payload = decode(
      "\x03\xE8"
      "a\0b\n"s);
  EXPECT_EQ(payload.wrong, violation::none);
  EXPECT_EQ(payload.reason, "a\0b\n"s);
}

RC_GTEST_PROP(ClosePayload, WhatWasEncodedIsDecoded, ()) {
  const auto code = *rc::gen::suchThat(rc::gen::inRange(1000, 5000), [](int number) {
    return code_allowed_on_wire(static_cast<std::uint16_t>(number));
  });
  const auto letters = *rc::gen::container<std::vector<std::string>>(
      rc::gen::element<std::string>("a", "é", "語", "😀"));
  std::string reason;
  for (const auto& letter : letters) {
    if (reason.size() + letter.size() <= max_close_reason) reason += letter;
  }
  RC_ASSERT(bad_close_argument(status(static_cast<unsigned>(code)), reason).empty());
  const auto payload = decode(encode_close_payload(status(static_cast<unsigned>(code)), reason));
  RC_ASSERT(payload.wrong == violation::none);
  RC_ASSERT(payload.code == code);
  RC_ASSERT(payload.reason == reason);
}

RC_GTEST_PROP(ClosePayload, AnyBytesGetTheirVerdict, (std::string raw)) {
  const auto payload = decode(raw);
  RC_ASSERT(payload.code.has_value() == (raw.size() >= 2));
  if (raw.size() < 2) return;
  RC_ASSERT(payload.reason == raw.substr(2));
  const bool good = n6_accepts(*payload.code) && valid_utf8(as_bytes(payload.reason));
  RC_ASSERT((payload.wrong == violation::none) == good);
}

}  // namespace
}  // namespace adieu::core
