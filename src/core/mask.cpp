// Masking in blocks of 32 bytes that the compiler turns into vector instructions, then in words.
// Memory is reached through memcpy only, so alignment and byte order do not matter.
#include "adieu/core/mask.hpp"

#include <cstring>

namespace adieu::core {
namespace {

using wide_key = std::array<std::uint64_t, 4>;

/// The key as it applies `offset` bytes into the payload, repeated (RFC 6455 §5.3).
wide_key widen(mask_key key, std::uint64_t offset) noexcept {
  mask_key rotated{};
  for (std::size_t i = 0; i < 4; ++i) rotated[i] = key[(i + offset) % 4];
  std::uint32_t half = 0;
  std::memcpy(&half, rotated.data(), sizeof half);
  const std::uint64_t word = (std::uint64_t{half} << 32) | half;
  return {word, word, word, word};
}

/// XORs one unit of the size of `Word`. It is read whole before it is written: `out` may be `in`.
template <typename Word>
void xor_unit(std::byte* out, const std::byte* in, const wide_key& key) noexcept {
  Word word{};
  std::memcpy(&word, in, sizeof word);
  if constexpr (sizeof(Word) == sizeof(wide_key)) {
    for (std::size_t i = 0; i < word.size(); ++i) word[i] ^= key[i];
  } else {
    Word narrow{};
    std::memcpy(&narrow, key.data(), sizeof narrow);
    word = static_cast<Word>(word ^ narrow);
  }
  std::memcpy(out, &word, sizeof word);
}

void xor_bytes(std::byte* out,
               const std::byte* in,
               std::size_t size,
               const wide_key& key) noexcept {
  std::size_t done = 0;
  for (; size - done >= 32; done += 32) xor_unit<wide_key>(out + done, in + done, key);
  for (; size - done >= 8; done += 8) xor_unit<std::uint64_t>(out + done, in + done, key);
  if (size - done >= 4) {
    xor_unit<std::uint32_t>(out + done, in + done, key);
    done += 4;
  }
  std::array<std::byte, 4> last{};
  std::memcpy(last.data(), key.data(), last.size());
  for (std::size_t i = 0; done < size; ++done, ++i) out[done] = in[done] ^ last[i];
}

}  // namespace

void apply_mask(bytes data, mask_key key, std::uint64_t offset) noexcept {
  xor_bytes(data.data(), data.data(), data.size(), widen(key, offset));
}

void copy_masked(bytes out, const_bytes in, mask_key key, std::uint64_t offset) noexcept {
  xor_bytes(out.data(), in.data(), in.size(), widen(key, offset));
}

}  // namespace adieu::core
