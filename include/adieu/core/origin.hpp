// Which web pages may connect (RFC 6455 §4.2.2 item 4, §10.2). A browser sends cookies along with
// the handshake of any page; the Origin header, which no page can forge, says whose page it is.
#pragma once

#include <string>
#include <vector>

#include "adieu/core/handshake.hpp"

namespace adieu::core {

/// True for what an Origin header may say (RFC 6454 §7): `null` (or `file://`), or
/// `scheme://host[:port]`.
[[nodiscard]] bool is_origin(std::string_view text) noexcept;

/// What the request came over, as far as this server knows: behind a proxy that ends TLS, `plain`.
enum class carried_by : std::uint8_t { plain, tls };

/// Why a request is refused, or nothing. No Origin: not a page. Otherwise its host and port have to
/// be those of the Host header, and its scheme https if this server speaks TLS itself; or the
/// origin has to be one of `allowed`.
[[nodiscard]] std::string bad_origin(std::span<const header_field> headers,
                                     std::span<const std::string> allowed,
                                     carried_by carrier);

}  // namespace adieu::core
