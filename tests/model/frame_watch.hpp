// Reads frames off a stream of bytes as they pass, however they are cut: the explorer's own eyes
// on the wire. Written by a second hand, so that a mistake in the library's code can't hide.
#pragma once

#include <algorithm>
#include <array>
#include <string>
#include <string_view>
#include <utility>

#include "adieu/core/fingerprint.hpp"

namespace adieu::model {

class frame_watch {
 public:
  struct sight {
    unsigned op = 0;
    bool fin = false;
    bool begins = false;  // the first that is seen of this frame
    bool ends = false;
    bool wrong = false;        // no frame of RFC 6455 begins so; nothing follows
    std::string payload;       // of this step; of a control frame, all of it at its end
    std::uint64_t length = 0;  // of the frame
  };

  /// Takes bytes off the front of `in` until there is something to say. False: it wants more.
  bool next(std::string_view& in, sight& out) {
    if (lost_) in = {};
    while (!in.empty() && !in_frame_) {
      head_[have_++] = static_cast<unsigned char>(in.front());
      in.remove_prefix(1);
      if ((head_[0] & 0x70) != 0) {
        lost_ = true;
        in = {};
        out = {};
        out.wrong = true;
        return true;
      }
      if (have_ >= 2 && have_ == head_size()) return begin(in, out);
    }
    if (in.empty() || !in_frame_) return false;
    return go_on(in, out);
  }

  [[nodiscard]] bool between_frames() const noexcept { return !in_frame_ && have_ == 0; }
  [[nodiscard]] bool lost() const noexcept { return lost_; }

  void add_to(core::fingerprint_maker& out) const noexcept {
    out.add(lost_);
    out.add(in_frame_);
    out.add(have_);
    out.add(left_);
    if (in_frame_) out.add(head_[0]);
    out.add(control_);
  }

 private:
  [[nodiscard]] std::size_t length_size() const noexcept {
    const unsigned size = head_[1] & 0x7FU;
    return size == 126 ? 2 : size == 127 ? 8 : 0;
  }
  [[nodiscard]] bool masked() const noexcept { return (head_[1] & 0x80) != 0; }
  [[nodiscard]] std::size_t head_size() const noexcept {
    return 2 + length_size() + (masked() ? 4 : 0);
  }
  bool begin(std::string_view& in, sight& out) {
    length_ = head_[1] & 0x7FU;
    if (length_size() != 0) length_ = 0;
    for (std::size_t i = 0; i < length_size(); ++i) length_ = length_ << 8 | head_[2 + i];
    left_ = length_;
    in_frame_ = true;
    begins_ = true;
    control_.clear();
    return left_ == 0 || !in.empty() ? go_on(in, out) : tell(out, {});
  }
  bool go_on(std::string_view& in, sight& out) {
    const auto size = static_cast<std::size_t>(std::min<std::uint64_t>(left_, in.size()));
    std::string piece(in.substr(0, size));
    in.remove_prefix(size);
    for (char& c : piece) {
      const std::size_t at = static_cast<std::size_t>(length_ - left_) % 4;
      if (masked()) c = static_cast<char>(c ^ head_[2 + length_size() + at]);
      --left_;
    }
    return tell(out, std::move(piece));
  }
  bool tell(sight& out, std::string piece) {
    out = {};
    out.op = head_[0] & 15U;
    out.fin = (head_[0] & 0x80) != 0;
    out.begins = std::exchange(begins_, false);
    out.ends = left_ == 0;
    out.length = length_;
    if (out.op >= 8) {
      control_ += piece;
      if (out.ends) out.payload = std::exchange(control_, {});
    } else {
      out.payload = std::move(piece);
    }
    if (out.ends) in_frame_ = false, have_ = 0;
    return true;
  }

  std::array<unsigned char, 14> head_{};
  std::size_t have_ = 0;
  bool in_frame_ = false;
  bool begins_ = false;
  bool lost_ = false;
  std::uint64_t length_ = 0;
  std::uint64_t left_ = 0;
  std::string control_;
};

}  // namespace adieu::model
