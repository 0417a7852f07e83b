// What the load generator receives: counts replies, and ends the program at the first wrong one.
//
// Checked on every reply: unmasked, no reserved bit, the opcode sent, the length sent (also when
// the server fragments). Checked while `expect` has bytes left, and always when it is compressed:
// the content.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "message_ring.hpp"

namespace bench::load {

class reply_stream {
 public:
  reply_stream(const options& chosen, const message_ring& sent)
      : size_(chosen.size), opcode_(opcode_of(chosen.kind)), speaks_(chosen.speaks), sent_(sent) {
    if (chosen.deflate != compression::none) {
      inflater_.emplace(chosen.deflate);
    }
  }

  /// The payloads of the next messages, one after the other.
  void expect(std::string payloads) {
    expected_ = std::move(payloads);
    compared_ = 0;
  }

  /// True once all that `expect` was given has come back.
  [[nodiscard]] bool content_checked() const { return expected_.empty(); }

  [[nodiscard]] bool close_seen() const { return close_seen_; }

  /// Payload bytes of messages, as they came over the wire.
  [[nodiscard]] std::uint64_t payload_bytes() const { return payload_bytes_; }

  /// Takes received bytes; says how many messages they completed.
  std::size_t consume(std::string_view bytes) {
    return speaks_ == protocol::raw_tcp ? consume_raw(bytes) : consume_frames(bytes);
  }

 private:
  std::size_t consume_raw(std::string_view bytes) {
    check_content(bytes);
    message_length_ += bytes.size();
    const auto completed = message_length_ / size_;
    message_length_ %= size_;
    return completed;
  }

  std::size_t consume_frames(std::string_view bytes) {
    std::size_t completed = 0;
    while (!bytes.empty() || (in_frame_ && frame_left_ == 0)) {
      if (!in_frame_ && !take_header(bytes)) {
        break;
      }
      const auto part =
          static_cast<std::size_t>(std::min<std::uint64_t>(frame_left_, bytes.size()));
      if (!control_) {
        payload_bytes_ += part;
        take_content(bytes.substr(0, part));
      }
      bytes.remove_prefix(part);
      frame_left_ -= part;
      if (frame_left_ != 0) {
        break;
      }
      in_frame_ = false;
      if (final_ && !control_) {
        ++returned_;
        if (compressed_) {
          inflater_->end_of_message();
        } else if (message_length_ != size_) {
          fail("a reply of " + std::to_string(message_length_) + " bytes instead of " +
               std::to_string(size_));
        }
        message_length_ = 0;
        ++completed;
      }
    }
    return completed;
  }

  // Takes a whole header from the bytes, or keeps what there is of one.
  bool take_header(std::string_view& bytes) {
    if (header_size_ == 0 && bytes.size() >= 2) {
      const auto length = static_cast<std::uint8_t>(bytes[1]);
      if (length < 126) {
        start_frame(static_cast<std::uint8_t>(bytes[0]), length);
        bytes.remove_prefix(2);
        return true;
      }
    }
    while (header_size_ < 2 || header_size_ < header_length()) {
      if (bytes.empty()) {
        return false;
      }
      header_[header_size_++] = static_cast<std::uint8_t>(bytes.front());
      bytes.remove_prefix(1);
    }
    if ((header_[1] & mask_bit) != 0) {
      fail("a masked reply (RFC 6455 section 5.1)");
    }
    std::uint64_t length = header_[1];
    if (length >= 126) {
      length = 0;
      for (std::size_t i = 2; i < header_size_; ++i) {
        length = length << 8 | header_[i];
      }
    }
    header_size_ = 0;
    start_frame(header_[0], length);
    return true;
  }

  [[nodiscard]] std::size_t header_length() const {
    const auto length = header_[1] & 0x7f;
    return length < 126 ? 2 : length == 126 ? 4 : 10;
  }

  void start_frame(std::uint8_t first, std::uint64_t length) {
    in_frame_ = true;
    frame_left_ = length;
    final_ = (first & fin_bit) != 0;
    std::uint8_t opcode = first & 0x7f;  // a reserved bit makes it an unknown opcode
    if (inflater_ && !message_open_) {
      compressed_ = (opcode & rsv1_bit) != 0;
      opcode &= static_cast<std::uint8_t>(~rsv1_bit);
      inflater_->expect(sent_.payload(returned_));
    }
    control_ = opcode >= first_control_opcode;
    if (control_) {
      close_seen_ = close_seen_ || opcode == opcode_close;
      if (opcode > 0xA) {
        fail("a reply with an unknown opcode or a reserved bit");
      }
      return;
    }
    const auto wanted = message_open_ ? opcode_continuation : opcode_;
    if (opcode != wanted) {
      fail("a reply with opcode " + std::to_string(opcode) + " instead of " +
           std::to_string(wanted));
    }
    message_open_ = !final_;
    message_length_ += length;
  }

  void take_content(std::string_view bytes) {
    if (compressed_) {
      inflater_->take(bytes);
    } else {
      check_content(bytes);
    }
  }

  void check_content(std::string_view bytes) {
    if (expected_.empty()) {
      return;
    }
    const auto part = std::min(bytes.size(), expected_.size() - compared_);
    if (std::memcmp(bytes.data(), expected_.data() + compared_, part) != 0) {
      fail("a reply with other content than was sent");
    }
    compared_ += part;
    if (compared_ == expected_.size()) {
      std::string().swap(expected_);
    }
  }

  std::uint64_t size_;
  std::uint8_t opcode_;
  protocol speaks_;
  const message_ring& sent_;
  std::optional<reply_inflater> inflater_;
  bool compressed_ = false;
  std::uint64_t returned_ = 0;
  std::uint64_t payload_bytes_ = 0;

  std::array<std::uint8_t, 10> header_{};
  std::size_t header_size_ = 0;
  std::uint64_t frame_left_ = 0;
  std::uint64_t message_length_ = 0;
  bool in_frame_ = false;
  bool final_ = false;
  bool control_ = false;
  bool message_open_ = false;
  bool close_seen_ = false;

  std::string expected_;
  std::size_t compared_ = 0;
};

}  // namespace bench::load
