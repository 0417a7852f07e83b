// The negotiation of permessage-deflate (RFC 7692 §5, §7.1): offers, the server's choice, and the
// client's check of it. Pure functions over parsed extensions.
#pragma once

#include <optional>
#include <string>

#include "adieu/core/deflate.hpp"
#include "adieu/core/extension.hpp"
#include "adieu/options.hpp"

namespace adieu::core {

/// What both sides are bound to.
struct deflate_agreement {
  deflate_settings sending;
  deflate_settings receiving;
  /// False: zlib can't compress within a window of 2^8, so what we send stays uncompressed.
  bool compresses = true;
  std::uint64_t threshold = 0;

  friend bool operator==(const deflate_agreement&, const deflate_agreement&) = default;
};

/// Why these options make no sense; empty when they do.
[[nodiscard]] std::string bad_deflate_options(const deflate_options& options);

/// What a client puts into Sec-WebSocket-Extensions.
[[nodiscard]] std::string deflate_offer(const deflate_options& options);

/// A server takes the first offer that it can keep (§5.1), or none. `answer` is what it puts into
/// Sec-WebSocket-Extensions then.
struct deflate_choice {
  deflate_agreement agreement;
  std::string answer;
};
[[nodiscard]] std::optional<deflate_choice> choose_deflate(std::span<const extension_offer> offers,
                                                           const deflate_options& options);

/// A client's view of the server's answer: nothing was agreed, an agreement, or the rule that was
/// broken, after which the connection must fail (§7.1, RFC 6455 §9.1).
struct deflate_verdict {
  std::optional<deflate_agreement> agreement;
  std::string problem;
};
[[nodiscard]] deflate_verdict check_deflate(std::span<const extension_offer> answer,
                                            const std::optional<deflate_options>& offered);

/// For an adopted stream (N19): both ends were told the same options by their apps.
[[nodiscard]] deflate_agreement agreed_by_both(const deflate_options& options, role self);

}  // namespace adieu::core
