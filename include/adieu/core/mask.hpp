// Masking (RFC 6455 §5.3): XOR with a four-byte key that repeats. Masking and unmasking are the
// same function. Written as plain loops over wide words that the compiler vectorises.
#pragma once

#include <array>

#include "adieu/core/types.hpp"

namespace adieu::core {

using mask_key = std::array<std::byte, 4>;

/// XORs `data` in place. `offset` is how many bytes of the same payload came before.
void apply_mask(bytes data, mask_key key, std::uint64_t offset = 0) noexcept;

/// Writes `in` XOR key to `out`, which is at least as long and does not overlap `in`.
void copy_masked(bytes out, const_bytes in, mask_key key, std::uint64_t offset = 0) noexcept;

}  // namespace adieu::core
