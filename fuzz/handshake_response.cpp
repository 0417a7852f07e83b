// A server's answer (RFC 6455 §4.1): a client takes nothing from it that was not offered, and every
// way of writing the same answer is read alike.
#include "fuzz/header_text.hpp"

namespace adieu::fuzz {
namespace {

core::client_expectation expectation(input& in) {
  core::client_expectation out;
  out.accept = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";
  const std::size_t choice = in.choose(256);
  if ((choice & 1) != 0) out.subprotocols.emplace_back("chat");
  if ((choice & 2) != 0) out.subprotocols.emplace_back("superchat");
  if ((choice & 4) == 0) return out;
  deflate_options& deflate = out.deflate.emplace();
  deflate.client_context_takeover = (choice & 8) == 0;
  deflate.server_context_takeover = (choice & 16) == 0;
  if ((choice & 32) != 0) deflate.client_max_window_bits = 9 + static_cast<int>(choice >> 6);
  if ((choice & 64) != 0) deflate.server_max_window_bits = 9 + static_cast<int>(choice >> 5);
  return out;
}

// Two subprotocols in two fields are a header_error; grouped, they are one that nobody offered.
std::string gist(const core::response_verdict& verdict) {
  using core::response_problem;
  const bool unoffered = verdict.problem == response_problem::unsupported_protocol;
  const response_problem problem = unoffered ? response_problem::header_error : verdict.problem;
  std::string out = std::to_string(static_cast<int>(problem)) + verdict.subprotocol;
  if (verdict.deflate) {
    for (const core::deflate_settings& each :
         {verdict.deflate->sending, verdict.deflate->receiving})
      out += ' ' + std::to_string(each.window_bits) +
             (each.takeover == core::context_takeover::yes ? "+" : "-");
  }
  return out;
}

}  // namespace

void run(input in) {
  static constexpr unsigned statuses[] = {101, 101, 101, 200, 404, 0};
  static constexpr unsigned versions[] = {11, 11, 11, 10, 20};
  const core::client_expectation expected = expectation(in);
  core::response_fields response;
  response.status = in.one_of(statuses);
  response.http_version = in.one_of(versions);
  const fields answered = read_fields(in);
  const auto headers = view(answered);
  response.headers = headers;

  const core::response_verdict verdict = core::check_response(response, expected);
  const bool fine = verdict.problem == core::response_problem::none;
  EXPECT_EQ(fine, verdict.detail.empty());
  EXPECT_TRUE(harmless(verdict.detail));
  EXPECT_LT(verdict.detail.size(), 1000U);
  if (fine) {
    EXPECT_EQ(response.status, 101U);
    EXPECT_EQ(core::values_of(headers, "sec-websocket-accept").at(0), expected.accept);
    EXPECT_TRUE(verdict.subprotocol.empty() ||
                std::ranges::count(expected.subprotocols, verdict.subprotocol) == 1);
    EXPECT_TRUE(core::is_field_value(verdict.extensions));
    EXPECT_EQ(verdict.deflate.has_value(), verdict.extensions.find("per") != std::string::npos);
    if (verdict.deflate) {
      EXPECT_TRUE(expected.deflate.has_value());
      EXPECT_LE(verdict.deflate->sending.window_bits, expected.deflate->client_max_window_bits);
      EXPECT_LE(verdict.deflate->receiving.window_bits, expected.deflate->server_max_window_bits);
    }
  } else {
    EXPECT_TRUE(verdict.subprotocol.empty() && verdict.extensions.empty() && !verdict.deflate);
  }

  const fields again = in_other_words(answered);
  const auto other_headers = view(again);
  response.headers = other_headers;
  EXPECT_EQ(gist(core::check_response(response, expected)), gist(verdict));
}

}  // namespace adieu::fuzz
