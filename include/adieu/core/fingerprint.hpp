// What tells one state of a connection from another, in 128 bits: for whoever walks through all
// states and must not walk twice (tests/model). Not for keys, and not stable between versions.
//
// In it is everything that can still change what a connection does or what its record will say.
// Not in it: settings, memory addresses, points in time that are over (those of the record), and
// offsets since the beginning. Deadlines count from now.
#pragma once

#include <bit>
#include <concepts>
#include <optional>
#include <type_traits>

#include "adieu/core/types.hpp"

namespace adieu::core {

struct fingerprint {
  std::uint64_t high = 0;
  std::uint64_t low = 0;
  friend bool operator==(const fingerprint&, const fingerprint&) = default;
};

class fingerprint_maker {
 public:
  explicit fingerprint_maker(instant now) noexcept : now_(now) {}

  template <class Value>
  requires std::integral<Value> || std::is_enum_v<Value>
  void add(Value value) noexcept { mix(static_cast<std::uint64_t>(value)); }
  template <class Value>
  void add(const std::optional<Value>& value) noexcept {
    add(value.has_value());
    if (value) add(*value);
  }
  void add(instant when) noexcept { mix(static_cast<std::uint64_t>((when - now_).count())); }
  void add(const_bytes data) noexcept;
  void add(std::string_view text) noexcept { add(as_bytes(text)); }

  [[nodiscard]] fingerprint made() const noexcept;

 private:
  void mix(std::uint64_t word) noexcept {
    high_ = std::rotl(high_ ^ (word * 0x9E3779B185EBCA87U), 31) * 0xC2B2AE3D27D4EB4FU;
    low_ = (std::rotl(low_, 27) ^ word) * 0x165667B19E3779F9U + high_;
  }

  instant now_;
  std::uint64_t high_ = 0x27D4EB2F165667C5U;
  std::uint64_t low_ = 0x85EBCA77C2B2AE63U;
};

}  // namespace adieu::core
