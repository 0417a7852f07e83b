// Deadlines: which one is next, and what happens when it has come.
#include <algorithm>

#include "adieu/core/connection.hpp"

namespace adieu::core {
namespace {

constexpr duration far_too_late = std::chrono::seconds(2);

std::optional<instant> earlier(std::optional<instant> a, std::optional<instant> b) {
  if (!a) return b;
  return b ? std::min(*a, *b) : a;
}

bool has_come(const std::optional<instant>& due, instant now) { return due && *due <= now; }

}  // namespace

std::optional<instant> connection::deadline() const {
  if (is_over(phase_)) return std::nullopt;
  std::optional<instant> next =
      earlier(close_due(), earlier(ending_->linger_due, ending_->answer_due));
  next = earlier(next, earlier(write_due(), probe_due()));
  if (phase_ == phase::open) next = earlier(next, keepalive_.deadline());
  return next;
}

// P5. After async_close_output only silence counts, and not while we do not read.
std::optional<instant> connection::close_due() const {
  if (ending_->total_deadline) return ending_->total_deadline;
  const bool half_closed = phase_ == phase::close_queued || phase_ == phase::close_sent;
  if (!half_closed || in_->paused_since) return std::nullopt;
  return ending_->idle_since + how_->options.close_timeout;
}

std::optional<instant> connection::write_due() const {
  if (how_->options.write_timeout.count() == 0 || !outbox_->blocked()) return std::nullopt;
  if (phase_ == phase::closed || phase_ == phase::draining || output_lost_) return std::nullopt;
  return outbox_->progress + how_->options.write_timeout;
}

std::optional<instant> connection::probe_due() const {
  const bool probes = in_->paused_since && parses() && how_->options.probe_interval.count() > 0;
  return probes ? std::optional(in_->next_probe) : std::nullopt;
}

void connection::tick(instant now) {
  while (!is_over(phase_)) {
    if (has_come(ending_->linger_due, now)) {
      ending().record.teardown_timed_out = phase_ == phase::closed;
      ending().record.tcp = tcp_end::timed_out;
      apply(event::linger_over, now);
    } else if (has_come(close_due(), now)) {
      apply(event::close_deadline, now);
    } else if (has_come(ending_->answer_due, now)) {
      const auto answer = close_status().value_or(adieu::close_status::no_status_received);
      ending().answer_due.reset();
      ending().total_deadline = now + how_->options.close_timeout;
      start_close(event::call_close, answer, {}, now);  // D11
    } else if (has_come(write_due(), now)) {
      if (now - *write_due() > far_too_late) {
        sending().progress = now;  // P3: it was we who stood still
        continue;
      }
      apply(event::peer_not_reading, now);
    } else if (phase_ == phase::open && has_come(keepalive_.deadline(), now)) {
      if (keepalive_.tick(now) == keepalive::verdict::silent) {
        apply(event::peer_silent, now);
      } else {
        const duration silent =
            since_open(now) - (last_byte_sent_ != unknown ? last_byte_sent_ : duration{});
        if (outbox_ && silent >= how_->options.ping_interval) sending().packer().rest();
        let_go_of_what_rests();
        const std::uint64_t counter = keepalive_.queued(0);
        sending().push_control(opcode::ping, keepalive::payload_of(counter), counter);
      }
    } else if (has_come(probe_due(), now)) {
      probe_now_ = true;
      // The peer's Pings lie unread behind the window: it shall not take us for dead. RFC 6455
      // §5.5.3.
      sending().push_control(opcode::pong, {});
      taking_in().next_probe = now + how_->options.probe_interval;
    } else {
      break;
    }
  }
  settle(now);
}

void connection::woke_up(instant now) {
  keepalive_.doubt();
  if (outbox_) sending().progress = now;
  tick(now);
}

}  // namespace adieu::core
