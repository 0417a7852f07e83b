// A client's request (RFC 6455 §4.2.1): accepted or refused, never half of each; and every way of
// writing the same request gets the same answer.
#include "fuzz/header_text.hpp"

namespace adieu::fuzz {
namespace {

std::string gist(const core::request_verdict& verdict) {
  std::string out = std::to_string(verdict.status) + ' ' + verdict.key + ' ' + verdict.target;
  for (const std::string& name : verdict.subprotocols) out += ' ' + name;
  return out + "; " + written(verdict.extensions);
}

}  // namespace

void run(input in) {
  static constexpr unsigned versions[] = {11, 11, 11, 10, 9, 20};
  core::request_fields request;
  request.http_version = in.one_of(versions);
  request.method = in.until(' ');
  request.target = in.until('\n');
  const fields asked = read_fields(in);
  const auto headers = view(asked);
  request.headers = headers;

  const core::request_verdict verdict = core::check_request(request);
  EXPECT_EQ(verdict.problem.empty(), verdict.status == 101);
  EXPECT_TRUE(harmless(verdict.problem));
  EXPECT_LT(verdict.problem.size(), 1000U);
  if (verdict.problem.empty()) {
    EXPECT_EQ(request.method, "GET");
    EXPECT_TRUE(verdict.target.starts_with('/') && harmless(verdict.target));
    EXPECT_EQ(verdict.key.size(), 24U);
    EXPECT_EQ(core::values_of(headers, "host").size(), 1U);
    for (const std::string& name : verdict.subprotocols) {
      EXPECT_TRUE(core::is_token(name));
      EXPECT_EQ(std::ranges::count(verdict.subprotocols, name), 1);
    }
    expect_readable_again(verdict.extensions);
  } else {
    EXPECT_EQ(gist(verdict), std::to_string(verdict.status) + "  ; ");
  }

  const fields again = in_other_words(asked);
  const auto other_headers = view(again);
  request.headers = other_headers;
  EXPECT_EQ(gist(core::check_request(request)), gist(verdict));
}

}  // namespace adieu::fuzz
