// The rules of the opening handshake (RFC 6455 §4) over fields that someone else has parsed.
// Pure functions: no HTTP text, no sockets. SHA-1 is handed in.
#pragma once

#include <array>
#include <string>
#include <vector>

#include "adieu/core/deflate_agreement.hpp"
#include "adieu/core/types.hpp"

namespace adieu::core {

/// SHA-1 of `text`, handed in by whoever has a cryptographic library.
using sha1_function = std::array<std::byte, 20> (*)(std::string_view text);

struct header_field {
  std::string_view name;
  std::string_view value;
};

/// An HTTP request as a parser gives it: repeated fields stay separate, in order.
struct request_fields {
  std::string_view method;
  std::string_view target;
  unsigned http_version = 11;  ///< 10 × major + minor
  std::span<const header_field> headers;
};

struct response_fields {
  unsigned status = 0;
  unsigned http_version = 11;
  std::span<const header_field> headers;
};

/// Base64 of 16 random bytes: the value of Sec-WebSocket-Key (§4.1).
[[nodiscard]] std::string make_key(std::span<const std::byte, 16> random);

/// Base64 of the SHA-1 of the key and the GUID: the value of Sec-WebSocket-Accept (§4.2.2).
[[nodiscard]] std::string accept_for(std::string_view key, sha1_function sha1);

/// True for a token of RFC 9110 §5.6.2: what a subprotocol's or a header's name must be.
[[nodiscard]] bool is_token(std::string_view text) noexcept;

/// True when a header's value has no control character in it but tab (no CR, LF or NUL).
[[nodiscard]] bool is_field_value(std::string_view text) noexcept;

/// What a server makes of a request. `problem` is empty when it may be accepted; otherwise it is a
/// sentence that says which rule was broken, and `status` is the HTTP status to refuse with
/// (400; 405 for the method; 426 for a wrong version, to be sent with Sec-WebSocket-Version: 13;
/// 505 for HTTP/1.0).
struct request_verdict {
  unsigned status = 101;
  std::string problem;
  std::string target;  ///< the path and the query, without a fragment
  std::string key;
  std::vector<std::string> subprotocols;  ///< offered, in the client's order
  std::vector<extension_offer> extensions;
};
[[nodiscard]] request_verdict check_request(const request_fields& request);

/// What the client asked for, against which the answer is checked.
struct client_expectation {
  std::string accept;                           ///< accept_for() of the key that was sent
  std::vector<std::string> subprotocols;        ///< offered
  std::optional<deflate_options> deflate = {};  ///< offered as deflate_offer() says it
};

/// Why a client refuses an answer; in .NET's words (N18) where it has one.
enum class response_problem : std::uint8_t {
  none,
  not_a_websocket,       ///< a status other than 101: the server did not upgrade
  unsupported_protocol,  ///< a subprotocol that was not offered
  header_error,          ///< Upgrade, Connection, Accept or an extension that was not offered
};
struct response_verdict {
  response_problem problem = response_problem::none;
  std::string detail;       ///< a sentence: which rule, what was expected, what came
  std::string subprotocol;  ///< the one that the server chose, or empty
  std::string extensions;   ///< what the server's Sec-WebSocket-Extensions said
  std::optional<deflate_agreement> deflate = {};
};
[[nodiscard]] response_verdict check_response(const response_fields& response,
                                              const client_expectation& expected);

}  // namespace adieu::core
