// The judge is judged: endpoints that are wrong in one way each, and what the suite says of them.
// They live behind a socket pair, in a thread, and need no opening handshake.
#include <gtest/gtest.h>

#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <thread>

#include "suite.hpp"

namespace adieu::conformance {
namespace {

/// A server that is right in what these cases need, but for one habit.
enum class habit : std::uint8_t {
  none,
  echoes_reversed,
  masks_its_frames,
  pings_before_it_echoes,
  never_answers,
  drops_tcp_at_once,
  takes_everything,  // never fails a connection
  closes_with_1000,  // also where a rule was broken
  answers_close_with_1005,
  keeps_tcp_open,
  sends_behind_its_close,
};

class wrong_server : public target {
 public:
  explicit wrong_server(habit has) : habit_(has) { name = "wrong"; }
  ~wrong_server() override { threads_.clear(); }

  [[nodiscard]] side suite() const override { return side::client; }
  std::string ask(const std::string&, double) override { return {}; }
  std::unique_ptr<stream> dial(std::uint16_t, double) override { return nullptr; }
  opened open(const opening&, double) override {
    std::array<int, 2> ends{};
    if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()) != 0) {
      throw std::runtime_error("socketpair");
    }
    threads_.emplace_back([this, mine = ends[1]] { serve(mine); });
    opened out;
    out.with = std::make_unique<wire>(std::make_unique<stream>(ends[0]), side::client, "");
    return out;
  }

 private:
  // A wire whose suite is the server: it answers Pings by itself.
  void serve(int descriptor) const {
    wire me(std::make_unique<stream>(descriptor), side::server, "");
    const auto latest = clock::now() + std::chrono::seconds(10);
    if (habit_ == habit::drops_tcp_at_once) return;
    if (habit_ == habit::never_answers) {
      me.leave_pings_alone();
      me.until_ended(latest);
      return;
    }
    std::size_t seen = 0;
    while (!me.closing() && !broken(me)) {
      me.until([&] { return me.events().size() > seen || me.closing() || broken(me); }, latest);
      for (; seen < me.events().size(); ++seen) echo(me, me.events()[seen]);
    }
    if (me.ended()) return;
    close(me);
    me.flush(latest);
    if (habit_ == habit::keeps_tcp_open) me.until_ended(latest);
  }
  [[nodiscard]] bool broken(const wire& me) const {
    return !me.fault().empty() && habit_ != habit::takes_everything;
  }
  void echo(wire& me, const event& what) const {
    if (what.what != event::kind::text && what.what != event::kind::binary) return;
    frame back(what.what == event::kind::text ? op_text : op_binary, what.payload);
    if (habit_ == habit::echoes_reversed) std::ranges::reverse(back.payload);
    if (habit_ == habit::pings_before_it_echoes) me.put(frame(op_ping, "are you there?"));
    if (habit_ == habit::masks_its_frames) return me.put_wrongly_masked(back);
    me.put(back);
  }
  void close(wire& me) const {
    std::uint16_t code = me.peer_close() ? 1000 : 1002;
    if (habit_ == habit::closes_with_1000) code = 1000;
    if (habit_ == habit::answers_close_with_1005) code = 1005;
    me.put_close(code);
    if (habit_ == habit::sends_behind_its_close) me.put(frame(op_text, "one more thing"));
  }

  const habit habit_;
  std::vector<std::jthread> threads_;
};

struct expectation {
  const char* has_name;
  habit has;
  const char* id;
  behaviour behaved;
  closing closed;
};
void PrintTo(const expectation& it, std::ostream* to) { *to << it.has_name << " in " << it.id; }
std::string name_of(const testing::TestParamInfo<expectation>& of) {
  std::string out = std::string(of.param.has_name) + "_" + of.param.id;
  std::ranges::replace(out, '.', '_');
  return out;
}

struct judge : testing::TestWithParam<expectation> {};

TEST_P(judge, says_what_is_wrong_with_an_endpoint) {
  static const table cases = read_table(ADIEU_SOURCE_DIR "/tests/conformance/cases.txt");
  wrong_server at(GetParam().has);
  plan how;
  how.only = {GetParam().id};
  const run_report report = run(cases, at, how);
  ASSERT_EQ(report.results.size(), 1U);
  const outcome& is = report.results.front().is;
  std::string notes;
  for (const std::string& each : is.notes) notes += each + "; ";
  EXPECT_EQ(to_string(is.behaved), to_string(GetParam().behaved)) << GetParam().id << ": " << notes;
  EXPECT_EQ(to_string(is.closed), to_string(GetParam().closed)) << GetParam().id << ": " << notes;
}

using b = behaviour;
using c = closing;
expectation one(habit has, const char* name, const char* id, behaviour behaved, closing closed) {
  return {name, has, id, behaved, closed};
}

INSTANTIATE_TEST_SUITE_P(
    Conformance,
    judge,
    testing::Values(
        one(habit::none, "none", "1.1.2", b::ok, c::ok),
        one(habit::none, "none", "5.6", b::ok, c::ok),
        one(habit::none, "none", "7.1.1", b::ok, c::ok),
        one(habit::none, "none", "4.1.1", b::ok, c::ok),
        one(habit::none, "none", "9.7.2", b::ok, c::ok),
        one(habit::none, "none", "12.1.1", b::unimplemented, c::ok),
        one(habit::echoes_reversed, "echoes_reversed", "6.2.1", b::failed, c::ok),
        one(habit::echoes_reversed, "echoes_reversed", "9.7.2", b::ok, c::ok),  // all one byte
        one(habit::masks_its_frames, "masks_its_frames", "1.1.2", b::failed, c::ok),
        one(habit::pings_before_it_echoes, "pings_before_it_echoes", "1.1.2", b::failed, c::ok),
        one(habit::never_answers, "never_answers", "2.2", b::failed, c::unclean),
        one(habit::never_answers, "never_answers", "7.1.3", b::ok, c::unclean),
        one(habit::never_answers, "never_answers", "7.3.2", b::ok, c::failed_by_peer),
        one(habit::never_answers, "never_answers", "4.1.1", b::ok, c::failed),
        one(habit::never_answers, "never_answers", "6.3.1", b::failed, c::failed),
        one(habit::drops_tcp_at_once, "drops_tcp_at_once", "1.1.1", b::failed, c::failed),
        one(habit::drops_tcp_at_once, "drops_tcp_at_once", "3.1", b::ok, c::ok),
        one(habit::takes_everything, "takes_everything", "4.1.1", b::ok, c::failed),
        one(habit::takes_everything, "takes_everything", "6.4.1", b::failed, c::failed),
        one(habit::closes_with_1000, "closes_with_1000", "4.1.1", b::ok, c::wrong_code),
        one(habit::answers_close_with_1005,
            "answers_close_with_1005",
            "7.1.1",
            b::failed,
            c::wrong_code),
        one(habit::answers_close_with_1005,
            "answers_close_with_1005",
            "1.1.2",
            b::ok,
            c::wrong_code),
        one(habit::keeps_tcp_open, "keeps_tcp_open", "1.1.2", b::ok, c::unclean),
        one(habit::sends_behind_its_close, "sends_behind_its_close", "1.1.2", b::failed, c::ok)),
    name_of);

}  // namespace
}  // namespace adieu::conformance
