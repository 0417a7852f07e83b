// What the test program has on the heap: every operator new of it is counted
// (allocations_test.cpp).
#pragma once

#include <atomic>

namespace adieu::test {

/// Sanitizers bring their own operator new, so that only the plain build measures.
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
inline constexpr bool counts_heap = true;
#else
inline constexpr bool counts_heap = false;
#endif

extern std::atomic<long> allocations;  // since the start
extern std::atomic<long> heap_in_use;  // bytes, with what malloc adds to each piece

}  // namespace adieu::test
