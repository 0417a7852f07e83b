// Origins (RFC 6454): taken apart, a default port left out, and compared.
#include "adieu/core/origin.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "core/header_fields.hpp"

namespace adieu::core {
namespace {

struct origin_parts {
  std::string_view scheme;
  std::string_view host;
  std::string_view port;  // empty: the scheme's own
};

std::string_view own_port(std::string_view scheme) noexcept {
  if (same_ignoring_case(scheme, "http") || same_ignoring_case(scheme, "ws")) return "80";
  if (same_ignoring_case(scheme, "https") || same_ignoring_case(scheme, "wss")) return "443";
  return {};
}

std::optional<origin_parts> parts_of_authority(std::string_view scheme, std::string_view text) {
  const auto read = read_authority(text);
  if (!read || read->host.empty()) return std::nullopt;
  const bool default_port = read->port == own_port(scheme);
  return origin_parts{scheme, read->host, default_port ? std::string_view() : read->port};
}

std::optional<origin_parts> parts_of(std::string_view origin) {
  const std::size_t colon = origin.find("://");
  if (colon == std::string_view::npos || !is_token(origin.substr(0, colon))) return std::nullopt;
  return parts_of_authority(origin.substr(0, colon), origin.substr(colon + 3));
}

bool same_place(const origin_parts& a, const origin_parts& b) noexcept {
  return same_ignoring_case(a.host, b.host) && a.port == b.port;
}

bool is_one_of(std::string_view origin, std::span<const std::string> allowed) {
  const auto given = parts_of(origin);
  return std::ranges::any_of(allowed, [&](const std::string& each) {
    const auto listed = parts_of(each);
    if (!given || !listed) return origin == each;
    return same_ignoring_case(given->scheme, listed->scheme) && same_place(*given, *listed);
  });
}

}  // namespace

// Of a file, browsers say either.
bool is_origin(std::string_view text) noexcept {
  return text == "null" || text == "file://" || parts_of(text).has_value();
}

std::string bad_origin(std::span<const header_field> headers,
                       std::span<const std::string> allowed,
                       carried_by carrier) {
  if (values_of(headers, "Origin").empty()) return {};
  std::string problem;
  const auto origin = only_value(headers, "Origin", problem);
  if (!origin) return problem;
  if (is_origin(*origin) && is_one_of(*origin, allowed)) return {};
  const auto page = parts_of(*origin);
  const auto host = only_value(headers, "Host", problem);
  const auto here = page && host ? parts_of_authority(page->scheme, *host) : std::nullopt;
  const bool over_tls = carrier == carried_by::tls;
  const bool safe = !over_tls || (page && same_ignoring_case(page->scheme, "https"));
  if (here && same_place(*page, *here) && safe) return {};
  return fmt::format("pages of {} may not connect here (the Origin header)", shown(*origin));
}

}  // namespace adieu::core
