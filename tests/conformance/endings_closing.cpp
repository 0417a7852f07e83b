// C1 to C8: closing, and ends without a Close.
#include <fmt/format.h>

#include <thread>
#include <utility>

#include "script.hpp"

namespace adieu::conformance {
namespace {

using std::chrono::milliseconds;

// ── C1: times, and who ends TCP ──────────────────────────────────────────────────────────────────

void times_of_a_close(script& s) {
  wire& w = s.open();
  s.echo("hello");
  w.put_close(1000);
  if (!s.peer_close(s.how.patience)) return;
  const auto both = w.peer_close_at();
  s.measure("from our Close to the peer's", w.sent_close_at(), both);
  if (s.is_client()) {
    if (w.until_ended(s.soon())) {
      s.measure("from both to the server's FIN", both, w.end_at());
      if (w.end() == stream::status::reset) s.out.weaken("the server ended TCP with a reset");
    } else {
      s.out.close_wrongly(closing::unclean, "the server did not end TCP first (RFC 6455 §7.1.1)");
    }
    return;
  }
  if (w.until_ended(in(0.3))) {
    s.measure("from both to the client's FIN", both, w.end_at());
    s.out.weaken(
        "the client ended TCP first; it should leave that to the server (RFC 6455 §7.1.1)");
    return;
  }
  const auto ours = clock::now();
  w.fin();
  if (w.until_ended(s.soon())) {
    s.measure("from our FIN to the client's", ours, w.end_at());
  } else {
    s.out.close_wrongly(closing::unclean, "the client did not end TCP after our FIN");
  }
}

void tcp_held_open(script& s) {
  wire& w = s.open();
  w.put_close(1000);
  if (!s.peer_close(s.how.patience)) return;
  const auto both = w.peer_close_at();
  if (!s.is_client()) {
    s.measure_giving_up("both Closes, while the server sends no FIN", both);
    return;
  }
  // The server's half is closed: its socket is gone when a byte of ours brings a reset.
  w.until_ended(s.soon());
  const auto latest = in(s.at.able.close_deadline);
  while (clock::now() < latest) {
    std::string ignored;
    std::this_thread::sleep_for(milliseconds(50));
    w.carrier().write("x");
    if (!w.carrier().is_dead()) continue;
    s.measure(
        "from both Closes until the server lets go of a socket that we hold", both, clock::now());
    return;
  }
  s.tell(fmt::format("it still held its socket after {} s", s.at.able.close_deadline));
}

// ── C2: the peer begins to close ─────────────────────────────────────────────────────────────────

void peer_closes(script& s, const std::string& query, std::uint16_t code, std::string_view reason) {
  wire& w = s.open(query);
  if (query.find("after=1") != std::string::npos) s.echo("then close");
  if (!s.peer_close(s.how.patience)) return;
  if (w.peer_close()->code != code || w.peer_close()->reason() != reason) {
    s.out.close_wrongly(closing::wrong_code, "its Close does not say what it was told to say");
  }
  const auto answered = clock::now();
  finish(w, s.out, {.by_peer = true, .codes = {code}, .clean = true}, s.how);
  if (w.ended()) s.measure("from our answer to the peer's FIN", answered, w.end_at());
}

void peer_closes_after_a_message(script& s) {
  peer_closes(s, "close=1001&reason=going&after=1", 1001, "going");
}
void peer_closes_at_once(script& s) { peer_closes(s, "close=1013&reason=full", 1013, "full"); }
void peer_closes_with_its_own_code(script& s) { peer_closes(s, "close=4321&after=1", 4321, ""); }

// ── C3: the end of TCP without a Close ───────────────────────────────────────────────────────────

void fin_while_idle(script& s) {
  s.open(s.named());
  s.echo("hello");
  s.end_tcp();
  s.report();
}

void fin_behind_a_message(script& s) {
  wire& w = s.open();
  s.text("the last words");
  s.end_tcp();
  s.out.notes.emplace_back(w.events().empty() ? "the message was not echoed any more"
                                              : "the message was still echoed");
}

void reset_without_a_close(script& s) {
  s.open(s.named());
  s.echo("hello");
  s.w().reset();
  s.report();
  s.open();
  s.echo("again");
  s.close_cleanly();
}

// ── C4: two Closes that cross ────────────────────────────────────────────────────────────────────

void crossing_closes(script& s) {
  wire& w = s.open("close=1001&reason=theirs");
  w.put_close(4000, "ours");
  w.flush(s.soon());
  if (!s.peer_close(s.how.patience)) return;
  if (w.peer_close()->code == 4000) s.tell("it had read our Close before it wrote its own");
  finish(w, s.out, {.by_peer = !w.sent_close_first(), .codes = {1001, 4000}, .clean = true}, s.how);
}

// ── C5: the suite stops reading ──────────────────────────────────────────────────────────────────

void close_into_a_full_window(script& s) {
  wire& w = s.open();
  w.read_nothing(true);
  const std::string block(256 * 1024, 'z');
  int sent = 0;
  for (bool flows = true; flows && sent < 96; ++sent) {
    s.text(block);
    flows = w.flush(in(0.5));
  }
  s.out.notes.push_back(
      fmt::format("{} messages of 256 KiB were sent, and nothing was read", sent));
  const auto closed = clock::now();
  w.put_close(1000);
  const auto latest = in(s.at.able.close_deadline);
  while (clock::now() < latest && !w.carrier().is_dead()) {
    w.flush(in(0.05));
    std::this_thread::sleep_for(milliseconds(50));
  }
  if (w.carrier().is_dead()) {
    s.measure("from our Close until the peer gave up", closed, clock::now());
  } else {
    s.tell(fmt::format("it had not given up after {} s", s.at.able.close_deadline));
  }
}

// ── C6, C7, C8: behind the peer's Close, and before ours ─────────────────────────────────────────

void data_after_the_peers_close(script& s, const std::string& query) {
  wire& w = s.open(s.named(query));
  if (!s.peer_close(s.how.patience)) return;
  for (const char* each : {"one", "two", "three"}) s.text(each);
  finish(w, s.out, {.by_peer = true, .codes = {1001}, .clean = true}, s.how);
  const std::string told = s.report();
  if (!told.empty() && told.find("3 of them after our Close") == std::string::npos) {
    s.out.weaken("data between the two Closes did not reach the application");
  }
}
void data_after_a_half_close(script& s) { data_after_the_peers_close(s, "close=1001&half=1"); }
void data_after_a_close(script& s) { data_after_the_peers_close(s, "close=1001"); }

template <typename Send>
void trickle(script& s, Send send) {
  wire& w = s.open("close=1001");
  if (!s.peer_close(s.how.patience)) return;
  const auto latest = in(s.at.able.close_deadline);
  while (!w.ended() && clock::now() < latest) {
    send(w);
    w.flush(in(0.1));
    w.until_ended(in(0.1));
  }
  s.measure_giving_up("its Close, while bytes kept coming", w.peer_close_at());
}
void bytes_that_trickle(script& s) {
  bool first = true;
  trickle(s, [&](wire& w) {
    if (std::exchange(first, false)) w.put_header(frame(op_text, ""), 60'000);
    w.put_piece("x");
  });
}
void messages_for_ever(script& s) {
  trickle(s, [](wire& w) { w.put(frame(op_text, "more")); });
}

void silence_after_the_peers_close(script& s) {
  wire& w = s.open(s.named("close=1001"));
  if (!s.peer_close(s.how.patience)) return;
  s.measure_giving_up("its Close, which we never answer", w.peer_close_at());
  if (w.ended()) s.report();
}

}  // namespace

std::vector<ending> closing_endings() {
  using who = ending::suite;
  using needs = ending::needs;
  return {
      {"C1.1", "the suite closes", who::either, needs::nothing, times_of_a_close},
      {"C1.2", "the suite keeps TCP open", who::either, needs::nothing, tcp_held_open},
      {"C2.1", "1001 with a reason", who::either, needs::control, peer_closes_after_a_message},
      {"C2.2", "a code of its own", who::either, needs::control, peer_closes_with_its_own_code},
      {"C2.3", "at once, behind the 101", who::either, needs::control, peer_closes_at_once},
      {"C3.1", "a FIN", who::either, needs::nothing, fin_while_idle},
      {"C3.2", "a FIN behind a message", who::either, needs::nothing, fin_behind_a_message},
      {"C3.3", "a reset; the next connection", who::either, needs::nothing, reset_without_a_close},
      {"C4.1", "two codes", who::either, needs::control, crossing_closes},
      {"C5.1", "a full window", who::either, needs::nothing, close_into_a_full_window},
      {"C6.1", "after a half-close", who::either, needs::control, data_after_a_half_close},
      {"C6.2", "after a close", who::either, needs::control, data_after_a_close},
      {"C7.1", "a byte at a time", who::either, needs::control, bytes_that_trickle},
      {"C7.2", "messages for ever", who::either, needs::control, messages_for_ever},
      {"C8.1", "nothing at all", who::either, needs::control, silence_after_the_peers_close},
  };
}

}  // namespace adieu::conformance
