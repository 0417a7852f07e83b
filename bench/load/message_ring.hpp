// The messages that every connection sends round and round, as they go over the wire; built before
// the measurement starts.
//
// With context takeover a message's bytes depend on the messages before it. The first round starts
// from nothing, so it has bytes of its own; from the second on, the 32 KiB before a message are the
// same in every round. A round is longer than those, lest a message find itself there.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "deflate.hpp"
#include "messages.hpp"

namespace bench::load {

class message_ring {
 public:
  explicit message_ring(const options& chosen)
      : takeover_(chosen.deflate == compression::takeover) {
    constexpr std::size_t two_windows = 64 * 1024;
    std::size_t round = chosen.in_flight;
    if (chosen.deflate != compression::none) {
      round = std::max(round, two_windows / chosen.size + 1);
    }
    for (std::size_t i = 0; i < round; ++i) payloads_.push_back(make_payload(chosen, i));
    message_deflater deflater(chosen.deflate);
    const std::size_t rounds = takeover_ ? 3 : 2;  // so that any round's worth is in one piece
    for (std::size_t i = 0; i < rounds * round; ++i) {
      begins_.push_back(wire_.size());
      const std::string& payload = payloads_[i % round];
      if (chosen.deflate == compression::none) {
        append_message(wire_, chosen, payload, i);
      } else {
        const auto opcode = static_cast<std::uint8_t>(opcode_of(chosen.kind) | rsv1_bit);
        append_masked_frame(wire_, opcode, deflater.compress(payload), key_of(i));
      }
    }
    begins_.push_back(wire_.size());
  }

  /// Messages `number` to `number + count`, which are no more than are in flight.
  [[nodiscard]] std::string_view wire(std::uint64_t number, std::size_t count) const {
    const std::size_t round = payloads_.size();
    std::size_t first = static_cast<std::size_t>(number % round);
    if (takeover_ && number >= round) first += round;
    return std::string_view(wire_).substr(begins_[first], begins_[first + count] - begins_[first]);
  }

  [[nodiscard]] std::string_view payload(std::uint64_t number) const {
    return payloads_[static_cast<std::size_t>(number % payloads_.size())];
  }

 private:
  bool takeover_;
  std::vector<std::string> payloads_;
  std::string wire_;
  std::vector<std::size_t> begins_;
};

}  // namespace bench::load
