// The order of data before it is composed: turns, places, withdrawal (P7, P8), and what a Close
// leaves behind (P1), also against random calls.
#include "adieu/core/send_queue.hpp"

#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include <map>
#include <set>
#include <string>

namespace adieu::core {
namespace {

const std::string four = "1234";

class SendQueue : public ::testing::Test {
 protected:
  send_queue q;

  void push(ticket owner, sender from = 0, bool ends = true) {
    q.push({owner, from, message_type::text, ends, as_bytes(four)});
  }
  // The tickets in the order in which they would go out; a message ends with 0.
  std::vector<ticket> drain() {
    std::vector<ticket> out;
    while (const auto next = q.take()) {
      EXPECT_EQ(next->op == opcode::continuation, !out.empty() && out.back() != 0);
      out.push_back(next->owner);
      if (next->fin) out.push_back(0);
    }
    return out;
  }
  std::vector<ticket> abandon() {
    std::vector<ticket> dropped;
    q.abandon_blocked(dropped);
    return dropped;
  }
};
using tickets = std::vector<ticket>;

TEST_F(SendQueue, P7_a_message_that_is_withdrawn_takes_its_writer_s_place_along) {
  q.reserve(7);
  push(1, 7), push(2);
  EXPECT_TRUE(q.release(7)) << "its message is whole";
  EXPECT_TRUE(q.withdraw(1));
  EXPECT_EQ(drain(), (std::vector<ticket>{2, 0}));
}

TEST_F(SendQueue, what_waits_counts_as_left_and_a_place_does_not) {
  push(1), push(2, 0, false);
  q.reserve(7);
  EXPECT_EQ(q.left().bytes, 8U);
  EXPECT_EQ(q.left().messages, 2U) << "one of them unfinished";
}

TEST_F(SendQueue, P8_order_and_places) {
  push(1, 0, false), push(2, 5), q.reserve(6), push(3), push(4, 6, false), push(5, 6);
  EXPECT_EQ(drain(), (tickets{1, 3, 0, 2, 0, 4, 5, 0}));
}

TEST_F(SendQueue, P7_only_a_message_that_has_not_begun_is_withdrawn) {
  push(1), push(2), push(3, 0, false);
  EXPECT_TRUE(q.withdraw(3));  // all of its message, though others of its sender wait
  EXPECT_FALSE(q.in_message(0));
  push(4, 0, false), push(5, 9), push(6);
  EXPECT_FALSE(q.withdraw(6));  // the end of a message whose beginning stays
  EXPECT_FALSE(q.withdraw(4));  // the beginning of one whose end stays
  EXPECT_TRUE(q.withdraw(1));
  EXPECT_FALSE(q.withdraw(1));
  EXPECT_EQ(drain(), (tickets{2, 0, 4, 6, 0, 5, 0}));
}

TEST_F(SendQueue, P7_the_next_message_of_a_sender_that_is_writing_can_be_withdrawn) {
  push(1, 0, false);
  EXPECT_EQ(q.take()->owner, 1U);
  push(2), push(3), push(4, 0, false), push(5, 0, false);
  EXPECT_FALSE(q.withdraw(2));  // ends what has begun
  EXPECT_TRUE(q.withdraw(3));
  EXPECT_FALSE(q.withdraw(5));
  EXPECT_FALSE(q.withdraw(4));
}

TEST_F(SendQueue, P7_a_withdrawn_piece_leaves_its_writer_in_place) {
  q.reserve(5);
  push(1, 5, false), push(2);
  EXPECT_TRUE(q.withdraw(1));
  push(3, 5);
  EXPECT_EQ(drain(), (tickets{3, 0, 2, 0}));
}

TEST_F(SendQueue, P1_what_stands_behind_a_begun_message_is_dropped) {
  push(1, 5, false);
  EXPECT_TRUE(q.take());
  push(2), push(3, 5, false), push(4, 6);
  EXPECT_EQ(abandon(), (tickets{2, 4}));
  EXPECT_EQ(q.take()->owner, 3U);
  EXPECT_EQ(q.left().messages, 3U);
  EXPECT_EQ(q.left().bytes, 8U);
}

TEST_F(SendQueue, P1_an_unbegun_message_that_cannot_end_makes_way) {
  push(1, 5, false), push(2), push(3, 6, false), push(4), push(7, 6, false);
  EXPECT_EQ(abandon(), (tickets{1, 3, 7}));
  EXPECT_EQ(drain(), (tickets{2, 0, 4, 0}));
  EXPECT_EQ(q.left().messages, 2U);
}

TEST_F(SendQueue, P1_a_fragment_that_blocks_nobody_goes_out) {
  push(1), push(2, 0, false);
  EXPECT_EQ(abandon(), (tickets{}));
  EXPECT_EQ(drain(), (tickets{1, 0, 2}));
  EXPECT_EQ(q.left().messages, 1U);
}

TEST_F(SendQueue, P1_empty_places_do_not_block) {
  q.reserve(5);
  EXPECT_FALSE(q.take());  // its turn has come
  q.reserve(6);
  push(1);
  EXPECT_EQ(abandon(), (tickets{}));
  EXPECT_EQ(drain(), (tickets{1, 0}));
}

TEST_F(SendQueue, drop_all_counts_everything) {
  push(1), push(2, 5, false), push(3, 5, false), q.reserve(7);
  std::vector<ticket> dropped;
  q.drop_all(dropped);
  EXPECT_EQ(dropped, (tickets{1, 2, 3}));
  EXPECT_EQ(q.left().messages, 2U);
  EXPECT_EQ(q.left().bytes, 12U);
  EXPECT_TRUE(q.empty());
}

RC_GTEST_PROP(SendQueueProperty, messages_never_mix_and_no_ticket_is_lost, ()) {
  send_queue q;
  std::map<ticket, std::pair<sender, bool>> pushed;  // sender, ends
  std::set<ticket> gone;
  std::vector<ticket> order;
  std::set<sender> reserved;
  const auto take = [&](const send_queue::next_frame& f) {
    RC_ASSERT(gone.insert(f.owner).second);
    const bool inside = !order.empty() && !pushed[order.back()].second;
    RC_ASSERT((f.op == opcode::continuation) == inside);
    if (inside) RC_ASSERT(pushed[order.back()].first == pushed[f.owner].first);
    RC_ASSERT(f.fin == pushed[f.owner].second);
    order.push_back(f.owner);
  };
  const auto drop = [&](const std::vector<ticket>& dropped) {
    for (const ticket t : dropped) RC_ASSERT(gone.insert(t).second);
  };
  ticket next = 1;
  std::uint64_t withdrawn = 0;
  const int steps = *rc::gen::inRange(1, 60);
  for (int i = 0; i < steps; ++i) {
    const int what = *rc::gen::inRange(0, 10);
    const auto from = static_cast<sender>(*rc::gen::inRange(0, 4));
    if (what < 5) {
      const bool ends = *rc::gen::arbitrary<bool>();
      pushed[next] = {from, ends};
      q.push({next++, from, message_type::text, ends, as_bytes(four)});
    } else if (what < 7) {
      if (const auto f = q.take()) take(*f);
    } else if (what == 7 && next > 1) {
      const auto t = static_cast<ticket>(*rc::gen::inRange(1, static_cast<int>(next)));
      if (q.withdraw(t)) {
        RC_ASSERT(gone.insert(t).second);
        ++withdrawn;
      }
    } else if (what == 8 && from != 0 && !q.in_message(from) && reserved.insert(from).second) {
      q.reserve(from);
    } else if (what == 9 && reserved.contains(from) && q.release(from)) {
      reserved.erase(from);
    }
  }
  std::vector<ticket> dropped;
  q.abandon_blocked(dropped);
  drop(dropped);
  while (const auto f = q.take()) take(*f);
  RC_ASSERT(gone.size() == pushed.size());
  RC_ASSERT(q.empty());
  RC_ASSERT(order.size() + dropped.size() + withdrawn == pushed.size());
  RC_ASSERT(q.left().bytes == dropped.size() * four.size());
}

}  // namespace
}  // namespace adieu::core
