// Words and fields of HTTP headers (RFC 9110 §5), as the handshake needs them.
#include "core/header_fields.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace adieu::core {
namespace {

char lower(char c) noexcept { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; }

std::string_view trim(std::string_view text) noexcept {
  while (!text.empty() && is_blank(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_blank(text.back())) text.remove_suffix(1);
  return text;
}

bool is_port(std::string_view digits) noexcept {
  unsigned port = 0;
  for (const char c : digits) {
    port = port * 10 + static_cast<unsigned>(c - '0');
    if (port > 65535) return false;
  }
  return true;
}

}  // namespace

bool is_blank(char c) noexcept { return c == ' ' || c == '\t'; }

bool same_ignoring_case(std::string_view a, std::string_view b) noexcept {
  return std::ranges::equal(a, b, {}, lower, lower);
}

bool is_token_char(char c) noexcept {
  if ((c >= '0' && c <= '9') || (lower(c) >= 'a' && lower(c) <= 'z')) return true;
  return c != '\0' && std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos;
}

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

std::vector<std::string_view> values_of(headers_view headers, std::string_view name) {
  std::vector<std::string_view> values;
  for (const header_field& field : headers) {
    if (same_ignoring_case(field.name, name)) values.push_back(trim(field.value));
  }
  return values;
}

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

std::string lacks(headers_view headers, std::string_view name, std::string_view word) {
  const auto values = values_of(headers, name);
  if (values.empty()) return fmt::format("the {} header is missing: expected {}", name, word);
  const auto is_word = [word](std::string_view element) {
    return same_ignoring_case(element, word);
  };
  if (std::ranges::any_of(elements_of(values), is_word)) return {};
  return fmt::format("the {} header must have {} in it, but was {}", name, word, shown_all(values));
}

std::optional<authority> read_authority(std::string_view text) noexcept {
  const auto is_digit = [](char c) { return c >= '0' && c <= '9'; };
  const auto of_name = [&](char c) {  // RFC 3986 §3.2.2
    return is_digit(c) || (lower(c) >= 'a' && lower(c) <= 'z') ||
           (c != '\0' && std::string_view("-._~!$&'()*+,;=%").find(c) != std::string_view::npos);
  };
  const auto of_address = [&](char c) {
    return is_digit(c) || (lower(c) >= 'a' && lower(c) <= 'f') || c == ':' || c == '.';
  };
  std::size_t end = std::min(text.find(':'), text.size());
  if (text.starts_with('[')) {
    end = text.find(']');
    if (end == std::string_view::npos) return std::nullopt;
    const std::string_view address = text.substr(1, end - 1);
    constexpr std::size_t shortest = 2, longest = 45;  // "::", and with an IPv4 address at its end
    if (address.size() < shortest || address.size() > longest) return std::nullopt;
    if (!std::ranges::all_of(address, of_address)) return std::nullopt;
    ++end;
  } else if (!std::ranges::all_of(text.substr(0, end), of_name)) {
    return std::nullopt;
  }
  const std::string_view rest = text.substr(end);
  if (rest.empty()) return authority{text, rest};
  const std::string_view port = rest.substr(1);
  if (rest[0] != ':' || !std::ranges::all_of(port, is_digit) || !is_port(port)) return std::nullopt;
  return authority{text.substr(0, end), port};
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

}  // namespace adieu::core
