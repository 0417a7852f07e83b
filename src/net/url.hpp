// WebSocket URLs (RFC 6455 §3), read with Boost.URL; and `ws+unix:/path/of/socket:/target`, as
// Node's ws spells a Unix socket.
#pragma once

#include <string>

namespace adieu::net {

struct target {
  bool tls = false;
  std::string host;         // without brackets
  std::string port;         // decimal
  std::string authority;    // for the Host field: host and port as they have to be written there
  std::string resource;     // path and query, never empty
  std::string unix_socket;  // its path, or empty
};

/// Throws opening_failure with errc::invalid_url.
[[nodiscard]] target parse_url(const std::string& url);

}  // namespace adieu::net
