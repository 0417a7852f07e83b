#include "script.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <stdexcept>

namespace adieu::conformance {
namespace {

/// Why the endpoint can't play this; nothing: it can.
std::optional<std::string> missing(const ending& what, const target& at) {
  using needs = ending::needs;
  const bool client = at.suite() == side::client;
  if (what.side == ending::suite::client && !client) return "only for servers";
  if (what.side == ending::suite::server && client) return "only for clients";
  switch (what.need) {
    case needs::nothing: return std::nullopt;
    case needs::control:
      if (!at.able.control) return "the endpoint can't be told to close";
      return std::nullopt;
    case needs::impatient:
      if (!at.able.impatient) return "the endpoint's keep-alive can't be set";
      return std::nullopt;
    case needs::tls:
      if (!at.able.tls) return "the endpoint has no TLS here";
      return std::nullopt;
    case needs::departing:
      if (!at.able.departs) return "the endpoint can't be shut down";
      return std::nullopt;
    case needs::limit:
      if (at.able.max_message == 0) return "nobody knows its largest message (--limit)";
      return std::nullopt;
    case needs::ping_limit:
      if (at.able.max_pings == 0) return "nobody knows how many Pings are too many";
      return std::nullopt;
    case needs::process:
      if (at.able.process == 0) return "the endpoint's process is not known";
      return std::nullopt;
  }
  return std::nullopt;
}

}  // namespace

wire& script::open(const std::string& control) { return open(opening(id, control)); }

wire& script::open(const opening& with) {
  opened got = at.open(with, how.patience);
  if (!got.with) throw std::runtime_error(got.problem);
  wire_ = std::move(got.with);
  agreed = got.answered;
  return *wire_;
}

std::string script::named(const std::string& query) const {
  if (!at.able.reports) return query;
  const std::string name = fmt::format("name={}{}", id, is_client() ? "s" : "c");
  return query.empty() ? name : query + "&" + name;
}

std::string script::report() {
  if (!at.able.reports) return {};
  opening how_to(id, fmt::format("about={}{}", id, is_client() ? "s" : "c"));
  opened got = at.open(how_to, how.patience);
  if (!got.with) throw std::runtime_error(got.problem);
  wire& with = *got.with;
  with.until([&] { return !with.events().empty() || with.closing(); }, in(12 + how.patience));
  if (with.events().empty()) throw std::runtime_error("the endpoint tells nothing");
  std::string told = with.events().front().payload;
  with.put_close(1000);
  with.until_closing(soon());
  out.notes.push_back("it says: " + told);
  return told;
}

void script::echo(const std::string& payload) {
  text(payload);
  const bool came = w().until([this] { return !w().events().empty() || w().closing(); }, soon());
  if (!came || w().events().empty() || w().events().back().payload != payload) {
    throw std::runtime_error("no echo came");
  }
  w().events().clear();
}

void script::end_tcp() {
  const auto ours = clock::now();
  w().fin();
  if (!w().until_ended(in(std::max(how.patience, at.able.close_deadline)))) {
    out.close_wrongly(closing::failed, "it did not end TCP after our FIN");
    return;
  }
  measure("from our FIN to the peer's end", ours, w().end_at());
  out.notes.push_back(w().end() == stream::status::fin ? "it ended with a FIN"
                                                       : "it ended with a reset");
  if (!w().peer_close()) return;
  const int code = w().peer_close()->code.value_or(0);
  out.notes.push_back(fmt::format("it sent a Close with {}", code));
  if (code == 1005 || code == 1006 || code == 1015) {
    out.fail(fmt::format("{} must never be sent (RFC 6455 §7.4.1)", code));
  }
}

bool script::peer_close(double within) {
  w().until_closing(in(within));
  if (w().peer_close()) return true;
  out.close_wrongly(closing::unclean,
                    w().ended() ? "it ended TCP without a Close" : "no Close came");
  return false;
}

void script::measure_giving_up(std::string_view what, clock::time_point since) {
  if (w().until_ended(since +
                      std::chrono::duration_cast<duration>(seconds(at.able.close_deadline)))) {
    measure(fmt::format("it gave up after {}", what), since, w().end_at());
  } else {
    tell(fmt::format("it had not given up {} s after {}", at.able.close_deadline, what));
  }
}

outcome play(const ending& what, target& at, const conditions& how) {
  script here(what, at, how);
  if (const auto why = missing(what, at)) {
    here.out.behaved = behaviour::skipped;
    here.out.notes.push_back(*why);
    return here.out;
  }
  try {
    what.run(here);
  } catch (const std::exception& error) {
    here.out.fail(error.what());
  }
  if (here.has_wire()) {
    if (!here.w().fault().empty()) here.out.fail("the peer broke a rule: " + here.w().fault());
    here.out.log = here.w().log().lines();
    here.w().close();
  }
  return here.out;
}

}  // namespace adieu::conformance
