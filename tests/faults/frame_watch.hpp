// What a raw peer makes of the bytes that it reads: its own few lines of RFC 6455 §5.2, so that
// Adieu is not judged by Adieu's parser. Data is counted, control frames are kept.
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace adieu::test {

class frame_watch {
 public:
  struct control {
    unsigned opcode;
    std::string payload;
  };

  void take(std::string_view in) {
    while (!in.empty()) {
      std::string& part = header_.size() < header_size() ? header_ : payload_;
      if (&part == &header_) {
        move(in, header_size() - header_.size());
        if (header_.size() < header_size()) continue;  // its second byte may ask for more
        left_ = payload_size();
      } else {
        const std::uint64_t size = std::min<std::uint64_t>(left_, in.size());
        if (is_control())
          payload_.append(in.substr(0, size));
        else
          data_ += size;
        left_ -= size;
        in.remove_prefix(size);
      }
      if (left_ == 0) finish();
    }
  }

  [[nodiscard]] std::uint64_t data() const noexcept { return data_; }
  [[nodiscard]] std::uint64_t pongs() const noexcept { return pongs_; }
  /// Pings that came since the last call, to be answered.
  [[nodiscard]] std::vector<std::string> take_pings() { return std::exchange(pings_, {}); }
  [[nodiscard]] unsigned closes() const noexcept { return closes_; }
  /// Of the first Close; 1005 when it had none.
  [[nodiscard]] unsigned close_code() const noexcept { return close_code_; }

 private:
  [[nodiscard]] unsigned byte(std::size_t at) const {
    return static_cast<unsigned char>(header_[at]);
  }
  [[nodiscard]] bool is_control() const { return (byte(0) & 0x8U) != 0; }
  [[nodiscard]] std::size_t length_size() const {
    const unsigned length = byte(1) & 0x7FU;
    return length == 127 ? 8 : length == 126 ? 2 : 0;
  }
  [[nodiscard]] std::size_t mask_size() const { return (byte(1) & 0x80U) != 0 ? 4 : 0; }
  [[nodiscard]] std::size_t header_size() const {
    return header_.size() < 2 ? 2 : 2 + length_size() + mask_size();
  }
  [[nodiscard]] std::uint64_t payload_size() const {
    if (length_size() == 0) return byte(1) & 0x7FU;
    std::uint64_t size = 0;
    for (std::size_t i = 0; i < length_size(); ++i) size = size << 8U | byte(2 + i);
    return size;
  }
  void move(std::string_view& from, std::size_t size) {
    size = std::min(size, from.size());
    header_.append(from.substr(0, size));
    from.remove_prefix(size);
  }
  void finish() {
    for (std::size_t i = 0; mask_size() != 0 && i < payload_.size(); ++i) {
      payload_[i] = static_cast<char>(static_cast<unsigned char>(payload_[i]) ^
                                      byte(header_.size() - 4 + i % 4));
    }
    switch (byte(0) & 0xFU) {
      case 0x8:
        if (closes_++ == 0 && payload_.size() >= 2) {
          close_code_ = static_cast<unsigned>(static_cast<unsigned char>(payload_[0])) << 8U |
                        static_cast<unsigned char>(payload_[1]);
        }
        break;
      case 0x9: pings_.push_back(payload_); break;
      case 0xA: ++pongs_; break;
      default: break;
    }
    header_.clear();
    payload_.clear();
  }

  std::string header_;
  std::string payload_;
  std::uint64_t left_ = 0;
  std::uint64_t data_ = 0;
  std::uint64_t pongs_ = 0;
  std::vector<std::string> pings_;
  unsigned closes_ = 0;
  unsigned close_code_ = 1005;
};

}  // namespace adieu::test
