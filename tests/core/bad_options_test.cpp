// Options that make no sense are named, each with what it must be (docs/limits.md).
#include "adieu/core/bad_options.hpp"

#include <gtest/gtest.h>

#include <functional>

namespace adieu::core {
namespace {

using namespace std::chrono_literals;

std::string problem_after(const std::function<void(websocket_options&)>& change) {
  websocket_options options;
  change(options);
  return bad_options(options);
}

TEST(BadOptions, the_defaults_make_sense) { EXPECT_EQ(bad_options({}), ""); }

TEST(BadOptions, no_time_is_negative_or_overflows_the_clock) {
  using time = std::chrono::milliseconds websocket_options::*;
  const std::pair<const char*, time> times[] = {
      {"close_timeout", &websocket_options::close_timeout},
      {"linger", &websocket_options::linger},
      {"ping_interval", &websocket_options::ping_interval},
      {"pong_timeout", &websocket_options::pong_timeout},
      {"write_timeout", &websocket_options::write_timeout},
      {"probe_interval", &websocket_options::probe_interval}};
  for (const auto& [name, member] : times) {
    const auto set_to = [member = member](std::chrono::milliseconds length) {
      return problem_after([=](auto& o) { o.*member = length; });
    };
    EXPECT_EQ(set_to(-1ms), name + std::string(" must not be negative, but is -1 ms"));
    EXPECT_EQ(set_to(1ms), "");
    EXPECT_EQ(set_to(std::chrono::hours(24 * 365 * 50)), "");
    EXPECT_EQ(set_to(std::chrono::milliseconds::max()),
              name + std::string(" must be at most fifty years, but is 9223372036854775807 ms"));
  }
}

TEST(BadOptions, zero_is_refused_where_it_does_not_mean_off) {
  EXPECT_TRUE(problem_after([](auto& o) { o.close_timeout = 0ms; }).starts_with("close_timeout"));
  EXPECT_TRUE(
      problem_after([](auto& o) { o.max_waiting_pongs = 0; }).starts_with("max_waiting_pongs"));
  EXPECT_TRUE(problem_after([](auto& o) { o.receive_window = 0; }).starts_with("receive_window"));
  EXPECT_TRUE(
      problem_after([](auto& o) { o.max_message_size = 0; }).starts_with("max_message_size"));
  EXPECT_EQ(problem_after([](auto& o) {
              o.linger = o.ping_interval = o.pong_timeout = o.write_timeout = 0ms;
              o.probe_interval = 0ms;
              o.max_frame_size = o.max_fragments = o.max_inflate_ratio = 0;
              o.max_control_frames_per_second = 0;
              o.max_buffered_amount = 0;
            }),
            "");
}

TEST(BadOptions, those_of_deflate_are_among_them) {
  EXPECT_EQ(problem_after([](auto& o) { o.deflate.emplace().client_max_window_bits = 16; }),
            "deflate: client_max_window_bits must be 9 to 15, but is 16");
}

}  // namespace
}  // namespace adieu::core
