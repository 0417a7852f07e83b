// Limits that nothing passes, times that are negative, names that are none, and headers that would
// be read as something else (CR, LF, NUL; the handshake's own fields).
#include "net/bad_options.hpp"

#include <algorithm>

#include "adieu/core/bad_options.hpp"
#include "adieu/core/handshake.hpp"
#include "adieu/core/origin.hpp"

namespace adieu::net {
namespace {

constexpr std::uint32_t smallest_header = 256;  // about as much as a bare handshake has
constexpr std::uint32_t fewest_headers = 5;     // those that RFC 6455 §4.2.1 wants

std::string quoted(std::string_view text) { return '"' + printable(text) + '"'; }

std::string bad_header_limits(std::uint32_t size, std::uint32_t count) {
  if (size < smallest_header) {
    return "max_header_size must be at least 256, or no handshake fits, but is " +
           std::to_string(size);
  }
  if (count < fewest_headers) {
    return "max_headers must be at least 5, as a handshake has them, but is " +
           std::to_string(count);
  }
  return {};
}

std::string bad_subprotocols(const std::vector<std::string>& names) {
  for (const std::string& name : names) {
    if (!core::is_token(name)) return quoted(name) + " is not a subprotocol's name";
    if (std::ranges::count(names, name) != 1) return "the subprotocol " + name + " is there twice";
  }
  return {};
}

std::string in_lower_case(std::string text) {
  std::ranges::transform(text, text.begin(), [](char c) {
    return static_cast<char>(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
  });
  return text;
}

std::string bad_headers(const std::vector<std::pair<std::string, std::string>>& headers) {
  int hosts = 0;
  for (const auto& [name, value] : headers) {
    if (!core::is_token(name)) return quoted(name) + " is not a header's name";
    // The value may be a secret, and is not shown.
    if (!core::is_field_value(value))
      return "the value of header " + name + " has control characters";
    const std::string lower = in_lower_case(name);
    if (lower.starts_with("sec-websocket-") || lower == "upgrade" || lower == "connection" ||
        lower == "content-length" || lower == "transfer-encoding") {
      return "header " + name + " belongs to the handshake itself";
    }
    if (lower == "host" && ++hosts > 1) return "header Host is there twice";
  }
  return {};
}

// The first problem there is.
template <typename... Problems>
std::string first_of(Problems... problems) {
  std::string out;
  (void)(... || !(out = std::move(problems)).empty());
  return out;
}

}  // namespace

std::string bad_options(const server_options& options) {
  for (const std::string& origin : options.allowed_origins) {
    if (!core::is_origin(origin)) {
      return "allowed_origins takes scheme://host, scheme://host:port or null, but has " +
             quoted(origin);
    }
  }
  return first_of(core::bad_options(options.websocket),
                  core::bad_time("handshake_timeout", options.handshake_timeout),
                  core::bad_time("first_byte_timeout", options.first_byte_timeout),
                  bad_header_limits(options.max_header_size, options.max_headers),
                  bad_subprotocols(options.subprotocols));
}

std::string bad_options(const connect_options& options) {
  return first_of(bad_headers(options.headers),
                  core::bad_options(options.websocket),
                  core::bad_time("timeout", options.timeout),
                  bad_header_limits(options.max_header_size, options.max_headers),
                  bad_subprotocols(options.subprotocols));
}

}  // namespace adieu::net
