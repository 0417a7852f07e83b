// Header fields as the handshake's rules see them (RFC 9110 §5): values by name, lists over several
// fields, and values made fit for a sentence. Private to core.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "adieu/core/handshake.hpp"

namespace adieu::core {

using headers_view = std::span<const header_field>;

[[nodiscard]] bool same_ignoring_case(std::string_view a, std::string_view b) noexcept;
[[nodiscard]] bool is_blank(char c) noexcept;
[[nodiscard]] bool is_token_char(char c) noexcept;

/// A value as a sentence may show it: in quotes, short, every byte visible.
[[nodiscard]] std::string shown(std::string_view value);
[[nodiscard]] std::string shown_all(const std::vector<std::string_view>& values);

/// The values of all fields of that name, trimmed, in order (RFC 9110 §5.1: any case).
[[nodiscard]] std::vector<std::string_view> values_of(headers_view headers, std::string_view name);

/// Several fields are one list (RFC 9110 §5.3); empty elements do not count (§5.6.1.2).
[[nodiscard]] std::vector<std::string_view> elements_of(
    const std::vector<std::string_view>& values);

/// Finds the single value of a header, or says why there is none.
[[nodiscard]] std::optional<std::string_view> only_value(headers_view headers,
                                                         std::string_view name,
                                                         std::string& problem);

/// What is wrong with a header whose list must have `word` in it, or nothing.
[[nodiscard]] std::string lacks(headers_view headers, std::string_view name, std::string_view word);

/// `host[:port]` (RFC 9110 §7.2); an IPv6 address stands in brackets. Nothing for anything else.
struct authority {
  std::string_view host;
  std::string_view port;  // digits, or empty
};
[[nodiscard]] std::optional<authority> read_authority(std::string_view text) noexcept;

/// All extensions that the headers list (RFC 6455 §9.1). Returns what is wrong with them, or
/// nothing.
[[nodiscard]] std::string read_extensions(headers_view headers,
                                          std::vector<extension_offer>& offers);

}  // namespace adieu::core
