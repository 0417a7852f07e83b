// Compressing and decompressing the payloads of permessage-deflate (RFC 7692 §7.2): zlib, told
// where messages end. One object a direction; it holds zlib's memory only while it needs it.
//
// Copies are deep. A pool lends zlib's memory to the connections of one loop, message by message,
// to those that keep no context between messages.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "adieu/core/types.hpp"
#include "adieu/core/zlib_stream.hpp"

namespace adieu::core {

/// Who lends streams to several connections; net has one for each loop.
class deflate_pool {
 public:
  deflate_pool() = default;
  deflate_pool(const deflate_pool&) = delete;
  deflate_pool& operator=(const deflate_pool&) = delete;
  virtual ~deflate_pool() = default;

  [[nodiscard]] virtual std::unique_ptr<zlib_stream> take(zlib_stream::kind what,
                                                          const deflate_settings& how) = 0;
  /// The stream was reset.
  virtual void give_back(std::unique_ptr<zlib_stream> spare) = 0;
};

/// One direction of a connection: where it takes its stream from, and when it lets go of it.
class deflate_direction {
 public:
  deflate_direction(zlib_stream::kind what,
                    const deflate_settings& how,
                    std::shared_ptr<deflate_pool> pool) noexcept
      : kind_(what), how_(how), pool_(std::move(pool)) {}
  deflate_direction(const deflate_direction& other);
  deflate_direction(deflate_direction&&) noexcept = default;
  deflate_direction& operator=(const deflate_direction& other) {
    return *this = deflate_direction(other);
  }
  deflate_direction& operator=(deflate_direction&&) noexcept = default;
  ~deflate_direction();

  [[nodiscard]] bool holds_memory() const noexcept { return stream_ != nullptr; }

 protected:
  [[nodiscard]] zlib_stream& stream();
  [[nodiscard]] bool keeps_context() const noexcept {
    return how_.takeover == context_takeover::yes;
  }
  void message_ended();
  void let_go();

 private:
  zlib_stream::kind kind_;
  deflate_settings how_;
  std::shared_ptr<deflate_pool> pool_;
  std::unique_ptr<zlib_stream> stream_;
};

class compressor : deflate_direction {
 public:
  explicit compressor(const deflate_settings& how, std::shared_ptr<deflate_pool> pool = nullptr)
      : deflate_direction(zlib_stream::kind::deflates, how, std::move(pool)) {}

  enum class flush : std::uint8_t {
    none,            ///< more of this message follows at once
    end_of_piece,    ///< the peer shall be able to read everything so far
    end_of_message,  ///< and without the four bytes that RFC 7692 §7.2.1 takes off
  };
  /// Appends the compressed form of `in`. It may be empty, except at the end of a piece.
  void compress(const_bytes in, flush how_far, std::vector<std::byte>& out);

  /// Between messages: gives up the memory. Compressing then starts with an empty window, which the
  /// peer need not know about.
  void release() { let_go(); }
  using deflate_direction::holds_memory;
};

class decompressor : deflate_direction {
 public:
  explicit decompressor(const deflate_settings& how, std::shared_ptr<deflate_pool> pool = nullptr)
      : deflate_direction(zlib_stream::kind::inflates, how, std::move(pool)) {}

  enum class part : std::uint8_t { of_message, last_of_message };
  enum class outcome : std::uint8_t {
    all_taken,  ///< nothing of `in` is left
    out_full,   ///< there may be more to come from `in`, or from what was taken of it
    broken,     ///< not DEFLATE: nothing can be read any more
  };
  struct result {
    outcome what = outcome::all_taken;
    std::size_t size = 0;  ///< bytes written to `out`
  };
  /// Takes from the front of `in` and writes to `out`, which is not empty. `last_of_message` puts
  /// RFC 7692 §7.2.2's four bytes behind `in`.
  [[nodiscard]] result decompress(const_bytes& in, part which, bytes out);
  using deflate_direction::holds_memory;

 private:
  [[nodiscard]] outcome run(const_bytes& in, bytes& out);
  [[nodiscard]] bool at_border();

  std::size_t tail_taken_ = 0;
};

}  // namespace adieu::core
