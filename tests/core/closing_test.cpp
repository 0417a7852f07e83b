// The closing table, every (phase, event) pair: against a second description in another form (facts
// about the two Closes instead of phases), and against a real connection that is brought into the
// phase and through the event, in both roles.
#include "adieu/core/closing.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <queue>
#include <set>
#include <tuple>

#include "tests/core/endpoint.hpp"

namespace adieu::test {
namespace {

using core::action;
using core::event;
using core::transition;

template <class Enum>
std::vector<Enum> all(std::size_t count) {
  std::vector<Enum> out;
  for (std::size_t i = 0; i < count; ++i) out.push_back(static_cast<Enum>(i));
  return out;
}
const auto phases = all<phase>(core::phase_count);
const auto events = all<event>(core::event_count);

// ── The second description ──────────────────────────────────────────────────────────────────

// N2: the Close sent and the Close received are two facts; a failure and TCP's end are two more.
struct facts {
  enum { not_asked, waiting, written } ours = not_asked;
  bool theirs = false;
  bool failed = false;  // no clean end is possible: only our Close may still go out
  bool gone = false;

  [[nodiscard]] bool clean() const { return ours == written && theirs && !failed; }
  [[nodiscard]] bool reads() const { return !theirs && !failed && !gone; }
  [[nodiscard]] bool teardown() const { return !gone && (failed ? ours != waiting : clean()); }
};

facts facts_of(phase in) {
  switch (in) {
    case phase::open: return {};
    case phase::close_queued: return {.ours = facts::waiting};
    case phase::close_sent: return {.ours = facts::written};
    case phase::close_received: return {.theirs = true};
    case phase::reply_queued: return {.ours = facts::waiting, .theirs = true};
    case phase::closed: return {.ours = facts::written, .theirs = true};
    case phase::failing: return {.ours = facts::waiting, .failed = true};
    case phase::draining: return {.failed = true};
    case phase::over_closed: return {.ours = facts::written, .theirs = true, .gone = true};
    case phase::over_aborted: return {.failed = true, .gone = true};
  }
  return {};
}

phase phase_of(const facts& f) {
  if (f.gone) return f.clean() ? phase::over_closed : phase::over_aborted;
  if (f.failed) return f.ours == facts::waiting ? phase::failing : phase::draining;
  if (f.ours == facts::not_asked) return f.theirs ? phase::close_received : phase::open;
  if (f.ours == facts::waiting) return f.theirs ? phase::reply_queued : phase::close_queued;
  return f.theirs ? phase::closed : phase::close_sent;
}

transition expected(phase in, event what) {
  facts f = facts_of(in);
  const auto stays = [&](action act) { return transition{in, act}; };
  const auto becomes = [&](action act) { return transition{phase_of(f), act}; };
  const auto ends = [&](action act) {
    f.gone = true;
    return becomes(act);
  };
  switch (what) {
    case event::call_close:
    case event::call_close_output:
      if (f.gone || f.failed || f.clean()) return stays(action::refuse);  // S8
      if (f.ours != facts::not_asked) {                                   // N1, N3
        return stays(what == event::call_close ? action::none : action::refuse);
      }
      f.ours = facts::waiting;
      return becomes(action::queue_close);
    case event::close_written:
      if (f.ours != facts::waiting || f.gone) return stays(action::impossible);
      f.ours = facts::written;
      return becomes(f.failed   ? action::fin_and_drain
                     : f.theirs ? action::tear_down
                                : action::none);
    case event::close_read:
      if (!f.reads()) return stays(action::impossible);
      f.theirs = true;
      return becomes(f.clean() ? action::tear_down : action::deliver_close);
    case event::rule_broken:  // D14, and P1: no second Close
      if (!f.reads()) return stays(action::impossible);
      f.failed = true;
      if (f.ours == facts::written) return becomes(action::fin_and_drain);
      f.ours = facts::waiting;
      return becomes(action::queue_failure);
    case event::input_fin:  // S9, unless something of ours may still be written
      if (f.gone) return stays(action::none);
      if (f.reads() || f.teardown()) return ends(action::cut);
      return stays(action::note_fin);
    case event::input_lost:
      if (f.gone) return stays(action::none);
      return ends(action::cut);
    case event::output_lost:
      if (f.gone || f.teardown()) return stays(action::none);
      if (f.reads()) return stays(action::stop_writing);  // the peer's Close may still be there
      return ends(action::cut);
    case event::close_deadline:  // P5: before both Closes only; D11's clock answers instead
      if (f.gone || f.teardown() || in == phase::close_received) return stays(action::impossible);
      return ends(action::reset);
    case event::linger_over:
      if (!f.teardown()) return stays(action::impossible);
      return ends(action::cut);
    case event::peer_silent:  // D10: while nothing was said about closing
      if (in != phase::open) return stays(action::impossible);
      return ends(action::reset);
    case event::peer_not_reading:
      if (f.gone || f.teardown()) return stays(action::impossible);
      return ends(action::reset);
    case event::call_abort:  // P6: after both Closes it only ends the teardown
      if (f.gone) return stays(action::none);
      return f.clean() ? ends(action::cut) : ends(action::reset);
    case event::call_destroy:  // P6
      if (f.gone || f.teardown() || (f.ours == facts::waiting && (f.theirs || f.failed))) {
        return stays(action::none);
      }
      f = {.failed = true};
      return becomes(action::fin_and_drain);
  }
  return {};
}

TEST(ClosingTable, every_pair_is_as_described) {
  for (const phase in : phases) {
    for (const event what : events) {
      const transition has = step(in, what), should = expected(in, what);
      EXPECT_EQ(to_string(has.next), to_string(should.next))
          << to_string(in) << " × " << to_string(what);
      EXPECT_EQ(to_string(has.act), to_string(should.act))
          << to_string(in) << " × " << to_string(what);
    }
  }
}

TEST(ClosingTable, N1_a_close_is_valid_in_its_states_only) {
  const std::set<state> close_output{state::open, state::close_received};
  const std::set<state> close{state::open, state::close_received, state::close_sent};
  for (const phase in : phases) {
    // Of our own Close that waits, the wire knows nothing yet: the call counts (P1).
    const bool waits = in == phase::close_queued || in == phase::reply_queued;
    EXPECT_EQ(step(in, event::call_close).act != action::refuse,
              close.contains(core::public_state(in)))
        << to_string(in);
    EXPECT_EQ(step(in, event::call_close_output).act != action::refuse,
              close_output.contains(core::public_state(in)) && !waits)
        << to_string(in);
  }
}

TEST(ClosingTable, over_absorbs_everything) {
  for (const phase over : {phase::over_closed, phase::over_aborted}) {
    for (const event what : events) EXPECT_EQ(step(over, what).next, over);
  }
}

TEST(ClosingTable, every_phase_is_reached_and_has_a_way_out) {
  std::set<phase> reached{phase::open};
  std::queue<phase> todo({phase::open});
  while (!todo.empty()) {
    for (const event what : events) {
      const transition t = step(todo.front(), what);
      if (t.act != action::impossible && reached.insert(t.next).second) todo.push(t.next);
    }
    todo.pop();
  }
  EXPECT_EQ(reached.size(), core::phase_count);
  for (const phase in : phases) {
    if (core::is_over(in)) continue;
    EXPECT_TRUE(core::is_over(step(in, event::call_abort).next)) << to_string(in);
    EXPECT_TRUE(core::is_over(step(in, event::input_lost).next)) << to_string(in);
  }
}

TEST(ClosingTable, N2_closed_only_when_both_passed_and_aborted_never_turns_back) {
  for (const phase in : phases) {
    for (const event what : events) {
      const state before = core::public_state(in), after = core::public_state(step(in, what).next);
      if (before == state::aborted || before == state::closed) {
        EXPECT_EQ(after, before);
      }
      if (after == state::closed && before != state::closed) {
        EXPECT_TRUE((before == state::close_sent && what == event::close_read) ||
                    (before == state::close_received && what == event::close_written));
      }
    }
  }
}

TEST(ClosingTable, its_picture_names_every_phase) {
  const std::string diagram = core::closing_diagram(), table = core::closing_markdown();
  for (const phase in : phases) {
    EXPECT_NE(diagram.find(to_string(in)), std::string::npos);
    EXPECT_NE(table.find("| " + std::string(to_string(in)) + " |"), std::string::npos);
  }
}

// ── A real connection ───────────────────────────────────────────────────────────────────────

using pair_of_table = std::tuple<role, phase, event>;
class ClosingPair : public ::testing::TestWithParam<pair_of_table> {};

websocket_options clocks_for(event what) {
  websocket_options o;
  o.close_timeout = what == event::close_deadline ? 5s : 1h;
  o.ping_interval = what == event::peer_silent ? 5s : 0s;
  o.pong_timeout = 5s;
  o.write_timeout = what == event::peer_not_reading ? 5s : 0s;
  o.linger = 1s;
  return o;
}

const frame wrong_frame{3, "x"};

void bring(endpoint& e, phase into, event next) {
  const auto block = [&] { e.room = 0; };
  const auto call = [&] {
    // The total deadline is async_close's; half-close has only its idle limit.
    next == event::call_close ? e.close(1000) : e.close_output(1000);
  };
  switch (into) {
    case phase::open: break;
    case phase::close_queued: block(), call(); break;
    case phase::close_sent: call(); break;
    case phase::close_received: e.feed_close(1000); break;
    case phase::reply_queued: e.feed_close(1000), block(), call(); break;
    case phase::closed: e.feed_close(1000), call(); break;
    case phase::failing: block(), e.feed(wrong_frame); break;
    case phase::draining: e.feed(wrong_frame); break;
    case phase::over_closed: e.feed_close(1000), call(), e.fin(); break;
    case phase::over_aborted: e.abort(); break;
  }
  block();
}

// False when the surroundings can't cause the event: only the connection itself could.
bool cause_event(endpoint& e, event what) {
  switch (what) {
    case event::call_close: e.close(1000); return true;
    case event::call_close_output: e.close_output(1000); return true;
    case event::close_written: e.room = no_limit, e.pump(); return true;
    case event::close_read: e.feed_close(1000); return true;
    case event::rule_broken: e.feed(wrong_frame); return true;
    case event::input_fin: e.fin(); return true;
    case event::input_lost: e.input_ended(input_end::reset); return true;
    case event::output_lost: e.output_failed(input_end::reset); return true;
    case event::close_deadline:
      // In open it comes only after a failed write, which leaves the peer's Close a chance.
      if (e.core.phase() == phase::open) e.output_failed(input_end::reset);
      e.advance(5s);
      return true;
    case event::linger_over: e.advance(1s); return true;
    case event::peer_silent: e.room = no_limit, e.advance(10s); return true;
    case event::peer_not_reading:
      if (e.core.phase() == phase::open || e.core.phase() == phase::close_received) e.send("x");
      if (e.core.phase() == phase::close_sent) e.feed({ping_op, "p"});  // its Pong gets stuck
      e.advance(5s);
      return true;
    case event::call_abort: e.abort(); return true;
    case event::call_destroy: e.destroy(); return true;
  }
  return false;
}

TEST_P(ClosingPair, behaves_as_the_table_says) {
  const auto [self, in, what] = GetParam();
  endpoint e(self, clocks_for(what));
  bring(e, in, what);
  ASSERT_EQ(to_string(e.core.phase()), to_string(in));
  ASSERT_EQ(e.core.state(), core::public_state(in));
  const std::size_t commands = e.obeyed.size();
  const transition t = step(in, what);

  if (what == event::linger_over && t.act == action::impossible) return;  // nothing lingers
  if (t.act == action::impossible &&
      (what == event::close_written || what == event::peer_silent ||
       what == event::peer_not_reading || what == event::close_deadline)) {
    return;  // the clock, or the Close, does not exist here
  }
  ASSERT_TRUE(cause_event(e, what));
  EXPECT_EQ(to_string(e.core.phase()), to_string(t.next));
  if (!(what == event::call_destroy && e.record().cause == cause::disposed)) {
    EXPECT_EQ(e.core.state(), core::public_state(t.next));
  } else {
    EXPECT_EQ(e.core.state(), state::closed);  // N11
  }

  std::vector<command> now_obeyed(e.obeyed.begin() + static_cast<std::ptrdiff_t>(commands),
                                  e.obeyed.end());
  std::vector<command> wanted;
  if (t.act == action::cut) wanted = {command::cut};
  if (t.act == action::reset) wanted = {command::reset};
  if (t.act == action::fin_and_drain) wanted = {command::shut_output};
  if (t.act == action::tear_down && self == role::server) wanted = {command::shut_output};  // D9
  EXPECT_EQ(now_obeyed, wanted);
  EXPECT_EQ(e.core.ended(), core::is_over(t.next));
  if (t.act == action::refuse) {
    EXPECT_EQ(e.error(e.last()), errc::invalid_state);
  }
  if (!core::is_over(t.next) && t.next != phase::open) {
    EXPECT_TRUE(e.core.deadline()) << "nothing ends " << to_string(t.next);
  }
}

std::string pair_name(const ::testing::TestParamInfo<pair_of_table>& tested) {
  const auto& [self, in, what] = tested.param;
  return name_of(self) + "_" + std::string(to_string(in)) + "_" + std::string(to_string(what));
}

INSTANTIATE_TEST_SUITE_P(Every,
                         ClosingPair,
                         ::testing::Combine(::testing::Values(role::client, role::server),
                                            ::testing::ValuesIn(phases),
                                            ::testing::ValuesIn(events)),
                         pair_name);

}  // namespace
}  // namespace adieu::test
