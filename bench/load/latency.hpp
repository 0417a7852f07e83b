// A histogram of latencies whose buckets are at most 1/32 (3 %) wide: no allocation, no sorting.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>

namespace bench::load {

class latency_histogram {
 public:
  void add(std::uint64_t nanoseconds) {
    ++buckets_[index_of(nanoseconds)];
    ++count_;
  }

  void clear() {
    buckets_.fill(0);
    count_ = 0;
  }

  /// The upper edge of the bucket in which the quantile lies, in nanoseconds.
  [[nodiscard]] std::uint64_t quantile(double q) const {
    const auto wanted =
        std::max<std::uint64_t>(1, static_cast<std::uint64_t>(q * static_cast<double>(count_)));
    std::uint64_t seen = 0;
    for (std::size_t i = 0; i < buckets_.size(); ++i) {
      seen += buckets_[i];
      if (seen >= wanted) {
        return upper_edge(i);
      }
    }
    return 0;
  }

 private:
  // Values below 64 have a bucket each; above, 32 buckets for each power of two.
  static constexpr unsigned sub_bits = 5;
  static constexpr std::size_t sub_count = std::size_t{1} << sub_bits;

  static std::size_t index_of(std::uint64_t value) {
    if (value < 2 * sub_count) {
      return static_cast<std::size_t>(value);
    }
    const auto shift = static_cast<unsigned>(std::bit_width(value)) - sub_bits - 1;
    return shift * sub_count + static_cast<std::size_t>(value >> shift);
  }

  static std::uint64_t upper_edge(std::size_t index) {
    if (index < 2 * sub_count) {
      return index;
    }
    const auto shift = index / sub_count - 1;
    const auto top = index - shift * sub_count;
    return ((top + 1) << shift) - 1;
  }

  std::array<std::uint64_t, (64 - sub_bits + 1) * sub_count> buckets_{};
  std::uint64_t count_ = 0;
};

}  // namespace bench::load
