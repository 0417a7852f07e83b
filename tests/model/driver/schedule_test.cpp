// The thinner explorer's short form: the first schedules.
#include "tests/model/driver/schedule.hpp"

#include <gtest/gtest.h>

namespace adieu::model {
namespace {

TEST(DriverExplorer, finds_nothing_wrong) {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  constexpr std::uint64_t schedules = 300;
#else
  constexpr std::uint64_t schedules = 5000;
#endif
  std::uint64_t clean = 0;
  for (std::uint64_t seed = 1; seed <= schedules; ++seed) {
    const schedule_figures f = run_schedule(seed);
    ASSERT_EQ(f.wrong, "") << "./dev explore --seed " << seed;
    clean += f.clean;
  }
  EXPECT_GT(clean, schedules / 4);
}

}  // namespace
}  // namespace adieu::model
