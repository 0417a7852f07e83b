// The opening handshake (RFC 6455 §4): both sides' checks, over the small grammars of §4.3 and
// §9.1. Every refusal is one sentence: which header, what was expected, what came.
#include "adieu/core/handshake.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <unordered_set>

namespace adieu::core {
namespace {

using headers_view = std::span<const header_field>;

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

// ---- words ----------------------------------------------------------------------------------

char lower(char c) noexcept { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; }

bool same_ignoring_case(std::string_view a, std::string_view b) noexcept {
  return std::ranges::equal(a, b, {}, lower, lower);
}

bool is_blank(char c) noexcept { return c == ' ' || c == '\t'; }

std::string_view trim(std::string_view text) noexcept {
  while (!text.empty() && is_blank(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_blank(text.back())) text.remove_suffix(1);
  return text;
}

bool is_token_char(char c) noexcept {
  if ((c >= '0' && c <= '9') || (lower(c) >= 'a' && lower(c) <= 'z')) return true;
  return c != '\0' && std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos;
}

/// A value as a sentence may show it: in quotes, short, every byte visible.
std::string shown(std::string_view value) {
  constexpr std::size_t most = 60;
  std::string text = "\"";
  for (const char c : value.substr(0, most)) {
    if (c == '"' || c == '\\') {
      text += {'\\', c};
    } else if (c >= ' ' && c <= '~') {
      text += c;
    } else {
      text += fmt::format("\\x{:02X}", static_cast<unsigned char>(c));
    }
  }
  text += value.size() > most ? "…\"" : "\"";
  return text;
}

// ---- fields ---------------------------------------------------------------------------------

/// The values of all fields of that name, trimmed, in order (RFC 9110 §5.1: any case).
std::vector<std::string_view> values_of(headers_view headers, std::string_view name) {
  std::vector<std::string_view> values;
  for (const header_field& field : headers) {
    if (same_ignoring_case(field.name, name)) values.push_back(trim(field.value));
  }
  return values;
}

/// Several fields are one list (RFC 9110 §5.3); empty elements do not count (§5.6.1.2).
std::vector<std::string_view> elements_of(const std::vector<std::string_view>& values) {
  std::vector<std::string_view> elements;
  for (std::string_view rest : values) {
    while (!rest.empty()) {
      const std::size_t comma = std::min(rest.find(','), rest.size());
      if (const auto element = trim(rest.substr(0, comma)); !element.empty()) {
        elements.push_back(element);
      }
      rest.remove_prefix(std::min(comma + 1, rest.size()));
    }
  }
  return elements;
}

std::string shown_all(const std::vector<std::string_view>& values) {
  return shown(fmt::format("{}", fmt::join(values, ", ")));
}

/// Finds the single value of a header, or says why there is none.
std::optional<std::string_view> only_value(headers_view headers,
                                           std::string_view name,
                                           std::string& problem) {
  const auto values = values_of(headers, name);
  if (values.size() == 1) return values.front();
  problem = values.empty() ? fmt::format("the {} header is missing", name)
                           : fmt::format("the {} header must come once, but came {} times: {}",
                                         name,
                                         values.size(),
                                         shown_all(values));
  return std::nullopt;
}

/// What is wrong with a header whose list must have `word` in it, or nothing.
std::string lacks(headers_view headers, std::string_view name, std::string_view word) {
  const auto values = values_of(headers, name);
  if (values.empty()) return fmt::format("the {} header is missing: expected {}", name, word);
  const auto is_word = [word](std::string_view element) {
    return same_ignoring_case(element, word);
  };
  if (std::ranges::any_of(elements_of(values), is_word)) return {};
  return fmt::format("the {} header must have {} in it, but was {}", name, word, shown_all(values));
}

// ---- Sec-WebSocket-Extensions ---------------------------------------------------------------

/// Reads one field by the grammar of §9.1, token by token.
class extension_reader {
 public:
  explicit extension_reader(std::string_view field) : rest_(field) {}

  /// Appends what the field lists. False: the grammar is broken at rest().
  bool read_list(std::vector<extension_offer>& offers) {
    for (skip_blanks(); !rest_.empty(); skip_blanks()) {
      if (take(',')) continue;  // RFC 9110 §5.6.1.2: an empty element
      extension_offer offer;
      if (!read_offer(offer)) return false;
      offers.push_back(std::move(offer));
      if (!rest_.empty() && !take(',')) return false;
    }
    return true;
  }

  [[nodiscard]] std::string_view rest() const noexcept { return rest_; }

 private:
  bool read_offer(extension_offer& offer) {
    if (!read_token(offer.name)) return false;
    while (take(';')) {
      extension_offer::parameter parameter;
      if (!read_token(parameter.name)) return false;
      if (take('=') && !read_quoted(parameter.value) && !read_token(parameter.value)) return false;
      offer.parameters.push_back(std::move(parameter));
    }
    return true;
  }

  bool read_token(std::string& token) {
    skip_blanks();
    const auto end = std::ranges::find_if_not(rest_, is_token_char);
    token.assign(rest_.begin(), end);
    rest_.remove_prefix(token.size());
    return !token.empty();
  }

  /// §9.1: "the value after quoted-string unescaping MUST conform to the 'token' ABNF".
  bool read_quoted(std::string& value) {
    skip_blanks();
    if (!rest_.starts_with('"')) return false;
    for (std::size_t i = 1; i < rest_.size(); ++i) {
      if (rest_[i] == '"') {
        if (!is_token(value)) break;
        rest_.remove_prefix(i + 1);
        return true;
      }
      if (rest_[i] == '\\' && ++i == rest_.size()) break;
      value.push_back(rest_[i]);
    }
    return false;  // rest_ still begins with the quote, which no token does
  }

  bool take(char wanted) {
    skip_blanks();
    if (!rest_.starts_with(wanted)) return false;
    rest_.remove_prefix(1);
    return true;
  }

  void skip_blanks() noexcept {
    while (!rest_.empty() && is_blank(rest_.front())) rest_.remove_prefix(1);
  }

  std::string_view rest_;
};

/// All extensions that the headers list. Returns what is wrong with them, or nothing.
std::string read_extensions(headers_view headers, std::vector<extension_offer>& offers) {
  const auto values = values_of(headers, "Sec-WebSocket-Extensions");
  for (const std::string_view value : values) {
    extension_reader reader(value);
    if (!reader.read_list(offers)) {
      return fmt::format("the Sec-WebSocket-Extensions header breaks its grammar at {}: {}",
                         reader.rest().empty() ? "its end" : shown(reader.rest()),
                         shown(value));
    }
  }
  if (!values.empty() && offers.empty()) {
    return "the Sec-WebSocket-Extensions header must list an extension, but is empty";
  }
  return {};
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

/// §4.1 item 5 of the answer. Nothing is offered, so nothing may come; with permessage-deflate
/// (RFC 7692 §5), the comparison with the offer belongs here.
std::string wrong_extensions(headers_view headers) {
  const auto values = values_of(headers, "Sec-WebSocket-Extensions");
  const auto elements = elements_of(values);
  if (elements.empty()) return {};
  return fmt::format("the Sec-WebSocket-Extensions header has {}, but no extension was offered",
                     shown(elements.front()));
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

bool is_token(std::string_view text) noexcept {
  return !text.empty() && std::ranges::all_of(text, is_token_char);
}

bool is_field_value(std::string_view text) noexcept {
  return std::ranges::none_of(text, [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return (byte < 0x20 && byte != '\t') || byte == 0x7F;
  });
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
  if (!only_value(headers, "Host", problem)) return refuse(400, problem);    // item 2
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
    return response_verdict{problem, std::move(detail), {}};
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
  for (std::string problem : {wrong_upgrade(headers),
                              lacks(headers, "Connection", "upgrade"),
                              wrong_accept(headers, expected.accept),
                              wrong_extensions(headers)}) {
    if (!problem.empty()) return refuse(response_problem::header_error, std::move(problem));
  }

  if (values_of(headers, "Sec-WebSocket-Protocol").empty()) return {};
  std::string problem;
  const auto chosen = only_value(headers, "Sec-WebSocket-Protocol", problem);
  if (!chosen) return refuse(response_problem::header_error, problem);  // §11.3.4: at most once
  if (std::ranges::find(expected.subprotocols, *chosen) == expected.subprotocols.end()) {
    // §4.1 item 6 of the answer
    return refuse(response_problem::unsupported_protocol,
                  fmt::format("the server chose the subprotocol {}, but {} offered",
                              shown(*chosen),
                              list_of(expected.subprotocols)));
  }
  return {response_problem::none, {}, std::string(*chosen)};
}

}  // namespace adieu::core
