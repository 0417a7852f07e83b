// Messages' contents out of a stream of bytes: frames, and what permessage-deflate makes of them
// (RFC 7692 §6.2). Compressed data comes out in steps of bounded size, whatever it swells to.
//
// Pull, as the frame_reader: the caller steps until `need_more` or `broken`.
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "adieu/core/deflate.hpp"
#include "adieu/core/frame_reader.hpp"

namespace adieu::core {

class message_reader {
 public:
  message_reader() noexcept = default;
  /// What it is told when it is taken up (apart.hpp). With a decompressor it is never idle.
  void begin(role receiver, frame_limits limits, std::uint64_t read_before) noexcept {
    frames_.begin({receiver, false}, limits, read_before);
  }
  [[nodiscard]] bool idle() const noexcept { return !decompressor_ && frames_.idle(); }
  [[nodiscard]] std::uint64_t read_so_far() const noexcept { return frames_.read_so_far(); }
  /// From now on messages may be compressed, and `ratio` times as large as on the wire. 0: no
  /// limit.
  void use(decompressor with, std::uint64_t ratio) {
    frames_.allow_compressed();
    decompressor_.emplace(std::move(with));
    ratio_ = ratio;
  }

  using found = frame_reader::found;
  using step_result = frame_reader::step_result;

  /// As frame_reader::step. Decompressed data lies in the reader until the next step.
  [[nodiscard]] step_result step(bytes& in) {
    if (!decompressor_) return frames_.step(in);
    if (!compressed_) {
      const step_result next = frames_.step(in);
      if (!next.compressed) return space_.empty() ? next : plain(next);
      begin_part(next);
    }
    return decompress(in);
  }

  /// As frame_reader's.
  [[nodiscard]] bytes take_short(bytes& in, std::uint64_t longest, message_type& type) {
    return decompressor_ ? bytes() : frames_.take_short(in, longest, type);
  }

  /// Bytes that were taken from the input may turn out to be much more.
  [[nodiscard]] bool decompresses() const noexcept { return decompressor_.has_value(); }
  /// As frame_reader's.
  [[nodiscard]] std::uint64_t left_of_plain_frame() const noexcept {
    return frames_.left_of_plain_frame();
  }
  /// A step will bring data without any input.
  [[nodiscard]] bool holds_data() const noexcept { return compressed_.has_value(); }
  void add_to(fingerprint_maker& out) const noexcept;
  /// The memory of the input goes away.
  void keep_input();

 private:
  void begin_part(const step_result& part);
  [[nodiscard]] step_result plain(const step_result& next);
  [[nodiscard]] step_result decompress(bytes& in);
  [[nodiscard]] bool decompress_part(step_result& out);
  [[nodiscard]] step_result broken(violation wrong) const noexcept;

  frame_reader frames_;
  std::optional<decompressor> decompressor_;
  std::uint64_t ratio_ = 0;
  std::uint64_t taken_ = 0;                // of this message, compressed
  std::uint64_t given_ = 0;                // and decompressed
  std::optional<step_result> compressed_;  // the part of a frame that is being decompressed
  bool frame_begins_ = false;              // and nothing of its frame was given out yet
  violation wrong_ = violation::none;      // found, and told by the next step
  bool in_message_ = false;
  utf8_validator utf8_;
  std::vector<std::byte> space_;
  std::vector<std::byte> kept_;
};

}  // namespace adieu::core
