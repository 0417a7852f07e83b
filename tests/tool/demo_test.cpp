// `adieu demo`: it shows every ending, finds every record true, and prints plain text into a pipe.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sys/wait.h>

#include <array>
#include <chrono>
#include <cstdio>
#include <sstream>
#include <string>

namespace {

using ::testing::HasSubstr;
using ::testing::Not;

struct demo_run {
  demo_run() = default;

  std::string output;
  int exit_code = -1;
  std::chrono::steady_clock::duration took{};
};

// Once for all tests: it takes a second.
const demo_run& the_demo() {
  static const demo_run run = [] {
    demo_run out;
    const auto began = std::chrono::steady_clock::now();
    FILE* const pipe = ::popen("'" ADIEU_TOOL "' demo 2>&1", "r");
    if (pipe == nullptr) return out;
    std::array<char, 4096> buffer;
    while (const std::size_t size = std::fread(buffer.data(), 1, buffer.size(), pipe)) {
      out.output.append(buffer.data(), size);
    }
    const int status = ::pclose(pipe);
    out.exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
    out.took = std::chrono::steady_clock::now() - began;
    return out;
  }();
  return run;
}

std::size_t columns(const std::string& line) {
  std::size_t count = 0;
  for (const char c : line) count += (static_cast<unsigned char>(c) & 0xC0U) != 0x80U ? 1 : 0;
  return count;
}

TEST(Demo, FindsEveryRecordTrue) {
  EXPECT_EQ(the_demo().exit_code, 0) << the_demo().output;
  EXPECT_THAT(the_demo().output, HasSubstr("14 endings, 14 true"));
  EXPECT_THAT(the_demo().output, Not(HasSubstr("✗")));
}

// S2–S9, D6, D8, D10, D14, D15
TEST(Demo, ShowsEveryEnding) {
  for (const char* const title : {" 1. Active close ",
                                  " 2. Passive close: the article's loop ",
                                  " 3. Abort ",
                                  " 4. The destructor, without a close ",
                                  " 5. A receive is pending while another thread closes ",
                                  " 6. Calls after the end ",
                                  " 7. The peer vanishes ",
                                  " 8. The peer resets TCP ",
                                  " 9. Two Closes cross ",
                                  " 10. A half-close that drains ",
                                  " 11. A close with unread data behind it ",
                                  " 12. A silent peer ",
                                  " 13. A Close that is never answered ",
                                  " 14. The peer breaks a rule "}) {
    EXPECT_THAT(the_demo().output, HasSubstr(title));
  }
}

TEST(Demo, ShowsWhatCrossedTheWire) {
  for (const char* const seen : {"HTTP 101",
                                 "── text \"hello\" ──",
                                 "── Close 1000 \"bye\" ──",
                                 "─ FIN ──│",
                                 "│━━ RST ━━",
                                 "━━ RST ━━│",
                                 "─ Ping ──│",
                                 "╲ ╱",
                                 "Close 1002 \"the opcode is reserved\"",
                                 " ms of silence"}) {
    EXPECT_THAT(the_demo().output, HasSubstr(seen));
  }
}

TEST(Demo, ShowsTheRecords) {
  for (const char* const said : {"client  clean: we closed first with 1000 \"bye\"",
                                 "not clean: we aborted",
                                 "the peer vanished (FIN without a Close)",
                                 "the peer reset the connection",
                                 "answered no Ping",
                                 "the close timed out",
                                 "the peer broke a rule",
                                 "1 message (14 bytes) received and thrown away"}) {
    EXPECT_THAT(the_demo().output, HasSubstr(said));
  }
}

TEST(Demo, IsPlainTextInAPipe) {
  EXPECT_THAT(the_demo().output, Not(HasSubstr("\x1b")));
  std::istringstream lines(the_demo().output);
  for (std::string line; std::getline(lines, line);) EXPECT_LE(columns(line), 100U) << line;
}

TEST(Demo, TakesLessThanTenSeconds) { EXPECT_LT(the_demo().took, std::chrono::seconds(10)); }

}  // namespace
