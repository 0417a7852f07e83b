// Input that waits: nothing of it is lost or read twice, and its memory goes when it was read.
#include "adieu/core/held_input.hpp"

#include <gtest/gtest.h>

#include <string>
#include <string_view>

namespace adieu::core {
namespace {

std::string text_of(const bytes& in) { return std::string(as_text(in)); }

TEST(HeldInput, what_waits_comes_back_in_order_and_once) {
  held_input held;
  EXPECT_FALSE(held.waits());
  held.hold(as_bytes("one "));
  held.append(as_bytes("two"));
  EXPECT_TRUE(held.waits());
  EXPECT_EQ(text_of(held.release()), "one two");
  EXPECT_FALSE(held.waits());
  held.used_up();
  EXPECT_TRUE(held.release().empty());
}

TEST(HeldInput, the_rest_of_what_was_released_can_wait_again) {
  held_input held;
  held.hold(as_bytes("one two"));
  held.hold(held.release().subspan(4));
  held.used_up();
  held.append(as_bytes(" three"));
  EXPECT_EQ(text_of(held.release()), "two three");
}

TEST(HeldInput, may_wait_although_no_byte_is_left) {  // what the decompressor holds is enough
  held_input held;
  held.hold({});
  EXPECT_TRUE(held.waits());
  EXPECT_TRUE(held.release().empty());
  EXPECT_FALSE(held.waits());
}

TEST(HeldInput, its_end_is_told_once) {
  held_input held;
  held.hold(as_bytes("one"));
  held.append(end_of_input{input_end::error, 5});
  EXPECT_TRUE(held.ended());
  const auto end = held.take_end();
  ASSERT_TRUE(end);
  EXPECT_EQ(end->how, input_end::error);
  EXPECT_EQ(end->os_error, 5);
  EXPECT_FALSE(held.ended());
  EXPECT_FALSE(held.take_end());
}

TEST(HeldInput, is_in_the_fingerprint) {
  const auto print_of = [](const held_input& held) {
    fingerprint_maker out{instant{}};
    held.add_to(out);
    return out.made();
  };
  held_input held;
  const auto idle = print_of(held);
  held.hold({});
  const auto waits = print_of(held);
  EXPECT_NE(waits, idle);
  held.append(as_bytes("x"));
  const auto more = print_of(held);
  EXPECT_NE(more, waits);
  held.append(end_of_input{input_end::fin, 0});
  EXPECT_NE(print_of(held), more);
}

}  // namespace
}  // namespace adieu::core
