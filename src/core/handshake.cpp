// The opening handshake (RFC 6455 §4): both sides' checks. Every refusal is one sentence: which
// header, what was expected, what came.
#include "adieu/core/handshake.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <unordered_set>

#include "core/header_fields.hpp"

namespace adieu::core {
namespace {

constexpr std::string_view guid = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";  // §1.3
constexpr std::string_view base64_alphabet =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

std::string base64(const_bytes data) {
  std::string text;
  text.reserve((data.size() + 2) / 3 * 4);
  for (std::size_t i = 0; i < data.size(); i += 3) {
    const std::size_t here = std::min<std::size_t>(3, data.size() - i);
    std::uint32_t group = 0;
    for (std::size_t j = 0; j < 3; ++j) {
      group = (group << 8) | (j < here ? std::to_integer<std::uint32_t>(data[i + j]) : 0U);
    }
    for (std::size_t j = 0; j < 4; ++j) {
      text.push_back(j <= here ? base64_alphabet[(group >> (18 - 6 * j)) & 0x3F] : '=');
    }
  }
  return text;
}

/// §4.2.1: base64 that decodes to 16 bytes. The spare bits may be set: the RFC's own example in
/// §4.1 has them.
bool is_key(std::string_view text) noexcept {
  if (text.size() != 24 || !text.ends_with("==")) return false;
  for (const char c : text.substr(0, 22)) {
    if (base64_alphabet.find(c) == std::string_view::npos) return false;
  }
  return true;
}

/// What a handshake must not have: it has no body, and whoever thinks that it has one would read
/// our frames as something else (RFC 9112 §11.2, request smuggling).
std::string announces_body(headers_view headers) {
  if (const auto values = values_of(headers, "Transfer-Encoding"); !values.empty()) {
    return fmt::format("the handshake must have no Transfer-Encoding header, but has {}",
                       shown_all(values));
  }
  const auto lengths = values_of(headers, "Content-Length");
  if (std::ranges::all_of(lengths, [](std::string_view length) { return length == "0"; })) {
    return {};
  }
  return fmt::format("the handshake must have no body, but its Content-Length is {}",
                     shown_all(lengths));
}

/// RFC 9112 §3.2: a target is a path with its query, or both behind `http://` and an authority.
/// Returns the path and the query. An authority that is not Host's would win over it for others
/// (§3.2.2), and the check of Origin would look at the wrong one: nothing, as for all other forms.
std::optional<std::string> path_of(std::string_view target, std::string_view host) {
  const auto is_visible = [](char c) { return c > ' ' && c <= '~' && c != '#'; };
  if (!std::ranges::all_of(target, is_visible)) return std::nullopt;
  for (const std::string_view scheme : {"http://", "https://", "ws://", "wss://"}) {
    if (!same_ignoring_case(target.substr(0, scheme.size()), scheme)) continue;
    target.remove_prefix(scheme.size());
    const std::size_t end = std::min(target.find_first_of("/?"), target.size());
    if (!same_ignoring_case(target.substr(0, end), host)) return std::nullopt;
    target.remove_prefix(end);
    return target.starts_with('/') ? std::string(target) : "/" + std::string(target);
  }
  if (!target.starts_with('/')) return std::nullopt;
  return std::string(target);
}

/// The subprotocols that a client offers (§4.1 item 10, §4.3: at least one, no two the same).
std::string read_subprotocols(headers_view headers, std::vector<std::string>& offered) {
  const auto values = values_of(headers, "Sec-WebSocket-Protocol");
  std::unordered_set<std::string_view> seen;
  for (const std::string_view element : elements_of(values)) {
    if (!is_token(element)) {
      return fmt::format("the Sec-WebSocket-Protocol header must list tokens, but has {}",
                         shown(element));
    }
    if (!seen.insert(element).second) {
      return fmt::format("the Sec-WebSocket-Protocol header offers {} twice", shown(element));
    }
    offered.emplace_back(element);
  }
  if (!values.empty() && offered.empty()) {
    return "the Sec-WebSocket-Protocol header must list a subprotocol, but is empty";
  }
  return {};
}

// ---- a client's view of the answer ----------------------------------------------------------

/// §4.1 item 2 of the answer: the one value `websocket`, not a list that has it.
std::string wrong_upgrade(headers_view headers) {
  std::string problem;
  const auto value = only_value(headers, "Upgrade", problem);
  if (value && !same_ignoring_case(*value, "websocket")) {
    problem = fmt::format("the Upgrade header must be websocket, but was {}", shown(*value));
  }
  return problem;
}

/// §4.1 item 4 of the answer.
std::string wrong_accept(headers_view headers, std::string_view expected) {
  std::string problem;
  const auto value = only_value(headers, "Sec-WebSocket-Accept", problem);
  if (value && *value != expected) {
    problem = fmt::format(
        "the Sec-WebSocket-Accept header must be {}, but was {}", shown(expected), shown(*value));
  }
  return problem;
}

std::string list_of(const std::vector<std::string>& names) {
  if (names.empty()) return "none was";
  return fmt::format("only {} {}",
                     shown(fmt::format("{}", fmt::join(names, ", "))),
                     names.size() == 1 ? "was" : "were");
}

}  // namespace

std::string make_key(std::span<const std::byte, 16> random) { return base64(random); }

std::string accept_for(std::string_view key, sha1_function sha1) {
  return base64(sha1(fmt::format("{}{}", key, guid)));  // §4.2.2 item 5.4
}

request_verdict check_request(const request_fields& request) {
  request_verdict verdict;
  const auto refuse = [](unsigned status, std::string problem) {
    request_verdict refusal;
    refusal.status = status;
    refusal.problem = std::move(problem);
    return refusal;
  };
  const headers_view headers = request.headers;
  std::string problem;

  if (request.method != "GET") {  // §4.2.1 item 1
    return refuse(405, fmt::format("the method must be GET, but was {}", shown(request.method)));
  }
  if (request.http_version < 11) {  // §4.2.1 item 1
    return refuse(505,
                  fmt::format("the request must be HTTP/1.1 or later, but was HTTP/{}.{}",
                              request.http_version / 10,
                              request.http_version % 10));
  }
  const auto host = only_value(headers, "Host", problem);  // item 2
  if (!host) return refuse(400, problem);
  if (!read_authority(*host)) {  // RFC 9112 §3.2
    return refuse(
        400, fmt::format("the Host header must be host or host:port, but was {}", shown(*host)));
  }
  const auto path = path_of(request.target, *host);
  if (!path) {
    return refuse(400,
                  fmt::format("the request's target must be a path, or a URL whose host is that of "
                              "the Host header, but was {}",
                              shown(request.target)));
  }
  verdict.target = *path;
  if (problem = announces_body(headers); !problem.empty()) return refuse(400, problem);
  if (problem = lacks(headers, "Upgrade", "websocket"); !problem.empty()) {  // item 3
    return refuse(400, problem);
  }
  if (problem = lacks(headers, "Connection", "upgrade"); !problem.empty()) {  // item 4
    return refuse(400, problem);
  }
  const auto version = only_value(headers, "Sec-WebSocket-Version", problem);  // item 6
  if (!version) return refuse(400, problem);
  if (*version != "13") {  // §4.2.2 item 4, §4.4
    return refuse(
        426,
        fmt::format("the Sec-WebSocket-Version header must be 13, but was {}", shown(*version)));
  }
  const auto key = only_value(headers, "Sec-WebSocket-Key", problem);  // item 5
  if (!key) return refuse(400, problem);
  if (!is_key(*key)) {
    return refuse(400,
                  fmt::format("the Sec-WebSocket-Key header must be 16 bytes in base64, "
                              "but was {}",
                              shown(*key)));
  }
  if (problem = read_subprotocols(headers, verdict.subprotocols); !problem.empty()) {  // item 8
    return refuse(400, problem);
  }
  if (problem = read_extensions(headers, verdict.extensions); !problem.empty()) {  // item 9
    return refuse(400, problem);
  }
  verdict.key = *key;
  return verdict;
}

response_verdict check_response(const response_fields& response,
                                const client_expectation& expected) {
  const auto refuse = [](response_problem problem, std::string detail) {
    response_verdict refusal;
    refusal.problem = problem;
    refusal.detail = std::move(detail);
    return refusal;
  };
  const headers_view headers = response.headers;

  if (response.status != 101) {  // §4.1 item 1 of the answer
    return refuse(response_problem::not_a_websocket,
                  fmt::format("the server answered HTTP {} instead of 101", response.status));
  }
  if (response.http_version < 11) {  // §4.2.2 item 5.1; RFC 9110 §15.2: 1.0 has no 1xx
    return refuse(response_problem::not_a_websocket,
                  fmt::format("the server answered in HTTP/{}.{}, which cannot switch protocols",
                              response.http_version / 10,
                              response.http_version % 10));
  }
  for (std::string problem : {announces_body(headers),
                              wrong_upgrade(headers),
                              lacks(headers, "Connection", "upgrade"),
                              wrong_accept(headers, expected.accept)}) {
    if (!problem.empty()) return refuse(response_problem::header_error, std::move(problem));
  }

  response_verdict out;
  std::vector<extension_offer> extensions;
  const auto named = values_of(headers, "Sec-WebSocket-Extensions");
  std::string problem;
  if (!elements_of(named).empty()) problem = read_extensions(headers, extensions);
  deflate_verdict deflate;
  if (problem.empty()) deflate = check_deflate(extensions, expected.deflate);
  if (problem.empty()) problem = deflate.problem;
  if (!problem.empty()) return refuse(response_problem::header_error, std::move(problem));
  out.extensions = fmt::format("{}", fmt::join(named, ", "));
  out.deflate = deflate.agreement;

  if (values_of(headers, "Sec-WebSocket-Protocol").empty()) return out;
  const auto chosen = only_value(headers, "Sec-WebSocket-Protocol", problem);
  if (!chosen) return refuse(response_problem::header_error, problem);  // §11.3.4: at most once
  if (std::ranges::find(expected.subprotocols, *chosen) == expected.subprotocols.end()) {
    // §4.1 item 6 of the answer
    return refuse(response_problem::unsupported_protocol,
                  fmt::format("the server chose the subprotocol {}, but {} offered",
                              shown(*chosen),
                              list_of(expected.subprotocols)));
  }
  out.subprotocol = *chosen;
  return out;
}

}  // namespace adieu::core