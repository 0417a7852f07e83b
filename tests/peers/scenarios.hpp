// The conversations that every peer has with us, and what our own side must make of each. What the
// peer makes of it differs, so each scenario returns the peer's report for the peer's own test.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <string>

#include "tests/peers/adieu_side.hpp"
#include "tests/peers/peer.hpp"
#include "tests/peers/relay.hpp"

namespace peers {

using adieu::cause;
using adieu::disconnect_record;
using adieu::errc;
using adieu::initiator;
using adieu::tcp_end;

/// What the peer is. The adopted ones speak over bare TCP, without an opening handshake.
enum class way { client, server, adopted_client, adopted_server };

inline std::string name_of(const testing::TestParamInfo<way>& info) {
  switch (info.param) {
    case way::client: return "PeerIsClient";
    case way::server: return "PeerIsServer";
    case way::adopted_client: return "PeerIsAdoptedClient";
    case way::adopted_server: return "PeerIsAdoptedServer";
  }
  return "Unknown";
}

inline bool peer_is_client(way what) { return what == way::client || what == way::adopted_client; }

/// Straight to each other, or through a relay that can hold what passes.
enum class route { direct, relayed };

/// One connection: both ends of it.
struct link {
  link(peer& with, way what) : them(with), on(with.new_name()), peer_is(what) {}

  peer& them;
  std::string on;
  way peer_is;
  our_end_ptr ours;
  std::unique_ptr<relay> between;

  void tell(std::string_view what, json::object more = {}) { them.tell(on, what, std::move(more)); }
  json::object event(std::string_view what) { return them.event(on, what); }
  /// What the peer reports of the end.
  json::object end() {
    json::object told = event("end");
    std::cout << "peer: " << json::serialize(told) << '\n';
    return told;
  }

  [[nodiscard]] direction towards_peer() const {
    return peer_is_client(peer_is) ? direction::from_target : direction::to_target;
  }
  [[nodiscard]] direction towards_us() const {
    return peer_is_client(peer_is) ? direction::to_target : direction::from_target;
  }
  /// RFC 6455 §7.1.1: the server closes TCP first.
  [[nodiscard]] tcp_end usual_tcp_end() const {
    return peer_is_client(peer_is) ? tcp_end::our_fin_first : tcp_end::peer_fin_first;
  }
};

inline std::string url_of(std::uint16_t port) {
  return "ws://127.0.0.1:" + std::to_string(port) + "/peers";
}

link open(adieu_side& side, peer& with, way what, json::object how = {}, route by = route::direct);

/// Tests with a program as the peer, in the ways that the suite names: one program for all of a
/// fixture's tests.
template <typename Fixture>
class program_tests : public testing::TestWithParam<way> {
 protected:
  /// False: the program can't be started, and missing() tells why.
  bool start(const std::vector<std::string>& command) {
    peer_ = suite().get(command);
    return peer_ != nullptr;
  }

  /// The same with permessage-deflate agreed, within windows of 2^bits.
  link talk_compressed(int bits, adieu::core::context_takeover takeover) {
    const bool kept = takeover == adieu::core::context_takeover::yes;
    auto& deflate = side_.options.deflate.emplace();
    deflate.client_max_window_bits = deflate.server_max_window_bits = bits;
    deflate.client_context_takeover = deflate.server_context_takeover = kept;
    link with = talk({{"echo", true}, {"deflate", {{"bits", bits}, {"takeover", kept}}}});
    const bool adopted = GetParam() == way::adopted_client || GetParam() == way::adopted_server;
    EXPECT_EQ(with.ours->extensions().starts_with("permessage-deflate"), !adopted)
        << with.ours->extensions();
    return with;
  }

  static const std::string& missing() { return suite().missing; }

  /// By SIGKILL. The next test starts another.
  void kill_peer() {
    peer_->kill();
    suite().running.reset();
  }

  link talk(json::object how = {}, route by = route::direct) {
    return open(side_, *peer_, GetParam(), std::move(how), by);
  }

 private:
  static suite_peer& suite() {
    static suite_peer one;
    return one;
  }

  program* peer_ = nullptr;
  adieu_side side_;
};

// ── What our record must say ────────────────────────────────────────────────────────────────────

struct expected_close {
  expected_close() = default;
  expected_close(unsigned with, std::string why) : code(with), reason(std::move(why)) {}
  std::optional<unsigned> code;  ///< nothing: a Close without a payload
  std::string reason;
};

void expect_frame(const std::optional<adieu::close_frame>& frame, const expected_close& expected);

void expect_nothing_lost(const disconnect_record& record);

void expect_clean(const disconnect_record& record,
                  initiator who,
                  const expected_close& sent,
                  const expected_close& got,
                  tcp_end tcp);

void expect_unclean(const disconnect_record& record, cause why, tcp_end tcp);

void expect_close_received(const received& got, unsigned code, const std::string& reason);

/// S8: after the end, for ever.
void expect_over(our_end& ours);

// ── The scenarios ───────────────────────────────────────────────────────────────────────────────

/// How many messages "many" are, of 2000 bytes each.
inline constexpr int many = 300;

/// A peer that sends back: every length of the length field, both types, fragments, Pings.
void exchange_echoes(link& with);

/// N15: the same compressed, and a proper end.
void exchange_compressed(link& with);

/// The peer's own fragments, and its own Ping.
void receive_fragments(link& with);

/// (b) We close, with a receive pending (S7).
json::object we_close(link& with);

/// We close with a Close that has no payload; `answer` is what the peer answers that with.
json::object we_close_without_code(link& with, const expected_close& answer = {});

/// (a) The peer closes, and we answer with its own code and reason (S6).
json::object peer_closes(link& with, std::optional<tcp_end> tcp = {});

/// D2: the peer's Close has no payload.
json::object peer_closes_without_code(link& with);

/// (c) Both close at once: the relay lets neither Close arrive before both were sent.
json::object closes_cross(link& with, std::optional<tcp_end> tcp = {});

/// Both close at once, and nobody arranges who is first. However it goes, the peer must see our
/// Close.
json::object closes_race(link& with);
inline constexpr int races = 25;

/// (d) The peer ends TCP without a Close, by FIN or by RST.
json::object peer_drops(link& with, const std::string& how);

/// (e) We abort (S4): whatever is pending ends, and the peer must find out.
json::object we_abort(link& with);

void receive_many(our_end& ours);

/// (f) We close our output while the peer goes on sending: the relay keeps our Close from it until
/// it has sent everything, since most peers answer a Close at once. Then it ends by our Close.
json::object peer_sends_after_our_close(link& with);

/// The other half: the peer has closed its output, and we go on sending before we answer (P2, N1).
/// `by` is the peer's call, `heard` how many of our many messages its API then still gives out.
json::object peer_hears_after_its_close(link& with,
                                        std::string_view by = "close",
                                        int heard = many);

/// The peer sends many messages and closes behind them, before we receive the first.
json::object peer_sends_and_closes(link& with);
/// Its second half: from the first of the many messages on.
json::object we_hear_it_out(link& with);

/// We send many messages and close behind them: every one of them must have arrived.
json::object we_send_and_close(link& with);

/// A server's handler returns: 1000 (D11). A client's websocket goes out of scope: no Close (P6).
json::object we_let_go(link& with);

}  // namespace peers
