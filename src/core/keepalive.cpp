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
  outstanding& out = out_.need();
  out.pings.push_back({next_, owner, {}});
  if (owner == 0) {
    out.asked = next_;
    out.asked_at.reset();
  }
  return next_++;
}

void keepalive::handed_over(std::uint64_t counter, instant now) {
  if (!out_) return;
  for (ping& p : out_.need().pings) {
    if (p.counter == counter && !p.out) p.out = now;
  }
}

void keepalive::written(std::uint64_t counter, instant now) {
  handed_over(counter, now);
  if (counter == out_->asked) out_.need().asked_at = now;
}

std::optional<duration> keepalive::answered(const_bytes payload,
                                            instant now,
                                            std::vector<ping>& done) {
  if (payload.size() != 8 || !out_) return std::nullopt;
  std::uint64_t counter = 0;
  for (const std::byte b : payload) counter = counter << 8 | std::to_integer<std::uint64_t>(b);
  std::vector<ping>& pings = out_.need().pings;
  const auto named = std::ranges::find(pings, counter, &ping::counter);
  if (named == pings.end() || !named->out) return std::nullopt;
  const duration round_trip = now - *named->out;
  done.insert(done.end(), pings.begin(), named + 1);
  pings.erase(pings.begin(), named + 1);
  return round_trip;
}

bool keepalive::cancel(ticket owner) {
  if (!out_) return false;
  return std::erase_if(out_.need().pings, [&](const ping& p) { return p.owner == owner; }) != 0;
}

std::vector<keepalive::ping> keepalive::give_up() {
  if (!out_) return {};
  return std::exchange(out_.need().pings, {});
}

void keepalive::heard(instant now) noexcept {
  heard_ = now;
  if (out_) out_.need().asked = 0;
  doubtful_ = false;
}

void keepalive::resume(instant now) noexcept {
  paused_ = false;
  heard(now);
}

std::optional<instant> keepalive::deadline() const noexcept {
  if (how_->ping_interval == duration::zero() || paused_) return std::nullopt;
  if (doubtful_) return instant::min();
  if (!asks()) return heard_ + how_->ping_interval;
  if (how_->pong_timeout == duration::zero() || !out_->asked_at) return std::nullopt;
  return *out_->asked_at + how_->pong_timeout;
}

keepalive::verdict keepalive::tick(instant now) noexcept {
  const std::optional<instant> due = deadline();
  if (!due || now < *due) return verdict::wait;
  const bool late = !doubtful_ && now - *due > far_too_late;
  if (!asks() || doubtful_ || late) {
    doubtful_ = false;
    if (out_) std::erase_if(out_.need().pings, [&](const ping& p) { return p.owner == 0; });
    return verdict::send_ping;
  }
  return verdict::silent;
}

void keepalive::doubt() noexcept { doubtful_ = how_->ping_interval != duration::zero(); }

std::array<std::byte, 8> keepalive::payload_of(std::uint64_t counter) noexcept {
  std::array<std::byte, 8> out;
  for (std::size_t i = 0; i < 8; ++i) out[i] = static_cast<std::byte>(counter >> (56 - 8 * i));
  return out;
}

}  // namespace adieu::core
