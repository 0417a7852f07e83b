// permessage-deflate (RFC 7692) as the load generator needs it: messages compressed beforehand, and
// replies that are inflated and compared, every one of them. zlib directly, not Adieu.
#pragma once

#include <zlib.h>

#include <array>
#include <cstddef>
#include <cstring>
#include <string>
#include <string_view>

#include "options.hpp"

namespace bench::load {

inline constexpr std::string_view deflate_tail("\x00\x00\xff\xff", 4);  // RFC 7692 section 7.2.1
// What every server of the comparison is told, too.
inline constexpr int deflate_level = 6;
inline constexpr int deflate_memory_level = 8;
inline constexpr int deflate_window_bits = 15;

class message_deflater {
 public:
  explicit message_deflater(compression how) : how_(how) {
    if (deflateInit2(&z_,
                     deflate_level,
                     Z_DEFLATED,
                     -deflate_window_bits,
                     deflate_memory_level,
                     Z_DEFAULT_STRATEGY) != Z_OK) {
      fail("deflateInit2");
    }
  }
  message_deflater(const message_deflater&) = delete;
  message_deflater& operator=(const message_deflater&) = delete;
  ~message_deflater() { deflateEnd(&z_); }

  [[nodiscard]] std::string compress(std::string_view message) {
    std::string out(deflateBound(&z_, message.size()) + 16, '\0');
    z_.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(message.data()));
    z_.avail_in = static_cast<uInt>(message.size());
    z_.next_out = reinterpret_cast<Bytef*>(out.data());
    z_.avail_out = static_cast<uInt>(out.size());
    if (deflate(&z_, Z_SYNC_FLUSH) != Z_OK || z_.avail_out == 0) fail("deflate");
    out.resize(out.size() - z_.avail_out - deflate_tail.size());
    if (how_ == compression::each_alone) deflateReset(&z_);
    return out;
  }

 private:
  compression how_;
  z_stream z_{};
};

/// Inflates replies, and ends the program at the first that is not what was expected.
class reply_inflater {
 public:
  explicit reply_inflater(compression how) : how_(how) {
    if (inflateInit2(&z_, -deflate_window_bits) != Z_OK) fail("inflateInit2");
  }
  reply_inflater(const reply_inflater&) = delete;
  reply_inflater& operator=(const reply_inflater&) = delete;
  ~reply_inflater() { inflateEnd(&z_); }

  void expect(std::string_view message) { expected_ = message; }

  void take(std::string_view part) {
    z_.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(part.data()));
    z_.avail_in = static_cast<uInt>(part.size());
    do {
      z_.next_out = space_.data();
      z_.avail_out = static_cast<uInt>(space_.size());
      const int done = inflate(&z_, Z_SYNC_FLUSH);
      if (done != Z_OK && done != Z_BUF_ERROR) fail("a reply that is not DEFLATE");
      const std::size_t got = space_.size() - z_.avail_out;
      if (got > expected_.size() || std::memcmp(space_.data(), expected_.data(), got) != 0) {
        fail("a reply with other content than was sent");
      }
      expected_.remove_prefix(got);
    } while (z_.avail_out == 0 || z_.avail_in != 0);
  }

  void end_of_message() {
    take(deflate_tail);
    if (!expected_.empty()) fail("a reply that is too short");
    if (how_ == compression::each_alone) inflateReset(&z_);
  }

 private:
  compression how_;
  z_stream z_{};
  std::string_view expected_;
  std::array<Bytef, 32768> space_;
};

}  // namespace bench::load
