// C9 to C13, C15, C16: Pings and Pongs, ends in the middle of something, answers, limits, masks.
#include <fmt/format.h>

#include <algorithm>

#include "deflate.hpp"
#include "script.hpp"

namespace adieu::conformance {
namespace {

// ── C9, C10: Pings and Pongs ─────────────────────────────────────────────────────────────────────

opening impatient(script& s, const std::string& query = {}) {
  opening out(s.id, query);
  out.impatient = true;
  if (!s.is_client()) out.control += out.control.empty() ? "impatient=1" : "&impatient=1";
  return out;
}

void no_pong_ever(script& s) {
  wire& w = s.open(s.at.able.impatient ? impatient(s) : opening(s.id));
  w.leave_pings_alone();
  const auto began = clock::now();
  const auto latest = in(s.at.able.close_deadline);
  if (w.until([&w] { return !w.events().empty() || w.closing(); }, latest) && !w.events().empty()) {
    s.measure("from the opening to its first Ping", began, clock::now());
    const auto asked = clock::now();
    if (w.until_closing(in(s.at.able.close_deadline))) {
      s.measure("from its Ping until it gave up", asked, clock::now());
      if (w.peer_close()) {
        s.out.notes.push_back(fmt::format("with a Close {}", w.peer_close()->code.value_or(0)));
      }
      return;
    }
  }
  s.tell(fmt::format("it had not noticed after {} s", s.at.able.close_deadline));
}

void wrong_pongs(script& s) {
  wire& w = s.open(impatient(s));
  w.leave_pings_alone();
  const auto latest = in(1.5);
  while (!w.closing() && clock::now() < latest) {
    w.until([&w] { return !w.events().empty() || w.closing(); }, latest);
    if (w.events().empty()) continue;
    w.events().clear();
    w.put(frame(op_pong, "a wrong one"));
  }
  if (w.closing()) return s.tell("Pongs with a wrong payload count as none");
  s.out.notes.emplace_back("Pongs with a wrong payload are a sign of life");
  s.close_cleanly();
}

std::vector<std::string> pongs_of(wire& w) {
  std::vector<std::string> out;
  for (const event& each : w.events()) {
    if (each.what == event::kind::pong) out.push_back(each.payload.substr(0, 8));
  }
  return out;
}

void ping_flood(script& s) {
  opening how(s.id);
  how.tolerant = s.at.able.max_pings != 0;
  if (how.tolerant && !s.is_client()) how.control = "tolerant=1";
  wire& w = s.open(how);
  constexpr int count = 10'000;
  for (int i = 0; i < count; ++i)
    w.put(frame(op_ping, fmt::format("{:08} {}", i, std::string(90, '.'))));
  s.text("behind the flood");
  w.until(
      [&w] {
        return (!w.events().empty() && w.events().back().what == event::kind::text) || w.closing();
      },
      in(10 * s.how.patience));
  const std::vector<std::string> pongs = pongs_of(w);
  s.out.measure("Pings", count);
  s.out.measure("Pongs", static_cast<double>(pongs.size()));
  if (w.closing()) return s.tell("it closed in the flood");
  if (!std::ranges::is_sorted(pongs)) s.out.fail("the Pongs came out of order");
  // RFC 6455 §5.5.3: the most recent Ping may stand for those before it.
  if (pongs.empty() || pongs.back() != "00009999") s.out.fail("the last Ping has no Pong");
  s.close_cleanly();
}

void more_pings_than_the_limit(script& s) {
  wire& w = s.open(s.named());
  const int count = 3 * s.at.able.max_pings;  // in one write: that it takes seconds is out of reach
  for (int i = 0; i < count; ++i) w.put(frame(op_ping, fmt::format("{:08}", i)));
  s.text("behind the flood");
  w.until_closing(in(10 * s.how.patience));
  finish(w, s.out, {.by_peer = true, .codes = {1008}}, s.how);
  if (!w.peer_close()) s.out.fail("no Close came: a reset destroyed it, or none was sent");
  const std::vector<std::string> pongs = pongs_of(w);
  if (pongs.size() != w.events().size()) s.out.fail("what came behind the limit was still taken");
  if (!std::ranges::is_sorted(pongs)) s.out.fail("the Pongs came out of order");
  s.out.measure("Pings", count);
  s.out.measure("Pongs", static_cast<double>(pongs.size()));
  const std::string told = s.report();
  if (!told.empty() && told.find("more control frames than the limit") == std::string::npos) {
    s.out.fail("its record does not tell that there were too many control frames");
  }
}

// ── C11: the end in the middle of something ──────────────────────────────────────────────────────

void ends_within(script& s) {
  s.end_tcp();
  const bool data = std::ranges::any_of(s.w().events(), [](const event& e) {
    return e.what == event::kind::text || e.what == event::kind::binary;
  });
  if (data) s.out.fail("a message that never ended came back");
  s.report();
}

void within_a_header(script& s) {
  s.open(s.named()).put_bytes("\x81", "the first byte of a header");
  ends_within(s);
}
void within_a_payload(script& s) {
  wire& w = s.open(s.named());
  w.put_header(frame(op_text, ""), 100);
  w.put_piece("ten bytes.");
  ends_within(s);
}
void within_a_message(script& s) {
  frame first(op_text, "the first fragment");
  first.fin = false;
  s.open(s.named()).put(first);
  ends_within(s);
}
void within_a_compressed_message(script& s) {
  opening how(s.id, s.named());
  how.offer = "permessage-deflate";
  how.answer = [](const std::string& offered) { return to_answer("plain", offered); };
  wire& w = s.open(how);
  if (s.agreed.empty()) {
    s.out.behaved = behaviour::unimplemented;
    return s.close_cleanly();
  }
  frame first(op_text, deflater(15, true).compress(std::string(400, 'a')).substr(0, 3));
  first.rsv = 4;
  first.fin = false;
  w.put(first);
  ends_within(s);
}
void within_a_close(script& s) {
  wire& w = s.open(s.named());
  w.put_header(frame(op_close, ""), 10);
  w.put_piece(close_payload(1000));
  ends_within(s);
}

// ── C12: what an answer echoes ───────────────────────────────────────────────────────────────────

void answer_to_an_empty_close(script& s) {
  wire& w = s.open();
  w.put_close(std::nullopt);
  if (!s.peer_close(s.how.patience)) return;
  if (w.peer_close()->code == 1000) {
    s.out.weaken("it answers a Close without a code with 1000");
  } else if (w.peer_close()->code) {
    s.out.close_wrongly(closing::wrong_code, "it invents a code for a Close without one");
  }
  finish(w, s.out, {.codes = {1000}, .clean = true}, s.how);
}

void answer_byte_by_byte(script& s) {
  wire& w = s.open();
  const std::string reason = "für – ü 日本 \xF0\x9F\x91\x8B";
  w.put_close(4321, reason);
  if (!s.peer_close(s.how.patience)) return;
  s.out.notes.emplace_back(w.peer_close()->reason() == reason ? "the reason is echoed byte by byte"
                           : w.peer_close()->reason().empty() ? "the reason is not echoed"
                                                              : "the reason is another");
  finish(w, s.out, {.codes = {4321}, .clean = true}, s.how);
}

// ── C15, C16: limits and masks ───────────────────────────────────────────────────────────────────

void over_the_limit(script& s) {
  wire& w = s.open();
  w.read_nothing(true);
  w.put_header(frame(op_text, ""), s.at.able.max_message + 1);
  for (int i = 0; i < 64 && !w.carrier().is_dead(); ++i) {
    w.put_piece(std::string(64 * 1024, 'x'));
    w.flush(in(0.2));
  }
  w.read_nothing(false);
  if (!w.until_closing(in(5 * s.how.patience)))
    return s.tell("4 MiB of it were taken without a word");
  if (!w.peer_close()) return s.out.fail("no Close came: a reset destroyed it, or none was sent");
  if (w.peer_close()->code != 1009) {
    s.out.close_wrongly(closing::wrong_code,
                        fmt::format("its Close says {}", w.peer_close()->code.value_or(0)));
  }
  const auto latest = in(5 * s.how.patience);
  while (!w.ended() && clock::now() < latest) {  // the rest still goes out
    w.put_piece(std::string(64 * 1024, 'x'));
    w.flush(in(0.1));
  }
  if (w.ended()) s.measure("from its Close to its end", w.peer_close_at(), w.end_at());
}

void wrong_masking(script& s) {
  wire& w = s.open();
  w.put_wrongly_masked(frame(op_text, "a mask too few, or too many"));
  w.until_closing(s.soon());
  if (!w.closing()) w.put_close(1001);
  finish(w, s.out, {.by_peer = true, .codes = {1002}}, s.how);
  if (!w.events().empty()) s.out.fail("the message was taken");
}

}  // namespace

std::vector<ending> frame_endings() {
  using who = ending::suite;
  using needs = ending::needs;
  return {
      {"C9.1", "no Pong ever", who::either, needs::nothing, no_pong_ever},
      {"C10.2", "Pongs with a wrong payload", who::either, needs::impatient, wrong_pongs},
      {"C10.3", "ten thousand Pings", who::either, needs::nothing, ping_flood},
      {"C10.4",
       "more Pings than the limit",
       who::either,
       needs::ping_limit,
       more_pings_than_the_limit},
      {"C11.1", "of a header", who::either, needs::nothing, within_a_header},
      {"C11.2", "of a payload", who::either, needs::nothing, within_a_payload},
      {"C11.3", "of a message", who::either, needs::nothing, within_a_message},
      {"C11.4",
       "of a compressed message",
       who::either,
       needs::nothing,
       within_a_compressed_message},
      {"C11.5", "of a Close", who::either, needs::nothing, within_a_close},
      {"C12.5",
       "the answer to an empty Close",
       who::either,
       needs::nothing,
       answer_to_an_empty_close},
      {"C12.6", "the answer, byte by byte", who::either, needs::nothing, answer_byte_by_byte},
      {"C15.1", "1009, or a reset?", who::either, needs::limit, over_the_limit},
      {"C16.1", "a frame that is masked wrongly", who::either, needs::nothing, wrong_masking},
  };
}

}  // namespace adieu::conformance
