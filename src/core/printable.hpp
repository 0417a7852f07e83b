// A peer's words within a sentence of ours.
#pragma once

#include <string>
#include <string_view>

namespace adieu::core {

/// In quotation marks, and printable: what was quoted can't end the quotation, nor look like an
/// escape of ours.
[[nodiscard]] std::string quoted(std::string_view bytes);

}  // namespace adieu::core
