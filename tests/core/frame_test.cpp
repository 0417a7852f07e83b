// Frame headers (RFC 6455 §5.2): bytes in, bytes out, for both roles, cut at every byte; all 65536
// pairs of first bytes against an oracle that is a list, not a computation on bits.
#include "adieu/core/frame.hpp"

#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace adieu::core {
namespace {

using buffer = std::vector<std::byte>;
using outcome = parsed_header::outcome;

constexpr frame_rules server{role::server, false};
constexpr frame_rules client{role::client, false};
constexpr frame_rules server_with_deflate{role::server, true};
constexpr frame_rules client_with_deflate{role::client, true};
constexpr frame_rules all_rules[] = {server, client, server_with_deflate, client_with_deflate};

buffer raw(std::initializer_list<unsigned> values) {
  buffer data;
  for (const unsigned value : values) data.push_back(static_cast<std::byte>(value));
  return data;
}

buffer encoded(const frame_header& header) {
  std::array<std::byte, max_header_size> out{};
  const std::size_t size = encode_header(header, out);
  return {out.begin(), out.begin() + static_cast<std::ptrdiff_t>(size)};
}

/// Parses a copy of its own size, so that the sanitizer sees a read past the end.
parsed_header parse(const_bytes data, frame_rules rules) {
  const buffer copy(data.begin(), data.end());
  return parse_header(copy, rules);
}

bool same(const frame_header& a, const frame_header& b) {
  return a.op == b.op && a.fin == b.fin && a.rsv1 == b.rsv1 && a.masked == b.masked &&
         a.length == b.length && (!a.masked || a.key == b.key);
}

/// Every cut is incomplete until `known_at` bytes are here; from there on the verdict stands.
void expect_wrong(const buffer& data,
                  frame_rules rules,
                  violation rule,
                  std::size_t wrong_at,
                  std::size_t known_at) {
  for (std::size_t size = 0; size <= data.size(); ++size) {
    const auto parsed = parse(const_bytes(data).first(size), rules);
    if (size < known_at) {
      EXPECT_EQ(parsed.result, outcome::incomplete) << size << " bytes";
    } else {
      EXPECT_EQ(parsed.result, outcome::wrong) << size << " bytes";
      EXPECT_EQ(parsed.wrong, rule) << to_string(parsed.wrong);
      EXPECT_EQ(parsed.wrong_at, wrong_at);
    }
  }
}

// ---- known bytes ----------------------------------------------------------------------------

TEST(FrameHeader, Section5_7_TheExamplesOfTheRfc) {
  const mask_key key{std::byte{0x37}, std::byte{0xFA}, std::byte{0x21}, std::byte{0x3D}};
  const struct {
    frame_header header;
    buffer expected;
    frame_rules rules;
  } examples[] = {
      {{.op = opcode::text, .length = 5}, raw({0x81, 0x05}), client},
      {{.op = opcode::text, .masked = true, .key = key, .length = 5},
       raw({0x81, 0x85, 0x37, 0xFA, 0x21, 0x3D}),
       server},
      {{.op = opcode::text, .fin = false, .length = 3}, raw({0x01, 0x03}), client},
      {{.op = opcode::continuation, .length = 2}, raw({0x80, 0x02}), client},
      {{.op = opcode::ping, .length = 5}, raw({0x89, 0x05}), client},
      {{.op = opcode::pong, .masked = true, .key = key, .length = 5},
       raw({0x8A, 0x85, 0x37, 0xFA, 0x21, 0x3D}),
       server},
      {{.op = opcode::binary, .length = 256}, raw({0x82, 0x7E, 0x01, 0x00}), client},
      {{.op = opcode::binary, .length = 65536}, raw({0x82, 0x7F, 0, 0, 0, 0, 0, 1, 0, 0}), client},
      {{.op = opcode::close, .length = 2}, raw({0x88, 0x02}), client},
      {{.op = opcode::text, .rsv1 = true, .length = 7}, raw({0xC1, 0x07}), client_with_deflate},
  };
  for (const auto& [header, expected, rules] : examples) {
    EXPECT_EQ(encoded(header), expected);
    const auto parsed = parse(expected, rules);
    EXPECT_EQ(parsed.result, outcome::complete);
    EXPECT_EQ(parsed.size, expected.size());
    EXPECT_TRUE(same(parsed.header, header));
  }
}

TEST(FrameHeader, EveryLengthIsWrittenInItsShortestForm) {
  const struct {
    std::uint64_t length;
    std::size_t size;
  } sizes[] = {{0, 2},
               {1, 2},
               {125, 2},
               {126, 4},
               {127, 4},
               {0xFFFF, 4},
               {0x10000, 10},
               {0xFFFF'FFFF, 10},
               {0x7FFF'FFFF'FFFF'FFFF, 10}};
  for (const auto& [length, size] : sizes) {
    EXPECT_EQ(encoded({.op = opcode::binary, .length = length}).size(), size);
    EXPECT_EQ(encoded({.op = opcode::binary, .masked = true, .length = length}).size(), size + 4);
  }
}

TEST(FrameHeader, EveryPrefixOfEveryHeaderIsIncomplete) {
  const std::uint64_t lengths[] = {0,
                                   1,
                                   124,
                                   125,
                                   126,
                                   127,
                                   255,
                                   256,
                                   0xFFFF,
                                   0x10000,
                                   0xFFFF'FFFF,
                                   0x1'0000'0000,
                                   1ULL << 62,
                                   (1ULL << 63) - 1};
  const mask_key key{std::byte{0xFF}, std::byte{0}, std::byte{0x80}, std::byte{0x7F}};
  for (const frame_rules rules : all_rules) {
    for (const auto op : {opcode::continuation,
                          opcode::text,
                          opcode::binary,
                          opcode::close,
                          opcode::ping,
                          opcode::pong}) {
      for (const bool fin : {true, false}) {
        for (const bool rsv1 : {false, true}) {
          const bool first_of_data = op == opcode::text || op == opcode::binary;
          if (is_control(op) && !fin) continue;
          if (rsv1 && !(rules.rsv1_allowed && first_of_data)) continue;
          for (const auto length : lengths) {
            if (is_control(op) && length > max_control_payload) continue;
            const bool masked = rules.receiver == role::server;
            const frame_header header{op, fin, rsv1, masked, key, length};
            buffer data = encoded(header);
            const std::size_t size = data.size();
            for (std::size_t cut = 0; cut < size; ++cut) {
              ASSERT_EQ(parse(const_bytes(data).first(cut), rules).result, outcome::incomplete);
            }
            for (int more = 0; more < 3; ++more) {
              const auto parsed = parse(data, rules);
              ASSERT_EQ(parsed.result, outcome::complete);
              ASSERT_EQ(parsed.size, size);
              ASSERT_TRUE(same(parsed.header, header));
              data.push_back(std::byte{0xFF});  // what follows a header is not its business
            }
          }
        }
      }
    }
  }
}

// ---- the first two bytes --------------------------------------------------------------------

/// The first bytes that are legal, as the RFC's tables list them, and what each says.
struct first_byte {
  opcode op;
  bool fin;
  bool rsv1;
};
const std::map<unsigned, first_byte>& legal_first_bytes(frame_rules rules) {
  static const std::map<unsigned, first_byte> plain = {{0x00, {opcode::continuation, false, false}},
                                                       {0x80, {opcode::continuation, true, false}},
                                                       {0x01, {opcode::text, false, false}},
                                                       {0x81, {opcode::text, true, false}},
                                                       {0x02, {opcode::binary, false, false}},
                                                       {0x82, {opcode::binary, true, false}},
                                                       {0x88, {opcode::close, true, false}},
                                                       {0x89, {opcode::ping, true, false}},
                                                       {0x8A, {opcode::pong, true, false}}};
  static const std::map<unsigned, first_byte> with_deflate = [] {
    auto bytes = plain;
    bytes[0x41] = {opcode::text, false, true}, bytes[0xC1] = {opcode::text, true, true};
    bytes[0x42] = {opcode::binary, false, true}, bytes[0xC2] = {opcode::binary, true, true};
    return bytes;
  }();
  return rules.rsv1_allowed ? with_deflate : plain;
}

/// Why a first byte that is not in the list is refused: a reserved bit before all else.
violation fault_of_first_byte(unsigned byte, frame_rules rules) {
  static const std::set<unsigned> reserved = {3, 4, 5, 6, 7, 11, 12, 13, 14, 15};
  const unsigned rsv = byte / 16 % 8;
  const unsigned op = byte % 16;
  const bool compressed = rsv == 4 && rules.rsv1_allowed && (op == 1 || op == 2);
  if (rsv != 0 && !compressed) return violation::reserved_bit_set;
  if (reserved.contains(op)) return violation::reserved_opcode;
  return violation::fragmented_control_frame;
}

TEST(FrameHeader, D4_EveryPairOfFirstBytesForBothRoles) {
  for (const frame_rules rules : all_rules) {
    const auto& legal = legal_first_bytes(rules);
    for (unsigned pair = 0; pair <= 0xFFFF; ++pair) {
      const unsigned first = pair / 256;
      const unsigned second = pair % 256;
      const auto parsed = parse_header(raw({first, second}), rules);
      const bool masked = second >= 128;
      const unsigned length = second % 128;

      std::optional<std::pair<violation, std::size_t>> fault;
      const auto found = legal.find(first);
      if (found == legal.end()) {
        fault = {fault_of_first_byte(first, rules), 0};
      } else if (rules.receiver == role::server && !masked) {
        fault = {violation::unmasked_client_frame, 1};
      } else if (rules.receiver == role::client && masked) {
        fault = {violation::masked_server_frame, 1};
      } else if (first >= 0x88 && first <= 0x8A && (length == 126 || length == 127)) {
        fault = {violation::control_frame_too_long, 1};
      }

      if (fault) {
        ASSERT_EQ(parsed.result, outcome::wrong) << std::hex << pair;
        ASSERT_EQ(parsed.wrong, fault->first) << std::hex << pair;
        ASSERT_EQ(parsed.wrong_at, fault->second) << std::hex << pair;
      } else if (masked || length > 125) {
        ASSERT_EQ(parsed.result, outcome::incomplete) << std::hex << pair;
        ASSERT_EQ(parsed.wrong, violation::none);
      } else {
        ASSERT_EQ(parsed.result, outcome::complete) << std::hex << pair;
        ASSERT_EQ(parsed.size, 2U);
        ASSERT_EQ(parsed.header.op, found->second.op);
        ASSERT_EQ(parsed.header.fin, found->second.fin);
        ASSERT_EQ(parsed.header.rsv1, found->second.rsv1);
        ASSERT_EQ(parsed.header.length, length);
      }
    }
  }
}

TEST(FrameHeader, OneByteIsJudgedAlone) {
  for (const frame_rules rules : all_rules) {
    for (unsigned byte = 0; byte < 256; ++byte) {
      const auto parsed = parse(raw({byte}), rules);
      if (legal_first_bytes(rules).contains(byte)) {
        EXPECT_EQ(parsed.result, outcome::incomplete);
      } else {
        EXPECT_EQ(parsed.result, outcome::wrong);
        EXPECT_EQ(parsed.wrong, fault_of_first_byte(byte, rules));
        EXPECT_EQ(parsed.wrong_at, 0U);
      }
    }
  }
}

TEST(FrameHeader, Rfc7692_Section6_1_Rsv1OnlyOnTheFirstDataFrame) {
  for (const unsigned byte : {0x40U, 0xC0U, 0xC8U, 0xC9U, 0xCAU}) {
    expect_wrong(raw({byte, 0x00}), client_with_deflate, violation::reserved_bit_set, 0, 1);
  }
  for (const unsigned byte : {0x41U, 0xC1U, 0x42U, 0xC2U}) {
    EXPECT_EQ(parse(raw({byte, 0x00}), client_with_deflate).result, outcome::complete);
    expect_wrong(raw({byte, 0x00}), client, violation::reserved_bit_set, 0, 1);
  }
}

TEST(FrameHeader, TheOrderOfFaultsInOneByte) {
  expect_wrong(raw({0x7F}), server, violation::reserved_bit_set, 0, 1);
  expect_wrong(raw({0x0F}), server, violation::reserved_opcode, 0, 1);
  expect_wrong(raw({0x08}), server, violation::fragmented_control_frame, 0, 1);
  expect_wrong(raw({0x88, 0x7F}), server, violation::unmasked_client_frame, 1, 2);
  expect_wrong(raw({0x88, 0xFF}), client, violation::masked_server_frame, 1, 2);
}

// ---- extended lengths -----------------------------------------------------------------------

TEST(FrameHeader, D16_EveryLengthInTwoBytes) {
  for (unsigned length = 0; length <= 0xFFFF; ++length) {
    const auto parsed = parse_header(raw({0x82, 126, length / 256, length % 256}), client);
    if (length < 126) {
      ASSERT_EQ(parsed.result, outcome::wrong) << length;
      ASSERT_EQ(parsed.wrong, violation::length_not_minimal);
      ASSERT_EQ(parsed.wrong_at, 2U);
    } else {
      ASSERT_EQ(parsed.result, outcome::complete) << length;
      ASSERT_EQ(parsed.header.length, length);
    }
  }
}

TEST(FrameHeader, D16_ALengthThatIsNotMinimalIsKnownAsSoonAsItCanBe) {
  expect_wrong(raw({0x82, 126, 0, 0}), client, violation::length_not_minimal, 2, 4);
  expect_wrong(raw({0x82, 126, 0, 125, 9, 9}), client, violation::length_not_minimal, 2, 4);
  expect_wrong(raw({0x82, 0xFE, 0, 125, 1, 2, 3, 4}), server, violation::length_not_minimal, 2, 4);
  expect_wrong(
      raw({0x82, 127, 0, 0, 0, 0, 0, 0, 0, 0}), client, violation::length_not_minimal, 2, 8);
  expect_wrong(raw({0x82, 0xFF, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF, 1, 2, 3, 4}),
               server,
               violation::length_not_minimal,
               2,
               8);
}

TEST(FrameHeader, Section5_2_TheTopBitOfALengthIsZero) {
  expect_wrong(
      raw({0x82, 127, 0x80, 0, 0, 0, 0, 0, 0, 0}), client, violation::length_too_large, 2, 3);
  expect_wrong(raw({0x82, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 1, 2, 3, 4}),
               server,
               violation::length_too_large,
               2,
               3);
  const auto most = parse(raw({0x82, 127, 0x7F, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF}), client);
  EXPECT_EQ(most.result, outcome::complete);
  EXPECT_EQ(most.header.length, (1ULL << 63) - 1);
}

// ---- properties -----------------------------------------------------------------------------

RC_GTEST_PROP(FrameHeader, WhatWasEncodedIsParsed, (bool to_server, bool fin, bool rsv1)) {
  const auto op = *rc::gen::element(opcode::continuation,
                                    opcode::text,
                                    opcode::binary,
                                    opcode::close,
                                    opcode::ping,
                                    opcode::pong);
  const auto bits = *rc::gen::inRange(0, 64);
  const auto number = *rc::gen::arbitrary<std::uint64_t>() & ((1ULL << bits) - 1);
  const auto key =
      *rc::gen::container<std::vector<std::uint8_t>>(4, rc::gen::arbitrary<std::uint8_t>());
  frame_header header{.op = op, .fin = fin || is_control(op), .masked = to_server};
  header.rsv1 = rsv1 && (op == opcode::text || op == opcode::binary);
  header.length = is_control(op) ? number % 126 : number;
  for (std::size_t i = 0; i < 4; ++i) header.key[i] = std::byte{key[i]};

  const auto data = encoded(header);
  const auto parsed = parse(data, to_server ? server_with_deflate : client_with_deflate);
  RC_ASSERT(parsed.result == outcome::complete);
  RC_ASSERT(parsed.size == data.size());
  RC_ASSERT(same(parsed.header, header));
}

RC_GTEST_PROP(FrameHeader, AVerdictNeverChangesWhenMoreArrives, (std::vector<std::uint8_t> tail)) {
  // Mostly legal beginnings, or nearly all inputs would fail at once.
  const auto first = *rc::gen::element(0x00, 0x01, 0x81, 0x82, 0xC1, 0x88, 0x89, 0x8A, 0x83, 0x08);
  const auto second = *rc::gen::element(0x00, 0x7D, 0x7E, 0x7F, 0x80, 0xFD, 0xFE, 0xFF);
  buffer data = raw({static_cast<unsigned>(first), static_cast<unsigned>(second)});
  for (const auto byte : tail) data.push_back(std::byte{byte});
  for (const frame_rules rules : all_rules) {
    const auto whole = parse(data, rules);
    for (std::size_t size = 0; size <= data.size(); ++size) {
      const auto part = parse(const_bytes(data).first(size), rules);
      if (part.result == outcome::incomplete) continue;
      RC_ASSERT(part.result == whole.result);
      RC_ASSERT(part.size == whole.size);
      RC_ASSERT(part.wrong == whole.wrong);
      RC_ASSERT(part.wrong_at == whole.wrong_at);
      if (part.result == outcome::complete) RC_ASSERT(same(part.header, whole.header));
    }
  }
}

// ---- words ----------------------------------------------------------------------------------

TEST(Violations, EachHasAPhraseASectionAndACode) {
  std::set<std::string_view> phrases;
  for (int i = 1; i <= static_cast<int>(violation::invalid_utf8_close_reason); ++i) {
    const auto rule = static_cast<violation>(i);
    EXPECT_TRUE(phrases.insert(to_string(rule)).second) << to_string(rule);
    EXPECT_TRUE(section(rule).starts_with("RFC ") && section(rule).find("§") != std::string::npos)
        << to_string(rule);
    const bool content = rule == violation::invalid_utf8_text ||
                         rule == violation::invalid_compressed_data ||
                         rule == violation::invalid_utf8_close_reason;
    EXPECT_EQ(close_code_for(rule),
              content ? close_status::invalid_payload_data : close_status::protocol_error);
  }
  EXPECT_EQ(to_string(violation::reserved_bit_set), "a reserved bit is set");
  EXPECT_EQ(section(violation::reserved_bit_set), "RFC 6455 §5.2");
}

TEST(Names, AreThoseOfTheCode) {
  EXPECT_EQ(to_string(role::client), "client");
  EXPECT_EQ(to_string(role::server), "server");
  EXPECT_EQ(to_string(message_type::text), "text");
  EXPECT_EQ(to_string(message_type::binary), "binary");
  EXPECT_EQ(to_string(message_type::close), "close");
  const std::string_view states[] = {
      "none", "connecting", "open", "close_sent", "close_received", "closed", "aborted"};
  for (std::size_t i = 0; i < std::size(states); ++i) {
    EXPECT_EQ(to_string(static_cast<state>(i)), states[i]);
  }
}

}  // namespace
}  // namespace adieu::core
