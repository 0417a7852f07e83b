// The messages that permessage-deflate compresses (RFC 7692 §6.1): a piece goes in, its frames come
// out. A large piece becomes several frames, so that neither memory nor a waiting control frame
// depends on its size.
#pragma once

#include <optional>
#include <vector>

#include "adieu/core/deflate.hpp"
#include "adieu/core/frame_writer.hpp"
#include "adieu/core/send_queue.hpp"

namespace adieu::core {

class packer {
 public:
  /// Without this, nothing is compressed. `threshold`: whole messages below it are not.
  void use(compressor with, std::uint64_t threshold) {
    deflate_.emplace(std::move(with));
    threshold_ = threshold;
  }

  /// Whether this piece's message is compressed, which its first piece decides.
  [[nodiscard]] bool takes(const send_queue::next_frame& piece);
  void begin(const send_queue::next_frame& piece) { piece_ = piece; }
  [[nodiscard]] bool in_use() const noexcept { return deflate_.has_value(); }
  [[nodiscard]] bool busy() const noexcept { return piece_.has_value(); }

  /// The next frame of the piece; its payload lasts until the next call. The last one has the
  /// owner.
  struct packed {
    frame_writer::frame frame;
    ticket owner = 0;
  };
  [[nodiscard]] packed next_frame();

  [[nodiscard]] unsent left() const noexcept;
  /// Gives up the rest of the piece.
  void drop(std::vector<ticket>& dropped);

  /// Nothing was sent for a while: zlib's memory can go.
  void rest();

 private:
  std::optional<compressor> deflate_;
  std::uint64_t threshold_ = 0;
  bool compresses_ = false;                      // the message that has the wire
  bool in_message_ = false;                      // and its last piece was not begun
  std::optional<send_queue::next_frame> piece_;  // what is left of it
  std::vector<std::byte> out_;
};

}  // namespace adieu::core
