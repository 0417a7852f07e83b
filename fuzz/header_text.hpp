// Header fields of a fuzzed text: a line each, what is before its first colon is the name. Anything
// else may be in them: it is not this file's business to refuse it, but core's.
#pragma once

#include "adieu/core/handshake.hpp"
#include "core/header_fields.hpp"
#include "fuzz/input.hpp"

namespace adieu::fuzz {

using fields = std::vector<std::pair<std::string, std::string>>;

inline fields read_fields(input& in) {
  fields out;
  while (!in.empty()) {
    const std::string_view line = in.until('\n');
    const std::size_t colon = std::min(line.find(':'), line.size());
    out.emplace_back(line.substr(0, colon), line.substr(std::min(colon + 1, line.size())));
  }
  return out;
}

inline std::vector<core::header_field> view(const fields& list) {
  std::vector<core::header_field> out;
  for (const auto& [name, value] : list) out.push_back({name, value});
  return out;
}

inline std::string lowered(std::string text) {
  for (char& c : text) c = static_cast<char>(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
  return text;
}

/// The same message to every reader (RFC 9110 §5.1, §5.3): names in another case, other names
/// between them, the order of fields with different names changed, and lists in one field.
inline fields in_other_words(fields list) {
  for (auto& [name, value] : list) name = lowered(name);
  std::ranges::stable_sort(list, {}, &fields::value_type::first);
  fields out{{"x-unknown", "1"}};
  for (auto& [name, value] : list) {
    const bool is_list = name == "sec-websocket-protocol" || name == "sec-websocket-extensions" ||
                         name == "connection" || name == "upgrade";
    if (is_list && out.back().first == name) {
      out.back().second += " ,\t" + value;
    } else {
      out.emplace_back(name, " " + value + "\t");
    }
  }
  return out;
}

/// Sec-WebSocket-Extensions as `offers` would be written.
inline std::string written(std::span<const core::extension_offer> offers) {
  std::string out;
  for (const core::extension_offer& offer : offers) {
    out += (out.empty() ? "" : ", ") + offer.name;
    for (const auto& each : offer.parameters) {
      out += "; " + each.name + (each.value.empty() ? "" : "=" + each.value);
    }
  }
  return out;
}

/// What a field of that value lists; nothing when it breaks the grammar.
inline std::optional<std::vector<core::extension_offer>> listed(std::string_view value) {
  const core::header_field field{"Sec-WebSocket-Extensions", value};
  std::vector<core::extension_offer> out;
  if (!core::read_extensions({&field, 1}, out).empty()) return std::nullopt;
  return out;
}

inline void expect_readable_again(std::span<const core::extension_offer> offers) {
  if (offers.empty()) return;
  const auto again = listed(written(offers));
  ASSERT_TRUE(again.has_value());
  EXPECT_EQ(written(*again), written(offers));
}

}  // namespace adieu::fuzz
