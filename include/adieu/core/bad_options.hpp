// Options that make no sense, told before they do harm.
#pragma once

#include <string>

#include "adieu/options.hpp"

namespace adieu::core {

/// A sentence that names the option, what it must be, and what it is; empty when all make sense.
[[nodiscard]] std::string bad_options(const websocket_options& options);

/// The same for one time: `name` is what the user calls it. Zero is for the caller to judge.
[[nodiscard]] std::string bad_time(std::string_view name, std::chrono::milliseconds length);

}  // namespace adieu::core
