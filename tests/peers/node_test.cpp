// Node's `ws` as the peer, as a client and as a server (node/peer.mjs).
//
// Its report is the `close` event: `code` is the received one, 1006 when none came; `clean` is its
// wasClean; `errors` are the codes of its `error` events.
#include "tests/peers/scenarios.hpp"

namespace peers {
namespace {

using adieu::core::context_takeover;

class Node : public program_tests<Node> {
 protected:
  void SetUp() override {
    if (start({"node", ADIEU_SOURCE_DIR "/tests/peers/node/peer.mjs"})) return;
    if (must_be_there()) FAIL() << "CI has no Node with ws: " << missing();
    GTEST_SKIP() << "no Node with ws here (npm ci in tests/peers): " << missing();
  }

  static void expect_closed(const json::object& told,
                            const std::string& code,
                            const std::string& reason) {
    EXPECT_EQ(text(told, "code"), code);
    EXPECT_EQ(text(told, "reason"), reason);
    EXPECT_EQ(text(told, "clean"), code == "1006" ? "false" : "true");
    EXPECT_EQ(text(told, "errors"), "[]");
  }
};

TEST_P(Node, EchoesEverySizeAndFragmentsAndPongs) {
  link with = talk({{"echo", true}});
  exchange_echoes(with);
  receive_fragments(with);
  with.tell("ping");
  with.event("pong");
  expect_closed(we_close(with), "4001", "bye");
}

TEST_P(Node, N15_Compresses) {
  link with = talk_compressed(15, context_takeover::yes);
  exchange_compressed(with);
}

TEST_P(Node, N15_CompressesEachMessageAlone) {
  link with = talk_compressed(10, context_takeover::no);
  exchange_compressed(with);
}

TEST_P(Node, IsClosedByUs) {
  link with = talk();
  expect_closed(we_close(with), "4001", "bye");
}

TEST_P(Node, IsClosedByUsWithoutACode) {
  link with = talk();
  expect_closed(we_close_without_code(with), "1005", "");
}

TEST_P(Node, Closes) {
  link with = talk();
  expect_closed(peer_closes(with), "4002", "see you, 再见");
}

TEST_P(Node, ClosesWithoutACode) {
  link with = talk();
  expect_closed(peer_closes_without_code(with), "1005", "");
}

TEST_P(Node, ClosesWhileWeClose) {
  link with = talk({}, route::relayed);
  expect_closed(closes_cross(with), "4001", "ours");
}

TEST_P(Node, RacesOurClose) {
  for (int i = 0; i < races; ++i) {
    link with = talk();
    expect_closed(closes_race(with), "4001", "ours");
  }
}

TEST_P(Node, DropsTcp) {
  link with = talk();
  expect_closed(peer_drops(with, "fin"), "1006", "");
}

TEST_P(Node, ResetsTcp) {
  link with = talk();
  expect_closed(peer_drops(with, "reset"), "1006", "");
}

TEST_P(Node, SeesOurAbort) {
  link with = talk();
  expect_closed(we_abort(with), "1006", "");  // `ws` keeps the ECONNRESET of the socket to itself
}

TEST_P(Node, SendsAfterOurHalfClose) {
  link with = talk({}, route::relayed);
  expect_closed(peer_sends_after_our_close(with), "4003", "half");
}

// `ws` still delivers what comes after its own Close: our half of the connection is open until we
// answer.
TEST_P(Node, HearsUsAfterItsOwnClose) {
  link with = talk();
  peer_hears_after_its_close(with);
}

TEST_P(Node, SendsMuchAndCloses) {
  link with = talk();
  expect_closed(peer_sends_and_closes(with), "1000", "all heard");
}

TEST_P(Node, GetsEverythingWeSentBeforeTheClose) {
  link with = talk();
  expect_closed(we_send_and_close(with), "1000", "all said");
}

TEST_P(Node, SeesThatWeLetGo) {
  link with = talk();
  expect_closed(we_let_go(with), GetParam() == way::client ? "1000" : "1006", "");
}

TEST_P(Node, IsKilled) {
  link with = talk();
  auto receiving = with.ours->start_receive();
  kill_peer();
  EXPECT_EQ(wait_for(std::move(receiving), "the error").ec, errc::connection_closed_prematurely);
  expect_unclean(with.ours->record(), cause::peer_vanished, tcp_end::peer_fin_first);
}

INSTANTIATE_TEST_SUITE_P(Peers, Node, testing::Values(way::client, way::server), name_of);

}  // namespace
}  // namespace peers
