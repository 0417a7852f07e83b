// A whole session: two cores, a network, two apps and time, in the order that the input says
// (tests/core/schedule.hpp has the invariants), with and without permessage-deflate and faults.
#include "fuzz/record_checks.hpp"
#include "tests/core/schedule.hpp"

namespace adieu::fuzz {
namespace {

class input_choices : public test::choices {
 public:
  explicit input_choices(input& from) : from_(from) {}
  [[nodiscard]] bool more() override { return !from_.empty(); }
  std::size_t roll(std::size_t sides) override { return from_.choose(sides); }

 private:
  input& from_;
};

websocket_options options(input& in) {
  static constexpr std::size_t windows[] = {200, 64 * 1024, 100, 60};
  websocket_options out = test::small_and_quick();
  const std::size_t choice = in.choose(256);
  out.receive_window = windows[choice & 3];
  if ((choice & 4) != 0) {
    deflate_options& deflate = out.deflate.emplace();
    deflate.threshold = (choice & 8) != 0 ? 0 : 64;
    deflate.client_context_takeover = (choice & 16) == 0;
    deflate.client_max_window_bits = (choice & 32) != 0 ? 9 : 15;
  }
  if ((choice & 64) != 0) out.ping_interval = std::chrono::milliseconds(0);
  return out;
}

}  // namespace

void run(input in) {
  const auto faults = in.choose(2) == 0 ? test::schedule_faults::none : test::schedule_faults::some;
  const websocket_options both = options(in);
  input_choices chosen(in);
  test::schedule session(chosen, faults, both);
  session.run();
  expect_consistent(session.record(role::client));
  expect_consistent(session.record(role::server));
}

}  // namespace adieu::fuzz
