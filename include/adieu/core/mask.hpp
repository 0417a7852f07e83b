// Masking (RFC 6455 §5.3): XOR with a four-byte key that repeats. Masking and unmasking are the
// same function. A plain loop over words that the compiler vectorises; here in the header, since
// most payloads are shorter than a call is worth. Memory is reached through memcpy only, so
// alignment and byte order do not matter.
#pragma once

#include <algorithm>
#include <array>
#include <cstring>

#include "adieu/core/types.hpp"

namespace adieu::core {

using mask_key = std::array<std::byte, 4>;

namespace masking {

/// The key as it applies `offset` bytes into the payload, twice.
inline std::uint64_t widen(mask_key key, std::uint64_t offset) noexcept {
  if (offset % 4 != 0) {
    std::rotate(key.begin(), key.begin() + static_cast<std::ptrdiff_t>(offset % 4), key.end());
  }
  std::uint32_t half = 0;
  std::memcpy(&half, key.data(), sizeof half);
  return (std::uint64_t{half} << 32) | half;
}

inline void xor_bytes(std::byte* out,
                      const std::byte* in,
                      std::size_t size,
                      std::uint64_t key) noexcept {
  std::size_t done = 0;
  for (; size - done >= sizeof key; done += sizeof key) {
    std::uint64_t word = 0;
    std::memcpy(&word, in + done, sizeof word);
    word ^= key;
    std::memcpy(out + done, &word, sizeof word);
  }
  std::array<std::byte, sizeof key> last;
  std::memcpy(last.data(), &key, sizeof key);
  for (std::size_t i = 0; done < size; ++done, ++i) out[done] = in[done] ^ last[i];
}

}  // namespace masking

/// XORs `data` in place. `offset` is how many bytes of the same payload came before.
inline void apply_mask(bytes data, mask_key key, std::uint64_t offset = 0) noexcept {
  masking::xor_bytes(data.data(), data.data(), data.size(), masking::widen(key, offset));
}

/// Writes `in` XOR key to `out`, which is at least as long and does not overlap `in`.
inline void copy_masked(bytes out,
                        const_bytes in,
                        mask_key key,
                        std::uint64_t offset = 0) noexcept {
  masking::xor_bytes(out.data(), in.data(), in.size(), masking::widen(key, offset));
}

}  // namespace adieu::core
