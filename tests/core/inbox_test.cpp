// The window: pieces and messages out of it, and that every byte is delivered, unread or counted as
// discarded, against a model that is a list of frames.
#include "adieu/core/inbox.hpp"

#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include <string>

#include "adieu/core/fingerprint.hpp"

namespace adieu::core {
namespace {

constexpr std::uint64_t no_limit = ~std::uint64_t{0};

class feeder {
 public:
  inbox box;

  // A part of a frame; `announced` only matters where it begins.
  void add(std::string text,
           bool begins,
           bool ends,
           bool message_ends,
           std::uint64_t announced = 0,
           inbox::borders kept = inbox::borders::of_frames) {
    frame_reader::step_result step;
    step.what = frame_reader::found::data;
    step.payload = std::as_writable_bytes(std::span(text));
    step.frame_begins = begins;
    step.frame_ends = ends;
    step.message_ends = message_ends;
    step.announced = announced != 0 ? announced : text.size();
    box.add(step, kept);
  }
  void whole(const std::string& text) { add(text, true, true, true); }

  std::string take(std::size_t size, receive_kind kind = receive_kind::piece) {
    std::string space(size, '?');
    receive_result out;
    if (!box.take(kind, std::as_writable_bytes(std::span(space)), out)) return "nothing";
    return space.substr(0, out.count) + (out.end_of_message ? "." : "");
  }
  std::string take_message() {
    std::string into;
    receive_result out;
    return box.take_message(into, out) ? into : "nothing";
  }
};

TEST(Inbox, N12_pieces) {
  feeder f;
  EXPECT_EQ(f.take(4), "nothing");
  f.add("abc", true, false, false, 6);
  EXPECT_EQ(f.take(4), "nothing");
  EXPECT_EQ(f.take(4, receive_kind::some), "abc");
  EXPECT_EQ(f.take(4, receive_kind::some), "nothing");
  f.add("def", false, true, false);
  f.add("ghi", true, true, true);
  EXPECT_EQ(f.take(2), "de");
  EXPECT_EQ(f.take(0), "");
  EXPECT_EQ(f.take(9), "f");
  EXPECT_EQ(f.take(3), "ghi.");
  EXPECT_TRUE(f.box.empty());
}

TEST(Inbox, P9_messages_and_their_announced_size) {
  feeder f;
  f.add("ab", true, true, false);
  EXPECT_EQ(f.take_message(), "nothing");
  f.add("c", true, false, false, 100);
  EXPECT_EQ(f.box.first_message_size(), 102U);
  EXPECT_EQ(f.take(9), "ab");
  EXPECT_EQ(f.box.first_message_size(), 102U);  // of which a part was taken
  f.add("d", false, true, true);
  f.whole("next");
  EXPECT_EQ(f.take_message(), "cd");
  EXPECT_EQ(f.box.first_message_size(), 4U);
  EXPECT_EQ(f.take_message(), "next");
  EXPECT_TRUE(f.box.between_messages());
}

TEST(Inbox, the_borders_of_frames_may_be_forgotten) {
  feeder f;
  const auto messages = inbox::borders::of_messages;
  f.add("x", true, true, false);
  for (int i = 0; i < 1000; ++i) f.add("", true, true, false, 0, messages);
  EXPECT_LT(f.box.held(), 200U);
  EXPECT_EQ(f.take_message(), "nothing");
  f.add("y", true, true, true, 0, messages);
  f.add("z", true, true, true, 0, messages);  // but never those of messages
  EXPECT_EQ(f.box.unread_messages(), 2U);
  EXPECT_EQ(f.take(9), "xy.");
  EXPECT_EQ(f.take_message(), "z");
}

TEST(Inbox, P4_a_torn_message_is_counted_once_and_its_rest_as_it_arrives) {
  feeder f;
  f.whole("one");
  f.add("tor", true, false, false, 6);
  f.box.discard();
  EXPECT_EQ(f.box.discarded_messages(), 2U);
  EXPECT_EQ(f.box.discarded_bytes(), 6U);
  EXPECT_FALSE(f.box.between_messages());
  f.add("n..", false, true, true);
  EXPECT_EQ(f.box.discarded_messages(), 2U);
  EXPECT_EQ(f.box.discarded_bytes(), 9U);
  EXPECT_TRUE(f.box.empty());
  f.whole("kept");
  EXPECT_EQ(f.take(9), "kept.");
}

TEST(Inbox, P4_a_message_of_which_nothing_has_come_yet_counts_too) {
  feeder f;
  f.add("", true, false, false, 6);
  f.box.discard();
  EXPECT_EQ(f.box.discarded_messages(), 1U);
  f.add("sixsix", false, true, true);
  EXPECT_EQ(f.box.discarded_messages(), 1U);
  EXPECT_EQ(f.box.discarded_bytes(), 6U);
}

fingerprint print(const inbox& of) {
  fingerprint_maker maker{instant()};
  of.add_to(maker);
  return maker.made();
}

// Whole messages, the short way and the long one.
RC_GTEST_PROP(InboxProperty, P9_whole_messages_may_take_the_short_way, ()) {
  feeder longer, shorter;
  bool within = false;  // a message of several frames
  std::string got, expected;
  message_type type{};
  for (const int what : *rc::gen::container<std::vector<int>>(rc::gen::inRange(0, 6))) {
    const std::string text(static_cast<std::size_t>(what * 40), static_cast<char>('a' + what));
    if (what == 0) {
      for (feeder* each : {&longer, &shorter}) each->add("part", true, true, within);
      within = !within;
    } else if (what == 1) {
      RC_ASSERT(longer.take(9) == shorter.take(9));
    } else if (what < 4 && !within) {
      longer.whole(text);
      shorter.box.add_whole(as_bytes(text), message_type::binary);
    } else if (shorter.box.take_whole(no_limit, got, type)) {
      expected = longer.take_message();
      RC_ASSERT(got == expected);
      RC_ASSERT(type == message_type::binary);
    }
    RC_ASSERT(print(longer.box) == print(shorter.box));
  }
}

TEST(Inbox, P9_what_is_no_whole_message_does_not_take_the_short_way) {
  feeder f;
  std::string got = "as it was";
  message_type type{};
  EXPECT_FALSE(f.box.take_whole(no_limit, got, type));
  f.whole("taken from");
  EXPECT_EQ(f.take(2), "ta");
  EXPECT_FALSE(f.box.take_whole(no_limit, got, type));
  EXPECT_EQ(f.take_message(), "ken from");
  f.whole("too long");
  EXPECT_FALSE(f.box.take_whole(7, got, type));
  EXPECT_EQ(got, "as it was");
  EXPECT_TRUE(f.box.take_whole(8, got, type));
  f.add("in two ", true, true, false);
  EXPECT_FALSE(f.box.take_whole(no_limit, got, type));
  f.add("frames", true, true, true);
  EXPECT_FALSE(f.box.take_whole(no_limit, got, type));
  EXPECT_EQ(f.take_message(), "in two frames");
}

TEST(Inbox, memory_goes_back_when_it_was_large) {
  feeder f;
  f.whole(std::string(100000, 'x'));
  EXPECT_GE(f.box.held(), 100000U);
  EXPECT_EQ(f.take_message().size(), 100000U);
  EXPECT_EQ(f.box.held(), 0U);
}

RC_GTEST_PROP(InboxProperty, nothing_is_lost_uncounted, ()) {
  feeder f;
  std::string in, out;
  std::uint64_t ended_in = 0, ended_out = 0;
  bool in_frame = false, in_message = false, discarded = false;
  const int steps = *rc::gen::inRange(1, 80);
  for (int i = 0; i < steps; ++i) {
    const int what = *rc::gen::inRange(0, 10);
    if (what < 5) {
      std::string text(static_cast<std::size_t>(*rc::gen::inRange(0, 30)), ' ');
      for (char& c : text)
        c = static_cast<char>('a' + (in.size() + out.size() + static_cast<std::size_t>(i)) % 26);
      const bool ends = *rc::gen::arbitrary<bool>(), last = ends && *rc::gen::arbitrary<bool>();
      const auto kept = *rc::gen::element(inbox::borders::of_frames, inbox::borders::of_messages);
      f.add(text, !in_frame, ends, last, 40, kept);
      in_frame = !ends;
      in_message = !last;
      in += text;
      ended_in += last ? 1 : 0;
    } else if (what < 9) {
      const auto size = static_cast<std::size_t>(*rc::gen::inRange(1, 40));
      std::string got = what == 5
                            ? f.take_message()
                            : f.take(size, what == 6 ? receive_kind::some : receive_kind::piece);
      if (got == "nothing") continue;
      if (what == 5) {
        ++ended_out;
      } else if (got.ends_with('.')) {
        got.pop_back();
        ++ended_out;
      }
      out += got;
    } else {
      f.box.discard();
      discarded = true;
    }
    RC_ASSERT(in.size() == out.size() + f.box.discarded_bytes() + f.box.unread_bytes());
    if (!discarded) RC_ASSERT(in.starts_with(out));
    if (!in_message) {
      RC_ASSERT(ended_in == ended_out + f.box.discarded_messages() + f.box.unread_messages());
    }
  }
}

}  // namespace
}  // namespace adieu::core
