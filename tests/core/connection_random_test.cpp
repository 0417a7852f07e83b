// Schedules by chance (tests/core/schedule.hpp), each from its seed.
#include <random>

#include "tests/core/schedule.hpp"

namespace adieu::test {
namespace {

class seeded_choices : public choices {
 public:
  explicit seeded_choices(unsigned seed) : random_(seed), left_(20 + roll(150)) {}
  [[nodiscard]] bool more() override { return left_-- != 0; }
  std::size_t roll(std::size_t sides) override { return random_() % sides; }

 private:
  std::mt19937 random_;
  std::size_t left_;
};

class RandomSchedules : public ::testing::TestWithParam<bool> {};

TEST_P(RandomSchedules, every_invariant_holds_at_the_end) {
  for (unsigned seed = 1; seed <= 800; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    seeded_choices by_chance(seed);
    schedule(
        by_chance, GetParam() ? schedule_faults::some : schedule_faults::none, small_and_quick())
        .run();
    if (HasFailure()) break;
  }
}

INSTANTIATE_TEST_SUITE_P(With, RandomSchedules, ::testing::Bool(), [](const auto& tested) {
  return tested.param ? "faults" : "no_faults";
});

}  // namespace
}  // namespace adieu::test
