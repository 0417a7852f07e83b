// How much of this program's heap is in use: every block that malloc gave, whoever asked for it
// (operator new, Asio, OpenSSL); not what malloc itself keeps back. Under sanitizers, which have a
// heap of their own, always 0.
#pragma once

#include <cstdint>

namespace adieu::test {

[[nodiscard]] std::int64_t heap_blocks() noexcept;
[[nodiscard]] std::int64_t heap_bytes() noexcept;

}  // namespace adieu::test
