// Pings, Pongs and the verdict on a silent peer (N14, D10, P3). Any received byte proves life; the
// clock of a Pong starts when its Ping was written; a verdict that comes far too late is not given,
// because then it was this process that stood still.
#pragma once

#include <array>
#include <optional>
#include <vector>

#include "adieu/core/apart.hpp"
#include "adieu/core/fingerprint.hpp"
#include "adieu/options.hpp"

namespace adieu::core {

class keepalive {
 public:
  /// The options outlive it.
  keepalive(const websocket_options& how, instant now) noexcept : how_(&how), heard_(now) {}

  /// A Ping that was queued: its payload is `counter`, eight bytes, most significant first.
  struct ping {
    std::uint64_t counter = 0;
    ticket owner = 0;            // 0: the keep-alive's own
    std::optional<instant> out;  // since when it may be answered
  };
  std::uint64_t queued(ticket owner);
  /// The transport has taken it whole: a Pong may come before written() does.
  void handed_over(std::uint64_t counter, instant now);
  void written(std::uint64_t counter, instant now);

  /// A Pong answers its Ping and every earlier one (RFC 6455 §5.5.3). Appends those; returns the
  /// round-trip time of the one that it names.
  [[nodiscard]] std::optional<duration> answered(const_bytes payload,
                                                 instant now,
                                                 std::vector<ping>& done);
  [[nodiscard]] bool cancel(ticket owner);
  /// No Pong will come any more.
  [[nodiscard]] std::vector<ping> give_up();

  void heard(instant now) noexcept;
  /// While the app does not read, the peer is not accused (P3).
  void pause() noexcept { paused_ = true; }
  void resume(instant now) noexcept;

  [[nodiscard]] std::optional<instant> deadline() const noexcept;
  /// A Ping of its own is out: a verdict may be next.
  [[nodiscard]] bool asks() const noexcept { return out_->asked != 0; }

  enum class verdict : std::uint8_t { wait, send_ping, silent };
  [[nodiscard]] verdict tick(instant now) noexcept;
  /// This machine slept: a fresh Ping before any verdict.
  void doubt() noexcept;
  void add_to(fingerprint_maker& out) const noexcept;
  /// Gives back the memory that no Ping needs: for others, or for good.
  void rest() noexcept { out_.rest(); }
  void let_go() noexcept { out_.let_go(); }

  [[nodiscard]] static std::array<std::byte, 8> payload_of(std::uint64_t counter) noexcept;

 private:
  const websocket_options* how_;
  instant heard_;
  std::uint64_t next_ = 1;
  struct outstanding {
    std::vector<ping> pings;
    std::uint64_t asked = 0;  // the counter of the keep-alive's own Ping, while it is out
    std::optional<instant> asked_at;
    [[nodiscard]] bool idle() const noexcept { return pings.empty() && asked == 0; }
  };
  apart<outstanding> out_;
  bool paused_ = false;
  bool doubtful_ = false;
};

}  // namespace adieu::core
