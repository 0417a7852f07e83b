// malloc and its kin, counted and passed on to the C library's own.
#include "tests/faults/heap.hpp"

#include <malloc.h>

#include <atomic>
#include <cerrno>
#include <cstddef>

namespace {
std::atomic<std::int64_t> live_blocks{0}, live_bytes{0};
}

namespace adieu::test {
std::int64_t heap_blocks() noexcept { return live_blocks; }
std::int64_t heap_bytes() noexcept { return live_bytes; }
}  // namespace adieu::test

#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
namespace {
void* counted(void* block) noexcept {
  if (block != nullptr) {
    live_blocks.fetch_add(1, std::memory_order_relaxed);
    live_bytes.fetch_add(static_cast<std::int64_t>(::malloc_usable_size(block)),
                         std::memory_order_relaxed);
  }
  return block;
}
void uncount(void* block) noexcept {
  if (block == nullptr) return;
  live_blocks.fetch_sub(1, std::memory_order_relaxed);
  live_bytes.fetch_sub(static_cast<std::int64_t>(::malloc_usable_size(block)),
                       std::memory_order_relaxed);
}
}  // namespace

extern "C" {
void* __libc_malloc(std::size_t) noexcept;
void* __libc_calloc(std::size_t, std::size_t) noexcept;
void* __libc_realloc(void*, std::size_t) noexcept;
void* __libc_memalign(std::size_t, std::size_t) noexcept;
void __libc_free(void*) noexcept;

void* malloc(std::size_t size) noexcept { return counted(__libc_malloc(size)); }
void* calloc(std::size_t count, std::size_t size) noexcept {
  return counted(__libc_calloc(count, size));
}
void* realloc(void* block, std::size_t size) noexcept {
  uncount(block);
  void* const moved = __libc_realloc(block, size);
  if (moved == nullptr && size != 0) (void)counted(block);
  return counted(moved);
}
void* memalign(std::size_t alignment, std::size_t size) noexcept {
  return counted(__libc_memalign(alignment, size));
}
void* aligned_alloc(std::size_t alignment, std::size_t size) noexcept {
  return counted(__libc_memalign(alignment, size));
}
int posix_memalign(void** block, std::size_t alignment, std::size_t size) noexcept {
  *block = counted(__libc_memalign(alignment, size));
  return *block != nullptr ? 0 : ENOMEM;
}
void free(void* block) noexcept {
  uncount(block);
  __libc_free(block);
}
}
#endif
