#include "play.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace adieu::conformance {
namespace {

bool same(const event& got, const event& wanted, comparison how) {
  if (got.what != wanted.what) return false;
  return how == comparison::type_and_length ? got.payload.size() == wanted.payload.size()
                                            : got.payload == wanted.payload;
}

bool matches(const std::vector<event>& got, const std::vector<event>& wanted, comparison how) {
  return std::ranges::equal(
      got, wanted, [how](const event& a, const event& b) { return same(a, b, how); });
}

std::string in_words(const std::vector<event>& events) {
  if (events.empty()) return "nothing";
  std::string out;
  for (const event& each : events) {
    if (!out.empty()) out += ", ";
    switch (each.what) {
      case event::kind::text: out += fmt::format("text {} B", each.payload.size()); break;
      case event::kind::binary: out += fmt::format("bin {} B", each.payload.size()); break;
      case event::kind::ping: out += "ping " + show(each.payload); break;
      case event::kind::pong: out += "pong " + show(each.payload); break;
      case event::kind::mark: out += fmt::format("open after wait {}", each.payload); break;
    }
    if (out.size() > 200) return out + ", …";
  }
  return out;
}

class player {
 public:
  player(const table_case& what, wire& with, const conditions& how)
      : case_(what), wire_(with), how_(how) {}

  outcome run() {
    send_all();
    wait_for_the_peer();
    judge_behaviour();
    finish(wire_, out_, case_.closing, how_);
    if (case_.closing.exact && out_.closed == closing::wrong_code) out_.behaved = behaviour::failed;
    if (case_.closing.fatal && out_.closed == closing::failed) out_.behaved = behaviour::failed;
    if (case_.informational) out_.behaved = behaviour::informational;
    return std::move(out_);
  }

 private:
  void send_all() {
    for (const act& each : case_.acts) {
      if (wire_.closing()) break;
      std::visit([this](const auto& what) { send(what); }, each);
    }
    wire_.flush(in(case_.gives_up_after * how_.patience + 60));
  }

  void send(const send_frame& what) {
    if (what.chop != 0) {
      wire_.put_chopped(what.what, what.chop);
    } else {
      wire_.put(what.what);
      if (what.flush) wire_.flush(in(60));
    }
  }
  void send(const send_header& what) { wire_.put_header(what.what, what.size); }
  void send(const send_piece& what) { wire_.put_piece(what.bytes); }

  // A wait that a right peer ends early may be long; one that it has to survive must end.
  void send(const pause& what) {
    const event mark(event::kind::mark, what.tag);
    const bool survived = std::ranges::any_of(
        case_.wanted.front(), [&](const event& e) { return same(e, mark, comparison::all); });
    const bool stretch = !what.tag.empty() && !survived;
    wire_.flush(in(60));
    if (wire_.until_closing(in(what.length * (stretch ? how_.patience : 1)))) return;
    if (!what.tag.empty()) wire_.mark(what.tag);
  }

  void wait_for_the_peer() {
    const auto latest = in(case_.gives_up_after * how_.patience);
    if (case_.closing.by_peer) {
      if (!wire_.until_closing(latest)) give_up();
      return;
    }
    if (wire_.sent_close()) return;
    const bool matched = wire_.until(
        [this] {
          return wire_.closing() || matches(wire_.events(), case_.wanted.front(), case_.compare);
        },
        latest);
    if (wire_.closing()) return;
    if (matched) {
      wire_.put_close(1000);
    } else {
      give_up();
    }
  }

  void give_up() {
    wire_.remark(fmt::format("after {} s the suite gives up", case_.gives_up_after));
    out_.notes.push_back("the time was over before anything decisive came");
    if (wire_.sent_close()) return;
    if (case_.gives_up_with_code) {
      wire_.put_close(1001);
    } else {
      wire_.put_close(std::nullopt);
    }
  }

  void judge_behaviour() {
    // What arrives together with the peer's Close, or before its answer, counts too.
    if (wire_.sent_close()) wire_.until_closing(in(how_.patience));
    const auto& wanted = case_.wanted;
    for (std::size_t i = 0; i < wanted.size(); ++i) {
      if (!matches(wire_.events(), wanted[i], case_.compare)) continue;
      out_.behaved = i == 0 ? behaviour::ok : behaviour::non_strict;
      if (i != 0) {
        out_.notes.push_back(
            fmt::format("strictly: {}; it was: {}", in_words(wanted[0]), in_words(wanted[i])));
      }
      return;
    }
    out_.fail(fmt::format("wanted: {}; came: {}", in_words(wanted[0]), in_words(wire_.events())));
  }

  const table_case& case_;
  wire& wire_;
  const conditions& how_;
  outcome out_;
};

void judge_initiator(const wire& with, outcome& so_far, const closing_rule& rule) {
  if (rule.by_peer) {
    if (!with.sent_close_first()) return;
    so_far.close_wrongly(closing::failed, "the peer did not fail the connection: the suite had to");
  } else if (!with.sent_close_first()) {
    so_far.close_wrongly(closing::failed,
                         with.peer_close() ? "the peer began to close"
                                           : "the peer dropped TCP before the suite closed");
  }
}

void judge_code(const wire& with, outcome& so_far, const closing_rule& rule) {
  if (!with.peer_close() || !with.peer_close()->code) return;
  const std::uint16_t code = *with.peer_close()->code;
  if (std::ranges::find(rule.codes, code) != rule.codes.end()) return;
  std::string right;
  for (const std::uint16_t each : rule.codes) right += fmt::format(" {}", each);
  so_far.close_wrongly(closing::wrong_code, fmt::format("its Close says {}, not{}", code, right));
}

}  // namespace

void finish(wire& with, outcome& so_far, const closing_rule& rule, const conditions& how) {
  if (with.sent_close()) with.until_closing(in(how.patience));
  if (with.peer_close() && !with.sent_close()) {
    with.put_close(with.peer_close()->code == 1005 ? std::nullopt : with.peer_close()->code);
    with.flush(in(how.patience));
  }
  judge_initiator(with, so_far, rule);
  judge_code(with, so_far, rule);

  const bool both = with.sent_close() && with.peer_close();
  if (rule.clean && !both) {
    so_far.close_wrongly(closing::unclean, "the peer sent no Close");
  }
  if (how.suite == side::client && !with.ended()) {  // RFC 6455 §7.1.1: the server ends TCP first
    if (!with.until_ended(in(how.patience))) {
      so_far.close_wrongly(rule.clean ? closing::unclean : closing::failed_by_peer,
                           "the server did not end TCP");
    }
  }
  with.fin();
  with.until_ended(in(how.patience));
  with.close();
  if (!with.fault().empty()) so_far.fail("the peer broke a rule: " + with.fault());
}

outcome play(const table_case& what, wire& with, const conditions& how) {
  return player(what, with, how).run();
}

std::string_view to_string(behaviour it) noexcept {
  switch (it) {
    case behaviour::ok: return "OK";
    case behaviour::non_strict: return "NON-STRICT";
    case behaviour::failed: return "FAILED";
    case behaviour::informational: return "INFORMATIONAL";
    case behaviour::unimplemented: return "UNIMPLEMENTED";
    case behaviour::skipped: return "SKIPPED";
  }
  return "?";
}

std::string_view to_string(closing it) noexcept {
  switch (it) {
    case closing::ok: return "OK";
    case closing::wrong_code: return "WRONG CODE";
    case closing::unclean: return "UNCLEAN";
    case closing::failed: return "FAILED";
    case closing::failed_by_peer: return "FAILED BY PEER";
  }
  return "?";
}

}  // namespace adieu::conformance
