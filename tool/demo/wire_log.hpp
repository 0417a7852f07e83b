// What crossed the wire between a client and a server: frames, FINs and resets with their times,
// read off the bytes in passing; and notes of what each side did meanwhile. From any thread.
#pragma once

#include <array>
#include <chrono>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "adieu/core/frame.hpp"
#include "adieu/record.hpp"

namespace adieu::tool::demo {

using clock = std::chrono::steady_clock;

enum class end : std::uint8_t { client, server };

[[nodiscard]] constexpr end other(end of) noexcept {
  return of == end::client ? end::server : end::client;
}

enum class sort : std::uint8_t { http, data, ping, pong, close, broken, fin, reset, note };

struct wire_event {
  wire_event() = default;

  sort what = sort::note;
  end from = end::client;
  clock::duration at{};       ///< when it was seen, since the log began
  clock::duration arrived{};  ///< when it was passed on; later than `at` where it was held back
  std::string label;
  std::optional<close_frame> close;  ///< of a Close
};

class wire_log {
 public:
  /// Bytes that `from` sent, cut anywhere. Returns the number of the first event that they
  /// complete.
  std::size_t bytes(end from, std::string_view chunk);
  /// The events from `first` on that `from` sent are passed on now, not when they were seen.
  void passed_on(end from, std::size_t first);
  void fin(end from);
  void reset(end from);
  /// Something that the program at this end did, or was told.
  void note(end at, std::string text);

  [[nodiscard]] bool saw(end from, sort what) const;
  [[nodiscard]] std::vector<wire_event> events() const;

 private:
  struct direction {
    std::string pending;  // a head, or a frame, that is not whole yet
    bool head_done = false;
    bool broken = false;
  };

  void add(sort what, end from, std::string label, std::optional<close_frame> close = {});
  bool take_head(end from, direction& in);
  bool take_frame(end from, direction& in);
  void add_frame(end from, const core::frame_header& header, std::string_view payload);

  mutable std::mutex mutex_;
  clock::time_point began_ = clock::now();
  std::vector<wire_event> events_;
  std::array<direction, 2> directions_;
};

}  // namespace adieu::tool::demo
