// The opening handshake's header fields for tests: the RFC's own example (RFC 6455 §1.2, §1.3), and
// one change at a time.
#pragma once

#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include <cctype>
#include <string>
#include <utility>
#include <vector>

#include "adieu/core/handshake.hpp"

namespace adieu::core {

using namespace std::string_literals;
using fields = std::vector<std::pair<std::string, std::string>>;

inline std::string hashed;  // what the last call of rfc_sha1 was given

/// Not SHA-1, but its answer for the example of RFC 6455 §1.3.
inline std::array<std::byte, 20> rfc_sha1(std::string_view text) {
  hashed = text;
  constexpr unsigned char digest[] = {0xb3, 0x7a, 0x4f, 0x2c, 0xc0, 0x62, 0x4f, 0x16, 0x90, 0xf6,
                                      0x46, 0x06, 0xcf, 0x38, 0x59, 0x45, 0xb2, 0xbe, 0xc4, 0xea};
  std::array<std::byte, 20> out{};
  for (std::size_t i = 0; i < out.size(); ++i) out[i] = std::byte{digest[i]};
  return out;
}

inline const fields good_request = {{"Host", "server.example.com"},
                                    {"Upgrade", "websocket"},
                                    {"Connection", "Upgrade"},
                                    {"Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="},
                                    {"Sec-WebSocket-Version", "13"}};

inline const fields good_response = {{"Upgrade", "websocket"},
                                     {"Connection", "Upgrade"},
                                     {"Sec-WebSocket-Accept", "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="}};

inline fields without(fields list, std::string_view name) {
  std::erase_if(list, [name](const auto& field) { return field.first == name; });
  return list;
}

inline fields with(fields list, std::string name, std::string value) {
  list.emplace_back(std::move(name), std::move(value));
  return list;
}

inline fields changed(const fields& list, const std::string& name, std::string value) {
  return with(without(list, name), name, std::move(value));
}

inline std::vector<header_field> view(const fields& list) {
  std::vector<header_field> headers;
  for (const auto& [name, value] : list) headers.push_back({name, value});
  return headers;
}

inline request_verdict check(const fields& list,
                             std::string_view method = "GET",
                             unsigned version = 11) {
  const auto headers = view(list);
  return check_request({method, "/chat", version, headers});
}

inline request_verdict check_target(std::string_view target, const std::string& host) {
  const auto request = changed(good_request, "Host", host);
  const auto headers = view(request);
  return check_request({"GET", target, 11, headers});
}

inline void expect_refused(const request_verdict& verdict,
                           unsigned status,
                           std::string_view problem) {
  EXPECT_EQ(verdict.status, status);
  EXPECT_EQ(verdict.problem, problem);
  EXPECT_EQ(verdict.key, "");
  EXPECT_TRUE(verdict.subprotocols.empty());
  EXPECT_TRUE(verdict.extensions.empty());
}

inline void expect_accepted(const request_verdict& verdict) {
  EXPECT_EQ(verdict.problem, "");
  EXPECT_EQ(verdict.status, 101U);
  EXPECT_EQ(verdict.key, "dGhlIHNhbXBsZSBub25jZQ==");
}

}  // namespace adieu::core
