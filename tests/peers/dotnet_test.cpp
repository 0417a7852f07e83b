// The real .NET as the peer: ClientWebSocket, and WebSocket.CreateFromStream over bare TCP in both
// roles (dotnet/). The program is built by the first test that needs it, without any NuGet package.
//
// Its report: `state` is WebSocketState, `code` and `reason` are CloseStatus and
// CloseStatusDescription, `exception` and `error` what ReceiveAsync threw.
#include "tests/peers/dotnet_build.hpp"
#include "tests/peers/scenarios.hpp"

namespace peers {
namespace {

using adieu::core::context_takeover;

class Dotnet : public program_tests<Dotnet> {
 protected:
  void SetUp() override {
    static const bool there = dotnet_sdk_is_there();
    if (!there) {
      if (must_be_there("ADIEU_REQUIRE_DOTNET")) FAIL() << "ADIEU_REQUIRE_DOTNET, but no .NET 10";
      GTEST_SKIP() << "no .NET SDK from 10 up here";
    }
    static const std::string built = build_dotnet_program("peers/dotnet", "peer");
    ASSERT_TRUE(start({"dotnet", built})) << missing();
  }

  static void expect_closed(const json::object& told,
                            const std::string& code,
                            const std::string& reason) {
    EXPECT_EQ(text(told, "state"), "Closed");
    EXPECT_EQ(text(told, "code"), code);
    EXPECT_EQ(text(told, "reason"), reason);
    // A race of .NET's own: its CloseAsync and the receive that was pending both wait for our
    // Close, and once in some hundred runs the receive is left with the end of TCP.
    const std::string error = text(told, "error");
    EXPECT_TRUE(error == "(none)" || error == "ConnectionClosedPrematurely") << error;
    EXPECT_EQ(text(told, "exception"), error == "(none)" ? "(none)" : "WebSocketException");
    EXPECT_EQ(text(told, "close_failure"), "(none)");
  }
  static void expect_premature(const json::object& told) {
    EXPECT_EQ(text(told, "state"), "Aborted");
    EXPECT_EQ(text(told, "code"), "(none)");
    EXPECT_EQ(text(told, "exception"), "WebSocketException");
    EXPECT_EQ(text(told, "error"), "ConnectionClosedPrematurely");
  }
};

/// ClientWebSocket does not show its TCP socket; CreateFromStream gets one from us.
class DotnetOverTcp : public Dotnet {};
class DotnetClient : public Dotnet {};

TEST_P(Dotnet, EchoesEverySizeAndFragmentsAndPongs) {
  link with = talk({{"echo", true}});
  exchange_echoes(with);
  receive_fragments(with);
  expect_closed(we_close(with), "4001", "bye");
}

TEST_P(Dotnet, N15_Compresses) {
  link with = talk_compressed(15, context_takeover::yes);
  exchange_compressed(with);
}

TEST_P(Dotnet, N15_CompressesEachMessageAlone) {
  link with = talk_compressed(10, context_takeover::no);
  exchange_compressed(with);
}

TEST_P(Dotnet, IsClosedByUs) {
  link with = talk();
  expect_closed(we_close(with), "4001", "bye");
}

// D2: .NET calls a Close without a code 1000, and that is what it is then told to answer with.
TEST_P(Dotnet, IsClosedByUsWithoutACode) {
  link with = talk();
  expect_closed(we_close_without_code(with, {1000, ""}), "1000", "");
}

// The article: CloseAsync while ReceiveAsync is pending; both end well (S2, S7).
TEST_P(Dotnet, Closes) {
  link with = talk();
  const json::object told = peer_closes(with);
  expect_closed(told, "4002", "see you, 再见");
  // N10: as a client it waits up to 1 s for our FIN; it did not have to.
  EXPECT_LT(told.at("close_seconds").to_number<double>(), 0.9);
}

// D13: asked for `Empty`, .NET writes 1005 into its Close, which RFC 6455 §7.4.1 forbids. We fail
// the connection (N6); .NET takes our 1002 for the answer, and calls it closed.
TEST_P(Dotnet, ClosesWithTheForbidden1005) {
  link with = talk();
  auto receiving = with.ours->start_receive();
  with.tell("close");
  EXPECT_EQ(wait_for(std::move(receiving), "the error").ec, errc::faulted);
  const disconnect_record record = with.ours->record();
  EXPECT_FALSE(record.clean);
  EXPECT_EQ(record.cause, cause::protocol_error_by_peer) << to_string(record.cause);
  EXPECT_EQ(record.broken_rule, adieu::core::violation::invalid_close_code);
  EXPECT_EQ(record.initiator, initiator::remote);
  expect_frame(record.received, {1005, ""});
  ASSERT_TRUE(record.sent);
  EXPECT_EQ(record.sent->code, 1002);
  const json::object told = with.end();
  expect_closed(told, "1002", record.sent->reason);
}

TEST_P(Dotnet, ClosesWhileWeClose) {
  link with = talk({}, route::relayed);
  expect_closed(closes_cross(with), "4001", "ours");
}

TEST_P(Dotnet, DropsTcp) {
  link with = talk();
  const json::object told = peer_drops(with, "fin");
  EXPECT_EQ(text(told, "state"), "Aborted");
}

TEST_P(DotnetOverTcp, ResetsTcp) {
  link with = talk();
  const json::object told = peer_drops(with, "reset");
  EXPECT_EQ(text(told, "state"), "Aborted");
}

TEST_P(Dotnet, SeesOurAbort) {
  link with = talk();
  expect_premature(we_abort(with));
}

TEST_P(Dotnet, SendsAfterOurHalfClose) {
  link with = talk({}, route::relayed);
  expect_closed(peer_sends_after_our_close(with), "4003", "half");
}

// A half-close as RFC 6455 means it: .NET has read our Close, and goes on sending before it
// answers.
TEST_P(Dotnet, SendsAfterItReceivedOurClose) {
  link with = talk({{"answer", false}});
  EXPECT_FALSE(with.ours->close_output(close_status{4003}, "half"));
  EXPECT_EQ(text(with.event("close_received"), "state"), "CloseReceived");
  with.tell("send", {{"count", many}, {"size", 2000}});
  receive_many(*with.ours);
  with.event("sent");
  with.tell("close_output", {{"code", 4004}, {"reason", "the other half"}});
  expect_close_received(with.ours->receive(), 4004, "the other half");
  expect_clean(with.ours->record(),
               initiator::local,
               {4003, "half"},
               {4004, "the other half"},
               with.usual_tcp_end());
  expect_closed(with.end(), "4003", "half");
}

// The article's S3 from the other side: CloseOutputAsync first, then it receives until our Close.
TEST_P(Dotnet, HearsUsAfterItsOwnCloseOutput) {
  link with = talk();
  const json::object told = peer_hears_after_its_close(with, "close_output");
  expect_closed(told, "4002", "heard");
}

TEST_P(Dotnet, SendsMuchAndCloses) {
  link with = talk();
  with.tell("send", {{"count", many}, {"size", 2000}});
  with.event("sent");  // sends of .NET's must not overlap with a close
  with.tell("close", {{"code", 1000}, {"reason", "all said"}});
  expect_closed(we_hear_it_out(with), "1000", "all heard");
}

TEST_P(Dotnet, GetsEverythingWeSentBeforeTheClose) {
  link with = talk();
  expect_closed(we_send_and_close(with), "1000", "all said");
}

TEST_P(Dotnet, SeesThatWeLetGo) {
  link with = talk();
  const json::object told = we_let_go(with);
  if (GetParam() == way::client) {
    expect_closed(told, "1000", "");
  } else {
    expect_premature(told);
  }
}

// .NET's own keep-alive (N14): its Pings are answered while nobody on our side receives (D1).
TEST_P(DotnetClient, PingsUs) {
  link with = talk({{"ping_every_ms", 20}}, route::relayed);
  const std::uint64_t before = with.between->passed(with.towards_peer());
  with.between->wait_passed(with.towards_peer(), before + 5 * (2 + 8));  // five Pongs of 8 bytes
  EXPECT_EQ(with.ours->state(), adieu::state::open);
  expect_closed(we_close(with), "4001", "bye");
}

TEST_P(Dotnet, IsKilled) {
  link with = talk();
  auto receiving = with.ours->start_receive();
  kill_peer();
  EXPECT_EQ(wait_for(std::move(receiving), "the error").ec, errc::connection_closed_prematurely);
  expect_unclean(with.ours->record(), cause::peer_vanished, tcp_end::peer_fin_first);
}

INSTANTIATE_TEST_SUITE_P(Peers,
                         Dotnet,
                         testing::Values(way::client, way::adopted_client, way::adopted_server),
                         name_of);
INSTANTIATE_TEST_SUITE_P(Peers,
                         DotnetOverTcp,
                         testing::Values(way::adopted_client, way::adopted_server),
                         name_of);
INSTANTIATE_TEST_SUITE_P(Peers, DotnetClient, testing::Values(way::client), name_of);

}  // namespace
}  // namespace peers
