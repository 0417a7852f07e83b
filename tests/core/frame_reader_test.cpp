// The reader of frames, cut anywhere: what it finds, in which order, and where it says that a rule
// was broken. RFC 6455 §5.4, §8.1.
#include "adieu/core/frame_reader.hpp"

#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include "tests/core/wire.hpp"

namespace adieu::core {
namespace {

using test::frame;
using found = frame_reader::found;

// What came out, joined over steps, so that it does not depend on the cuts.
struct seen {
  std::vector<std::string> messages;  // data, '|' after each frame, '.' after each message
  std::vector<std::string> controls;
  violation wrong = violation::none;
  std::uint64_t at = 0;
  friend bool operator==(const seen&, const seen&) = default;
};

class collector {
 public:
  explicit collector(role self) : reader_({self, false}) {}

  void feed(std::string_view in) {
    if (out.wrong != violation::none) return;
    std::vector<std::byte> copy(as_bytes(in).begin(), as_bytes(in).end());
    bytes left = copy;
    while (true) {
      const frame_reader::step_result step = reader_.step(left);
      if (step.what == found::need_more) {
        EXPECT_TRUE(left.empty());
        EXPECT_EQ(frame_ended_, left_of_frame_ == 0);
        return;
      }
      if (step.what == found::broken) {
        out.wrong = step.wrong;
        out.at = step.wrong_at;
        return;
      }
      if (step.what == found::control) {
        out.controls.push_back(std::to_string(static_cast<int>(step.op)) +
                               std::string(as_text(step.payload)));
        continue;
      }
      if (step.frame_begins) left_of_frame_ = step.announced;
      left_of_frame_ -= step.payload.size();
      frame_ended_ = step.frame_ends;  // not before the last code point is whole
      message_ += as_text(step.payload);
      if (step.frame_ends) message_ += '|';
      if (step.message_ends) {
        out.messages.push_back((step.type == message_type::text ? "t:" : "b:") + message_);
        message_.clear();
      }
    }
  }
  seen out;

 private:
  frame_reader reader_;
  std::string message_;
  std::uint64_t left_of_frame_ = 0;
  bool frame_ended_ = true;
};

std::string encode_all(role from, const std::vector<frame>& frames) {
  std::string out;
  for (const frame& f : frames) out += test::encode(from, f);
  return out;
}

class FrameReader : public ::testing::TestWithParam<role> {
 protected:
  role self = GetParam();
  role peer = test::other(self);

  seen read(const std::string& wire) const {
    collector whole(self), single(self);
    whole.feed(wire);
    for (const char c : wire) single.feed(std::string_view(&c, 1));
    EXPECT_EQ(whole.out, single.out);
    for (std::size_t cut = 0; cut <= wire.size() && wire.size() < 1000; ++cut) {
      collector cuts(self);
      cuts.feed(wire.substr(0, cut)), cuts.feed(wire.substr(cut));
      EXPECT_EQ(cuts.out, whole.out) << "cut at " << cut;
    }
    return whole.out;
  }
};
INSTANTIATE_TEST_SUITE_P(as,
                         FrameReader,
                         ::testing::Values(role::client, role::server),
                         [](const auto& tested) { return test::name_of(tested.param); });

TEST_P(FrameReader, messages_of_every_length_of_header) {
  for (const std::size_t size : {0U, 1U, 125U, 126U, 65535U, 65536U}) {
    const std::string text(size, 'x');
    EXPECT_EQ(read(encode_all(peer, {{2, text}})).messages,
              (std::vector<std::string>{"b:" + text + "|"}));
  }
}

TEST_P(FrameReader, control_frames_between_fragments) {
  const seen out = read(encode_all(peer,
                                   {{1, "a", false},
                                    {9, "ping"},
                                    {0, "", false},
                                    {10, ""},
                                    {0, "b", true},
                                    {8, std::string("\x03\xE8", 2)}}));
  EXPECT_EQ(out.messages, (std::vector<std::string>{"t:a||b|"}));
  EXPECT_EQ(out.controls, (std::vector<std::string>{"9ping", "10", std::string("8\x03\xE8", 3)}));
}

TEST_P(FrameReader, the_order_of_fragments) {
  EXPECT_EQ(read(encode_all(peer, {{0, "x"}})).wrong, violation::unexpected_continuation);
  EXPECT_EQ(read(encode_all(peer, {{1, "x", false}, {1, "y"}})).wrong,
            violation::expected_continuation);
  EXPECT_EQ(read(encode_all(peer, {{1, "x", false}, {0, "y"}, {0, "z"}})).wrong,
            violation::unexpected_continuation);
}

TEST_P(FrameReader, utf8_runs_over_frames_and_is_judged_at_the_byte) {
  EXPECT_EQ(read(encode_all(peer, {{1, "\xE2\x82", false}, {9, "\xFF"}, {0, "\xAC"}})).messages,
            (std::vector<std::string>{"t:\xE2\x82|\xAC|"}));
  const std::uint64_t header = peer == role::client ? 6 : 2;
  const seen cut = read(encode_all(peer, {{1, "ok\xE2\x82"}}));
  EXPECT_EQ(cut.wrong, violation::invalid_utf8_text);
  EXPECT_EQ(cut.at, header + 4);  // the end, where the rest of the code point is missing
  const seen bad = read(encode_all(peer, {{1, "ok", false}, {0, "x\xC0y"}}));
  EXPECT_EQ(bad.wrong, violation::invalid_utf8_text);
  EXPECT_EQ(bad.at, header + 2 + header + 1);
  EXPECT_EQ(read(encode_all(peer, {{2, "\xFF\xC0"}})).wrong, violation::none);
}

RC_GTEST_PROP(FrameReaderProperty, any_cuts_give_what_was_sent, (bool as_server)) {
  const role self = as_server ? role::server : role::client;
  std::vector<frame> frames;
  seen expected;
  const int messages = *rc::gen::inRange(0, 6);
  for (int m = 0; m < messages; ++m) {
    const int pieces = *rc::gen::inRange(1, 4);
    std::string joined = "b:";
    for (int i = 0; i < pieces; ++i) {
      const std::string text(static_cast<std::size_t>(*rc::gen::inRange(0, 200)), 'z');
      frames.push_back({i == 0 ? 2U : 0U, text, i + 1 == pieces});
      joined += text + "|";
      if (*rc::gen::arbitrary<bool>()) {
        frames.push_back({9, "p" + std::to_string(i)});
        expected.controls.push_back("9p" + std::to_string(i));
      }
    }
    expected.messages.push_back(joined);
  }
  const std::string wire = encode_all(test::other(self), frames);
  collector c(self);
  for (std::size_t at = 0; at < wire.size();) {
    const auto size = static_cast<std::size_t>(*rc::gen::inRange(1, 300));
    c.feed(wire.substr(at, size));
    at += size;
  }
  RC_ASSERT(c.out == expected);
}

}  // namespace
}  // namespace adieu::core
