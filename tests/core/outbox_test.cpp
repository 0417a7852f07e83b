// What goes out and in which order (P1, P8, D14), and the frame writer under it: its lists stay as
// they are until every byte was written, and what was not written is counted to the byte.
#include "adieu/core/outbox.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <iterator>

#include "tests/core/endpoint.hpp"

namespace adieu::core {
namespace {

using test::frame;
using what = written_frame::what;

class Outbox : public ::testing::TestWithParam<role> {
 protected:
  outbox box{GetParam(), test::fill_with_pattern};
  std::vector<written_frame> finished;
  std::string written;

  std::size_t write(std::size_t most = test::no_limit) {
    std::size_t total = 0;
    for (const const_bytes piece : box.gather()) {
      const std::size_t size = std::min(piece.size(), most - total);
      written += as_text(piece.first(size));
      total += size;
    }
    if (total != 0) std::ranges::copy(box.wrote(total), std::back_inserter(finished));
    return total;
  }
  std::vector<frame> frames() { return test::take_frames(written, GetParam()); }
  void push(ticket owner, std::string_view text, bool ends = true) {
    box.data().push({owner, 0, message_type::binary, ends, as_bytes(text)});
  }
};
INSTANTIATE_TEST_SUITE_P(as,
                         Outbox,
                         ::testing::Values(role::client, role::server),
                         [](const auto& tested) { return test::name_of(tested.param); });

TEST_P(Outbox, frames_of_one_turn_leave_in_one_list) {
  push(1, "a"), push(2, "b");
  box.push_control(opcode::pong, as_bytes("p"));
  EXPECT_GT(write(), 0U);
  EXPECT_EQ(write(), 0U);
  EXPECT_EQ(frames(), (std::vector<frame>{{10, "p"}, {2, "a"}, {2, "b"}}));
  ASSERT_EQ(finished.size(), 3U);
  EXPECT_EQ(finished[0].kind, what::pong);
  EXPECT_EQ(finished[2].owner, 2U);
}

TEST_P(Outbox, a_list_that_was_shown_stays_as_it_is) {
  const std::string large(5000, 'l');
  push(1, "small"), push(2, large);
  const auto list = box.gather();
  std::vector<std::pair<const std::byte*, std::size_t>> before;
  for (const const_bytes piece : list) before.emplace_back(piece.data(), piece.size());
  push(3, "later");
  box.push_control(opcode::ping, as_bytes("x"), 9);
  std::vector<std::pair<const std::byte*, std::size_t>> after;
  for (const const_bytes piece : box.gather()) after.emplace_back(piece.data(), piece.size());
  EXPECT_EQ(before, after);
}

TEST_P(Outbox, the_list_goes_on_where_the_transport_stopped) {
  const std::string large(150000, 'l');
  push(1, large);
  while (write(999) != 0) {
  }
  EXPECT_EQ(frames(), (std::vector<frame>{{2, large}}));
  EXPECT_EQ(finished.size(), 1U);
  EXPECT_FALSE(box.blocked());
}

TEST_P(Outbox, P1_the_close_waits_behind_data_and_then_only_pongs_follow) {
  std::vector<ticket> dropped;
  push(1, "data");
  box.push_close("\x03\xE8", dropped);
  box.push_control(opcode::ping, as_bytes("in time"), 5);
  write();
  EXPECT_TRUE(box.close_committed());
  box.push_control(opcode::ping, as_bytes("late"), 6);
  box.push_control(opcode::pong, as_bytes("pong"));
  write();
  EXPECT_EQ(frames(),
            (std::vector<frame>{{9, "in time"}, {2, "data"}, {8, "\x03\xE8"}, {10, "pong"}}));
}

TEST_P(Outbox, D14_a_failure_goes_out_instead_of_what_has_not_begun) {
  std::vector<ticket> dropped;
  push(1, "begun");
  write(1);
  push(2, "not begun", false);
  box.push_control(opcode::pong, as_bytes("pong"));
  box.push_close("\x03\xE8", dropped);
  box.push_failure_close("\x03\xEA", dropped);
  EXPECT_EQ(dropped, (std::vector<ticket>{2}));
  while (write() != 0) {
  }
  EXPECT_EQ(frames(), (std::vector<frame>{{2, "begun"}, {8, "\x03\xEA"}}));
  EXPECT_EQ(box.left().messages, 1U);
  EXPECT_EQ(box.left().bytes, 9U);
}

TEST_P(Outbox, what_is_left_is_counted_to_the_byte_at_every_cut) {
  const std::string first(3000, 'f'), second(40, 's');
  const std::size_t header = GetParam() == role::client ? 8 : 4;
  for (std::size_t cut = 0; cut < 3045; cut += 7) {
    outbox x(GetParam(), test::fill_with_pattern);
    x.data().push({1, 0, message_type::binary, true, as_bytes(first)});
    x.data().push({2, 0, message_type::binary, true, as_bytes(second)});
    x.push_control(opcode::ping, {}, 77);  // its owner is a counter, not a ticket
    const std::size_t ping = header - 2;
    (void)x.gather();
    if (cut != 0) x.wrote(cut);
    const std::size_t head = ping + header;
    const std::size_t of_first = cut <= head ? 3000 : cut >= head + 3000 ? 0 : head + 3000 - cut;
    const std::size_t head2 = head + 3000 + header - 2;
    const std::size_t of_second = cut <= head2 ? 40 : head2 + 40 - cut;
    const unsent left = x.left();
    EXPECT_EQ(left.bytes, of_first + of_second) << cut;
    EXPECT_EQ(left.messages, of_first != 0 ? 2U : 1U) << cut;
    std::vector<ticket> dropped;
    x.drop_all(dropped);
    EXPECT_EQ(dropped, of_first != 0 ? (std::vector<ticket>{1, 2}) : (std::vector<ticket>{2}));
    EXPECT_EQ(x.left().bytes, left.bytes);
    EXPECT_EQ(x.left().messages, left.messages);
    EXPECT_FALSE(x.blocked());
    EXPECT_TRUE(x.gather().empty());
  }
}

TEST_P(Outbox, many_frames_are_bounded_per_list) {
  const std::string piece(3000, 'x');
  for (ticket t = 1; t <= 200; ++t) push(t, piece);
  EXPECT_LE(box.gather().size(), 64U);
  while (write() != 0) {
  }
  EXPECT_EQ(frames().size(), 200U);
}

TEST_P(Outbox, what_its_caller_keeps_no_longer_is_copied_wherever_the_transport_stopped) {
  const bool borrows = GetParam() == role::server;  // a client masks into memory of its own
  for (const std::size_t first : {0U, 1U, 9U, 10U, 11U, 99'999U, 100'009U, 100'010U}) {
    std::string large(100'000, 'l');
    ASSERT_TRUE(
        box.send_copy(message_type::binary, as_bytes(large), outbox::payload_memory::callers));
    EXPECT_EQ(box.gather().back().data() == as_bytes(large).data(), borrows);
    (void)write(first);
    box.keep_last_payload();
    large.assign(large.size(), 'x');
    while (write(777) != 0) {
    }
    EXPECT_EQ(frames(), (std::vector<frame>{{2, std::string(100'000, 'l')}})) << first;
    EXPECT_FALSE(box.blocked());
    written.clear();
  }
}

TEST_P(Outbox, a_copy_goes_on_by_itself) {
  const std::string large(100000, 'c');
  push(1, large), push(2, "tail");
  write(500);
  outbox copy = box;
  std::string text = written;
  while (true) {
    std::size_t total = 0;
    for (const const_bytes p : copy.gather()) text += as_text(p), total += p.size();
    if (total == 0) break;
    copy.wrote(total);
  }
  while (write() != 0) {
  }
  EXPECT_EQ(text, written);
  EXPECT_EQ(frames(), (std::vector<frame>{{2, large}, {2, "tail"}}));
}

}  // namespace
}  // namespace adieu::core
