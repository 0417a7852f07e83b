// Python's `websockets` as the peer, as a client and as a server (python/peer.py).
//
// Its report: `exception` is how its recv() ended; `received` and `sent` are the codes of the Close
// frames, or null; `code` is 1006 when none came.
#include "tests/peers/scenarios.hpp"

namespace peers {
namespace {

using adieu::core::context_takeover;

class Python : public program_tests<Python> {
 protected:
  void SetUp() override {
    // Debian's own interpreter: that is where Debian's packages are.
    if (start({"/usr/bin/python3", ADIEU_SOURCE_DIR "/tests/peers/python/peer.py"})) return;
    if (must_be_there()) FAIL() << "CI has no python3-websockets: " << missing();
    GTEST_SKIP() << "no python3-websockets here: " << missing();
  }

  static void expect_closed(const json::object& told,
                            const std::string& exception,
                            const std::string& code,
                            const std::string& reason) {
    EXPECT_EQ(text(told, "exception"), exception);
    EXPECT_EQ(text(told, "code"), code);
    EXPECT_EQ(text(told, "reason"), reason);
  }
};

TEST_P(Python, EchoesEverySizeAndFragmentsAndPongs) {
  link with = talk({{"echo", true}});
  exchange_echoes(with);
  // With permessage-deflate offered by the client, as always; nobody agreed to it.
  receive_fragments(with);
  with.tell("ping");
  with.event("pong");
  we_close(with);
}

TEST_P(Python, N15_Compresses) {
  link with = talk_compressed(15, context_takeover::yes);
  exchange_compressed(with);
}

TEST_P(Python, N15_CompressesEachMessageAlone) {
  link with = talk_compressed(10, context_takeover::no);
  exchange_compressed(with);
}

TEST_P(Python, IsClosedByUs) {
  link with = talk();
  const json::object told = we_close(with);
  // Not 1000 or 1001, so `websockets` calls it an error, with both Closes in it.
  expect_closed(told, "ConnectionClosedError", "4001", "bye");
  EXPECT_EQ(text(told, "sent"), "4001");
  EXPECT_EQ(text(told, "received_first"), "true");
}

TEST_P(Python, IsClosedByUsWithoutACode) {
  link with = talk();
  const json::object told = we_close_without_code(with);
  EXPECT_EQ(text(told, "code"), "1005");
}

TEST_P(Python, Closes) {
  link with = talk();
  const json::object told = peer_closes(with);
  expect_closed(told, "ConnectionClosedError", "4002", "see you, 再见");
  EXPECT_EQ(text(told, "received_first"), "false");
}

TEST_P(Python, ClosesWhileWeClose) {
  link with = talk({}, route::relayed);
  const json::object told = closes_cross(with);
  expect_closed(told, "ConnectionClosedError", "4001", "ours");
  EXPECT_EQ(text(told, "sent"), "4002");
  EXPECT_EQ(text(told, "received_first"), "false");
}

TEST_P(Python, RacesOurClose) {
  for (int i = 0; i < races; ++i) {
    link with = talk();
    expect_closed(closes_race(with), "ConnectionClosedError", "4001", "ours");
  }
}

TEST_P(Python, DropsTcp) {
  link with = talk();
  const json::object told = peer_drops(with, "fin");
  expect_closed(told, "ConnectionClosedError", "1006", "");
  EXPECT_EQ(text(told, "received"), "(none)");
}

TEST_P(Python, ResetsTcp) {
  link with = talk();
  expect_closed(peer_drops(with, "reset"), "ConnectionClosedError", "1006", "");
}

TEST_P(Python, SeesOurAbort) {
  link with = talk();
  const json::object told = we_abort(with);
  expect_closed(told, "ConnectionClosedError", "1006", "");
  EXPECT_EQ(text(told, "received"), "(none)");
}

TEST_P(Python, SendsAfterOurHalfClose) {
  link with = talk({}, route::relayed);
  expect_closed(peer_sends_after_our_close(with), "ConnectionClosedError", "4003", "half");
}

TEST_P(Python, HearsUsAfterItsOwnClose) {
  link with = talk();
  peer_hears_after_its_close(with);
}

TEST_P(Python, SendsMuchAndCloses) {
  link with = talk();
  with.tell("send", {{"count", 0}});  // a task of its own: what comes next is in order behind it
  with.event("sent");
  expect_closed(peer_sends_and_closes(with), "ConnectionClosedOK", "1000", "all heard");
}

TEST_P(Python, GetsEverythingWeSentBeforeTheClose) {
  link with = talk();
  expect_closed(we_send_and_close(with), "ConnectionClosedOK", "1000", "all said");
}

TEST_P(Python, SeesThatWeLetGo) {
  link with = talk();
  const json::object told = we_let_go(with);
  if (GetParam() == way::client) {
    expect_closed(told, "ConnectionClosedOK", "1000", "");
  } else {
    expect_closed(told, "ConnectionClosedError", "1006", "");
  }
}

TEST_P(Python, IsKilled) {
  link with = talk();
  auto receiving = with.ours->start_receive();
  kill_peer();
  EXPECT_EQ(wait_for(std::move(receiving), "the error").ec, errc::connection_closed_prematurely);
  expect_unclean(with.ours->record(), cause::peer_vanished, tcp_end::peer_fin_first);
}

INSTANTIATE_TEST_SUITE_P(Peers, Python, testing::Values(way::client, way::server), name_of);

}  // namespace
}  // namespace peers
