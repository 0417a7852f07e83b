// Pings, Pongs and verdicts.
#include "adieu/core/keepalive.hpp"

#include <algorithm>
#include <utility>

namespace adieu::core {
namespace {
// A timer may be a little late on a busy machine. Later than this, we were not running.
constexpr duration far_too_late = std::chrono::seconds(2);
}  // namespace

std::uint64_t keepalive::queued(ticket owner) {
  pings_.push_back({next_, owner, {}});
  if (owner == 0) {
    asked_ = next_;
    asked_at_.reset();
  }
  return next_++;
}

void keepalive::handed_over(std::uint64_t counter, instant now) {
  for (ping& p : pings_) {
    if (p.counter == counter && !p.out) p.out = now;
  }
}

void keepalive::written(std::uint64_t counter, instant now) {
  handed_over(counter, now);
  if (counter == asked_) asked_at_ = now;
}

std::optional<duration> keepalive::answered(const_bytes payload,
                                            instant now,
                                            std::vector<ping>& done) {
  if (payload.size() != 8) return std::nullopt;
  std::uint64_t counter = 0;
  for (const std::byte b : payload) counter = counter << 8 | std::to_integer<std::uint64_t>(b);
  const auto named = std::ranges::find(pings_, counter, &ping::counter);
  if (named == pings_.end() || !named->out) return std::nullopt;
  const duration round_trip = now - *named->out;
  done.insert(done.end(), pings_.begin(), named + 1);
  pings_.erase(pings_.begin(), named + 1);
  return round_trip;
}

bool keepalive::cancel(ticket owner) {
  return std::erase_if(pings_, [&](const ping& p) { return p.owner == owner; }) != 0;
}

std::vector<keepalive::ping> keepalive::give_up() { return std::exchange(pings_, {}); }

void keepalive::heard(instant now) noexcept {
  heard_ = now;
  asked_ = 0;
  doubtful_ = false;
}

void keepalive::resume(instant now) noexcept {
  paused_ = false;
  heard(now);
}

std::optional<instant> keepalive::deadline() const noexcept {
  if (interval_ == duration::zero() || paused_) return std::nullopt;
  if (doubtful_) return instant::min();
  if (asked_ == 0) return heard_ + interval_;
  if (timeout_ == duration::zero() || !asked_at_) return std::nullopt;
  return *asked_at_ + timeout_;
}

keepalive::verdict keepalive::tick(instant now) noexcept {
  const std::optional<instant> due = deadline();
  if (!due || now < *due) return verdict::wait;
  const bool late = !doubtful_ && now - *due > far_too_late;
  if (asked_ == 0 || doubtful_ || late) {
    doubtful_ = false;
    std::erase_if(pings_, [&](const ping& p) { return p.owner == 0; });
    return verdict::send_ping;
  }
  return verdict::silent;
}

void keepalive::doubt() noexcept { doubtful_ = interval_ != duration::zero(); }

std::array<std::byte, 8> keepalive::payload_of(std::uint64_t counter) noexcept {
  std::array<std::byte, 8> out;
  for (std::size_t i = 0; i < 8; ++i) out[i] = static_cast<std::byte>(counter >> (56 - 8 * i));
  return out;
}

}  // namespace adieu::core
