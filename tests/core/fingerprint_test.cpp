// The fingerprint: the same for the same future, another one for any difference that can matter.
#include "adieu/core/fingerprint.hpp"

#include <functional>
#include <map>

#include "tests/core/endpoint.hpp"

namespace adieu::test {
namespace {

using core::fingerprint;
using core::fingerprint_maker;

class Fingerprint : public BothRoles {
 protected:
  using script = std::function<void(endpoint&)>;
  [[nodiscard]] static fingerprint after(const script& play) {
    endpoint e(self());
    play(e);
    return e.core.fingerprint(e.now);
  }
};
ADIEU_BOTH_ROLES(Fingerprint);

TEST_P(Fingerprint, a_copy_has_the_same_and_goes_its_own_way) {
  endpoint e(self());
  e.room = 9;
  e.send("a message that is stuck half way");
  e.feed({text_op, "unread"});
  core::connection copy = e.core;
  EXPECT_EQ(copy.fingerprint(e.now), e.core.fingerprint(e.now));
  copy.close(77, close_status(1000), "", e.now);
  EXPECT_NE(copy.fingerprint(e.now), e.core.fingerprint(e.now));
  e.core.close(77, close_status(1000), "", e.now);
  EXPECT_EQ(copy.fingerprint(e.now), e.core.fingerprint(e.now));
}

TEST_P(Fingerprint, tells_states_apart) {
  const std::string two = encode(other(self()), {text_op, "abc"});
  const std::map<std::string, script> states{
      {"new", [](endpoint&) {}},
      {"a receive waits", [](endpoint& e) { e.receive(); }},
      {"it has another buffer", [](endpoint& e) { e.receive(7); }},
      {"for whatever comes", [](endpoint& e) { e.receive(4096, receive_kind::some); }},
      {"for a message", [](endpoint& e) { e.receive_message(); }},
      {"half a header", [&](endpoint& e) { e.feed(two.substr(0, 1)); }},
      {"half a payload", [&](endpoint& e) { e.feed(two.substr(0, two.size() - 1)); }},
      {"unread",
       [](endpoint& e) {
         e.feed({text_op, "abc"});
       }},
      {"other bytes unread",
       [](endpoint& e) {
         e.feed({text_op, "abd"});
       }},
      {"another type unread",
       [](endpoint& e) {
         e.feed({binary_op, "abc"});
       }},
      {"an open message unread",
       [](endpoint& e) {
         e.feed({text_op, "abc", false});
       }},
      {"a cut code point",
       [](endpoint& e) {
         e.feed({text_op, "ab\xC3", false});
       }},
      {"another cut code point",
       [](endpoint& e) {
         e.feed({text_op, "ab\xE2", false});
       }},
      {"a send is stuck", [](endpoint& e) { e.room = 0, e.send("abc"); }},
      {"further on", [](endpoint& e) { e.room = 1, e.send("abc"); }},
      {"two are", [](endpoint& e) { e.room = 0, e.send("abc"), e.send("abc"); }},
      {"a message is open", [](endpoint& e) { e.send("abc", false); }},
      {"a place is held", [](endpoint& e) { e.core.begin_message(1); }},
      {"a Ping is out", [](endpoint& e) { e.ping(); }},
      {"a Close waits", [](endpoint& e) { e.room = 0, e.close(1000); }},
      {"another Close waits", [](endpoint& e) { e.room = 0, e.close(1001); }},
      {"half a close waits", [](endpoint& e) { e.room = 0, e.close_output(1000); }},
      {"our Close is out", [](endpoint& e) { e.close_output(1000); }},
      {"later", [](endpoint& e) { e.close_output(1000), e.now += 1s; }},
      {"theirs came", [](endpoint& e) { e.feed_close(1000); }},
      {"with a reason", [](endpoint& e) { e.feed_close(1000, "why"); }},
      {"and was told", [](endpoint& e) { e.feed_close(1000), e.receive(); }},
      {"both", [](endpoint& e) { e.feed_close(1000), e.close_output(1000); }},
      {"ours first", [](endpoint& e) { e.close_output(1000), e.feed_close(1000); }},
      {"over", [](endpoint& e) { e.fin(); }},
      {"reset", [](endpoint& e) { e.input_ended(input_end::reset); }},
      {"cut", [](endpoint& e) { e.input_ended(input_end::truncated); }},
      {"aborted", [](endpoint& e) { e.abort(); }},
      {"destroyed", [](endpoint& e) { e.destroy(); }},
      {"a rule was broken",
       [](endpoint& e) {
         e.feed({3, "x"});
       }},
      {"no output", [](endpoint& e) { e.output_failed(input_end::reset); }},
  };
  std::map<std::pair<std::uint64_t, std::uint64_t>, std::string> seen;
  for (const auto& [name, play] : states) {
    const fingerprint f = after(play);
    const auto [there, fresh] = seen.try_emplace({f.high, f.low}, name);
    EXPECT_TRUE(fresh) << name << " looks like " << there->second;
  }
}

// What is over leaves no trace: else no search would ever come back to where it was.
TEST_P(Fingerprint, forgets_what_can_not_matter_any_more) {
  const fingerprint fresh = after([](endpoint&) {});
  EXPECT_EQ(fresh, after([](endpoint& e) {
              e.now += 5s;
              e.send("sent and gone");
              e.feed({text_op, "read and gone"});
              e.receive();
            }));
  websocket_options uncounted;  // or the Pong would still matter for a second
  uncounted.max_control_frames_per_second = 0;
  endpoint early(self(), uncounted), late(self(), uncounted);
  early.close_output(1000);
  late.now += 3s;
  late.feed({pong_op, ""});
  late.close_output(1000);
  EXPECT_EQ(early.core.fingerprint(early.now), late.core.fingerprint(late.now));
}

TEST_P(Fingerprint, a_large_frame_on_its_way_a_held_up_ping_and_a_waiter_are_in_it) {
  const auto large = [](std::size_t written) {
    return [written](endpoint& e) {
      e.room = written;
      e.send(std::string(300'000, 'x'));
    };
  };
  EXPECT_NE(after(large(10)), after(large(200'000)));
  const auto held_up = [](std::string_view ping) {
    return [ping](endpoint& e) {
      e.room = 0;
      e.send("stuck");
      e.feed({ping_op, std::string(ping)});
    };
  };
  EXPECT_NE(after(held_up("a")), after(held_up("b")));
  EXPECT_NE(after([](endpoint&) {}), after([](endpoint& e) { e.wait_closed(); }));
  const auto untold = [](endpoint& e) { e.core.close(77, close_status(999), "", e.now); };
  EXPECT_NE(after([](endpoint&) {}), after(untold));
}

TEST(FingerprintMaker, depends_on_order_and_length) {
  const auto of = [](std::initializer_list<std::string_view> parts) {
    fingerprint_maker maker(0s);
    for (const std::string_view part : parts) maker.add(part);
    return maker.made();
  };
  EXPECT_NE(of({"a", "b"}), of({"b", "a"}));
  EXPECT_NE(of({"ab", ""}), of({"a", "b"}));
  EXPECT_NE(of({std::string_view("\0", 1)}), of({std::string_view("\0\0", 2)}));
  EXPECT_EQ(of({"a", "b"}), of({"a", "b"}));
}

}  // namespace
}  // namespace adieu::test
