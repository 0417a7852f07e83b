// What is compared: after each step of a script, everything that can be seen of a side, in words.
// The C# player writes the same words (dotnet/Names.cs).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "adieu/core/types.hpp"

namespace oracle {

struct outcome {
  std::vector<std::string> done;  ///< what completed in this step: "2: text end "hello""
  std::string state;
  std::string status;             ///< CloseStatus and CloseStatusDescription, or "-"
  std::vector<std::string> wire;  ///< the frames that the peer got in this step
  std::string tcp;                ///< how the peer saw our output end in this step: "fin", "reset"

  bool operator==(const outcome&) const = default;
};

[[nodiscard]] std::string to_line(const outcome& one);

/// Short payloads in full, long ones by size and FNV-1a.
[[nodiscard]] std::string shown(std::string_view bytes);

/// "text end "hello"": a frame of the side's, its mask removed.
[[nodiscard]] std::string frame_in_words(unsigned char first, std::string_view payload);

/// Frames out of what the peer reads. `from` says whether they have to be masked.
class frame_log {
 public:
  explicit frame_log(adieu::role from) : from_(from) {}
  /// The frames that are whole now, in words.
  [[nodiscard]] std::vector<std::string> take(std::string_view more);
  /// Bytes of a frame that is not whole.
  [[nodiscard]] std::size_t left() const noexcept { return held_.size(); }

 private:
  adieu::role from_;
  std::string held_;
};

}  // namespace oracle
