// Input that waits for room: decompressed, it may be more than the receive window can take (P3).
// And how the input ended, if that came behind it.
#pragma once

#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include "adieu/core/fingerprint.hpp"
#include "adieu/core/types.hpp"

namespace adieu::core {

/// How a transport's input can end.
enum class input_end : std::uint8_t { fin, reset, truncated, error };

struct end_of_input {
  input_end how = input_end::fin;
  int os_error = 0;
};

class held_input {
 public:
  [[nodiscard]] bool waits() const noexcept { return waits_; }
  [[nodiscard]] bool idle() const noexcept { return !waits_ && released_.empty() && !end_; }
  /// `rest` has to wait. It may be what is left of release().
  void hold(const_bytes rest);
  /// Behind what waits.
  void append(const_bytes more) { waiting_.insert(waiting_.end(), more.begin(), more.end()); }
  void append(end_of_input end) noexcept { end_ = end; }

  /// What waited, to be read now; it lasts until used_up() or the next release().
  [[nodiscard]] bytes release() noexcept;
  /// Nothing of release() is needed any more: a connection that waits for nothing keeps no memory.
  void used_up() noexcept;
  /// The end that came behind what waited, once.
  [[nodiscard]] std::optional<end_of_input> take_end() noexcept { return std::exchange(end_, {}); }
  [[nodiscard]] bool ended() const noexcept { return end_.has_value(); }

  void add_to(fingerprint_maker& out) const noexcept;

 private:
  bool waits_ = false;
  std::vector<std::byte> waiting_;
  std::vector<std::byte> released_;
  std::optional<end_of_input> end_;
};

}  // namespace adieu::core
