// WebSocket URLs, by Boost.URL and the rules of RFC 6455 §3.
#include "net/url.hpp"

#include <boost/url/parse.hpp>
#include <boost/url/url_view.hpp>

#include <algorithm>
#include <charconv>
#include <cstdint>

#include "net/opening_failure.hpp"

namespace adieu::net {
namespace {

// A URL as a record may show it: without credentials, and without a query, which may be one.
std::string without_secrets(std::string_view url) {
  const std::size_t scheme = url.find("://");
  const std::size_t begin = scheme == std::string_view::npos ? 0 : scheme + 3;
  std::string out(url.substr(0, begin));
  std::string_view rest = url.substr(begin);
  // The last @, for a password may have one, and a slash, too.
  if (const std::size_t at = rest.rfind('@'); at != std::string_view::npos) {
    out += "…@";
    rest.remove_prefix(at + 1);
  }
  const std::size_t query = std::min(rest.find_first_of("?#"), rest.size());
  out += rest.substr(0, query);
  return printable(query < rest.size() ? out + rest[query] + "…" : out);
}

[[noreturn]] void refuse(const std::string& url, const std::string& why) {
  throw opening_failure{errc::invalid_url,
                        {connect_step::url, 0, "the URL \"" + without_secrets(url) + "\" " + why}};
}

std::string normal_port(const std::string& url, const std::string& digits) {
  std::uint32_t number = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
  if (error != std::errc() || end != digits.data() + digits.size() || number == 0 ||
      number > 65535) {
    refuse(url, "has a port that is not between 1 and 65535");
  }
  return std::to_string(number);
}

// Boost.URL takes "[::1]x" for a host and a path; ws+unix has no parser at all. What goes into a
// request's first line, and the name that is looked up, must be safe there.
void check_parts(const std::string& url, const target& parts) {
  // Percent-encoding could hide anything; a NUL would end the name for the resolver and for TLS.
  const auto fits_a_name = [](char c) { return c > ' ' && c <= '~' && c != '/'; };
  if (!std::ranges::all_of(parts.host, fits_a_name)) {
    refuse(url, "has a host with characters that no name has");
  }
  if (!parts.resource.starts_with('/')) refuse(url, "has a resource that does not begin with /");
  // A space or a line break would end the request line (RFC 9112 §3.2.1).
  if (!boost::urls::parse_origin_form(parts.resource)) {
    refuse(url, "has a resource with characters that must be percent-encoded");
  }
}

target parse_unix(const std::string& url, std::string_view rest) {
  while (rest.starts_with("//")) rest.remove_prefix(1);
  const std::size_t colon = rest.find(':');
  target out;
  out.unix_socket = rest.substr(0, colon);
  out.resource = colon == std::string_view::npos ? "/" : rest.substr(colon + 1);
  out.host = out.authority = "localhost";
  if (out.unix_socket.empty()) refuse(url, "names no socket");
  if (out.unix_socket.find('\0') != std::string::npos)
    refuse(url, "has a NUL in the socket's path");
  check_parts(url, out);
  return out;
}

}  // namespace

target parse_url(const std::string& url) {
  constexpr std::string_view unix_scheme = "ws+unix:";
  if (url.starts_with(unix_scheme)) {
    return parse_unix(url, std::string_view(url).substr(unix_scheme.size()));
  }
  const auto parsed = boost::urls::parse_uri(url);
  if (!parsed) refuse(url, "is not a URL of the form ws://host:port/path");
  const boost::urls::url_view& view = *parsed;
  std::string scheme = view.scheme();
  for (char& c : scheme) c = static_cast<char>(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);

  target out;
  if (scheme != "ws" && scheme != "wss") refuse(url, "must begin with ws:// or wss://");
  if (view.has_fragment()) refuse(url, "has a fragment, which RFC 6455 §3 forbids");
  if (view.has_userinfo()) refuse(url, "carries credentials: put them into a header");
  out.tls = scheme == "wss";
  out.host = view.host_address();
  if (out.host.empty()) refuse(url, "names no host");
  const std::string default_port = out.tls ? "443" : "80";
  out.port = view.port().empty() ? default_port : normal_port(url, std::string(view.port()));
  out.authority = std::string(view.encoded_host());
  if (out.port != default_port) out.authority += ":" + out.port;
  out.resource = std::string(view.encoded_path());
  if (out.resource.empty()) out.resource = "/";
  if (view.has_query()) out.resource += "?" + std::string(view.encoded_query());
  check_parts(url, out);
  return out;
}

}  // namespace adieu::net
