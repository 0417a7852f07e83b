// zlib's state of one direction of a connection, and its memory: 300 KiB of it to compress with.
#pragma once

#include <cstdint>
#include <memory>

#include "adieu/core/types.hpp"

struct z_stream_s;

namespace adieu::core {

/// Whether a message may refer to the messages before it (RFC 7692 §7.1.1).
enum class context_takeover : std::uint8_t { no, yes };

/// How one direction compresses.
struct deflate_settings {
  int window_bits = 15;
  context_takeover takeover = context_takeover::yes;
  int level = 6;         ///< compressing: 1 (fast) to 9 (small)
  int memory_level = 8;  ///< compressing: 1 (little) to 9 (much)

  friend bool operator==(const deflate_settings&, const deflate_settings&) = default;
};

class zlib_stream {
 public:
  enum class kind : std::uint8_t { deflates, inflates };
  zlib_stream(kind what, const deflate_settings& how);
  zlib_stream(const zlib_stream& other);
  zlib_stream& operator=(const zlib_stream&) = delete;
  ~zlib_stream();

  [[nodiscard]] bool fits(kind what, const deflate_settings& how) const noexcept {
    return what == kind_ && how == how_;
  }
  void reset();
  /// The next part of the same compressed data begins a stream of its own; the window stays.
  void continue_after_end();
  /// Asks the processor for the memory that deflate() is about to jump about in, which other
  /// connections' has pushed out of its caches. Only a hint (docs/decisions/0007-cold-windows.md).
  void fetch_memory() const noexcept;
  [[nodiscard]] z_stream_s& z() noexcept;

 private:
  struct state;

  kind kind_;
  deflate_settings how_;
  std::unique_ptr<state> state_;
};

}  // namespace adieu::core
