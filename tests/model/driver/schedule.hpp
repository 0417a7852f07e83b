// The thinner explorer: the real driver and the public API under one random schedule, in virtual
// time, over transports that split, delay and fail at every step. The seed is the whole schedule.
#pragma once

#include <cstdint>
#include <string>

namespace adieu::model {

struct schedule_figures {
  std::uint64_t steps = 0;
  std::uint64_t calls = 0;
  std::uint64_t clean = 0;  // ends, of two
  std::string wrong;        // what did not hold, and everything that was done; empty: nothing
};

[[nodiscard]] schedule_figures run_schedule(std::uint64_t seed);

}  // namespace adieu::model
