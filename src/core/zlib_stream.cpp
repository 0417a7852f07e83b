// zlib's memory. It is allocated as zlib asks for it; where deflate's tables are is written down.
#include "adieu/core/zlib_stream.hpp"

#include <zlib.h>

#include <array>
#include <cstdlib>
#include <new>

namespace adieu::core {

struct zlib_stream::state {
  state() = default;
  state(const state&) = delete;
  state& operator=(const state&) = delete;
  ~state() = default;

  z_stream z{};
  // In the order in which zlib asks: its own state; the window, the chains of equal hashes, their
  // heads, all of which deflate looks things up in; the output.
  static constexpr std::size_t first_table = 1, tables_end = 4;
  std::array<const_bytes, tables_end> memory;
  std::size_t known = 0;

  static void* allocate(void* opaque, uInt count, uInt size) {
    auto& self = *static_cast<state*>(opaque);
    const std::size_t wanted = std::size_t{count} * size;
    void* const got = std::malloc(wanted);
    if (self.known < self.memory.size()) {
      self.memory[self.known++] = {static_cast<const std::byte*>(got), wanted};
    }
    return got;
  }
  static void release(void*, void* memory) { std::free(memory); }
};

zlib_stream::zlib_stream(kind what, const deflate_settings& how)
    : kind_(what), how_(how), state_(std::make_unique<state>()) {
  z_stream& z = state_->z;
  z.zalloc = state::allocate;
  z.zfree = state::release;
  z.opaque = state_.get();
  const int done =
      what == kind::inflates
          ? inflateInit2(&z, -how.window_bits)
          : deflateInit2(
                &z, how.level, Z_DEFLATED, -how.window_bits, how.memory_level, Z_DEFAULT_STRATEGY);
  if (done != Z_OK) throw std::bad_alloc();  // the settings were checked before
  state_->known = state_->memory.size();
}

// zlib asks for the copy's memory in the name of the original, which knows its own already. So the
// copy does not know its tables, and works all the same.
zlib_stream::zlib_stream(const zlib_stream& other)
    : kind_(other.kind_), how_(other.how_), state_(std::make_unique<state>()) {
  z_stream& z = state_->z;
  const int done = kind_ == kind::inflates ? inflateCopy(&z, &other.state_->z)
                                           : deflateCopy(&z, &other.state_->z);
  if (done != Z_OK) throw std::bad_alloc();
  state_->known = state_->memory.size();
  z.opaque = state_.get();
}

zlib_stream::~zlib_stream() {
  if (kind_ == kind::inflates) {
    inflateEnd(&state_->z);
  } else {
    deflateEnd(&state_->z);
  }
}

z_stream& zlib_stream::z() noexcept { return state_->z; }

void zlib_stream::reset() {
  if (kind_ == kind::inflates) {
    inflateReset(&state_->z);
  } else {
    deflateReset(&state_->z);
  }
}

void zlib_stream::continue_after_end() {
  std::array<Bytef, 32768> window;
  uInt size = 0;
  z_stream& z = state_->z;
  inflateGetDictionary(&z, window.data(), &size);
  inflateReset(&z);
  inflateSetDictionary(&z, window.data(), size);
}

void zlib_stream::fetch_memory() const noexcept {
  constexpr std::size_t cache_line = 64;
  for (std::size_t i = state::first_table; i < state::tables_end; ++i) {
    const const_bytes table = state_->memory[i];
    for (std::size_t at = 0; at < table.size(); at += cache_line) {
      __builtin_prefetch(table.data() + at, 1, 2);  // to be written, and kept for a while
    }
  }
}

}  // namespace adieu::core
