// Holds a record against the scenario, and against the wire log.
#include "expectation.hpp"

#include <fmt/format.h>

namespace adieu::tool::demo {
namespace {

using differences_list = std::vector<std::string>;

std::string say(const std::optional<close_frame>& frame) {
  if (!frame) return "no Close";
  const std::string code = frame->code ? fmt::format("{}", *frame->code) : "no code";
  return fmt::format("{} \"{}\"", code, printable(frame->reason));
}
std::string say(std::uint64_t value) { return fmt::format("{}", value); }
std::string say(std::string_view value) { return std::string(value); }

// The time of a Close is not compared: the wire's clock and the record's begin at different times.
void compare_closes(differences_list& out,
                    std::string_view what,
                    const std::optional<close_frame>& found,
                    const std::optional<close_frame>& wanted,
                    std::string_view who) {
  if (say(found) == say(wanted)) return;
  out.push_back(fmt::format("{}: {}; {}: {}", what, say(found), who, say(wanted)));
}

// Nothing when no rule of how TCP ended can be read off the wire.
std::optional<tcp_end> end_of_tcp(end at, const std::vector<wire_event>& wire) {
  std::optional<tcp_end> first_fin;
  for (const wire_event& event : wire) {
    if (event.what == sort::reset) {
      return event.from == at ? tcp_end::reset_sent : tcp_end::reset_received;
    }
    if (event.what == sort::fin && !first_fin) {
      first_fin = event.from == at ? tcp_end::our_fin_first : tcp_end::peer_fin_first;
    }
  }
  return first_fin;
}

std::optional<close_frame> close_from(end from, const std::vector<wire_event>& wire) {
  for (const wire_event& event : wire) {
    if (event.what == sort::close && event.from == from) return event.close;
  }
  return std::nullopt;
}

}  // namespace

expectation expectation::clean(initiator who) {
  expectation out;
  out.wanted_.clean = true;
  out.wanted_.initiator = who;
  return out;
}

expectation expectation::unclean(cause why, initiator who) {
  expectation out;
  out.wanted_.cause = why;
  out.wanted_.initiator = who;
  return out;
}

expectation& expectation::sent(std::uint16_t code, std::string reason) {
  wanted_.sent.emplace();
  wanted_.sent->code = code;
  wanted_.sent->reason = std::move(reason);
  return *this;
}

expectation& expectation::received(std::uint16_t code, std::string reason) {
  wanted_.received.emplace();
  wanted_.received->code = code;
  wanted_.received->reason = std::move(reason);
  return *this;
}

expectation& expectation::tcp(tcp_end how) {
  wanted_.tcp = how;
  return *this;
}

expectation& expectation::waited_for(close_phase phase) {
  wanted_.timeout_phase = phase;
  return *this;
}

expectation& expectation::broke(core::violation rule) {
  wanted_.broken_rule = rule;
  return *this;
}

expectation& expectation::discarded(std::uint64_t messages, std::uint64_t bytes) {
  wanted_.lost.discarded_messages = messages;
  wanted_.lost.discarded_bytes = bytes;
  return *this;
}

std::vector<std::string> expectation::differences(const disconnect_record& found) const {
  differences_list out;
  const auto compare = [&out](std::string_view what, const auto& is, const auto& should) {
    if (is != should) {
      out.push_back(fmt::format("{} is {}, expected {}", what, say(is), say(should)));
    }
  };
  const auto phase = [](const disconnect_record& r) {
    return r.timeout_phase ? to_string(*r.timeout_phase) : std::string_view("none");
  };
  const losses& lost = found.lost;
  compare("clean",
          std::string_view(found.clean ? "true" : "false"),
          std::string_view(wanted_.clean ? "true" : "false"));
  compare("initiator", to_string(found.initiator), to_string(wanted_.initiator));
  compare("cause", to_string(found.cause), to_string(wanted_.cause));
  compare_closes(out, "sent", found.sent, wanted_.sent, "expected");
  compare_closes(out, "received", found.received, wanted_.received, "expected");
  compare("TCP's end", to_string(found.tcp), to_string(wanted_.tcp));
  compare("the phase", phase(found), phase(wanted_));
  compare(
      "the broken rule", core::to_string(found.broken_rule), core::to_string(wanted_.broken_rule));
  compare("messages not sent", lost.unsent_messages, wanted_.lost.unsent_messages);
  compare("bytes not sent", lost.unsent_bytes, wanted_.lost.unsent_bytes);
  compare("bytes not acknowledged", lost.unacknowledged_bytes.value_or(0), std::uint64_t{0});
  compare("messages thrown away", lost.discarded_messages, wanted_.lost.discarded_messages);
  compare("bytes thrown away", lost.discarded_bytes, wanted_.lost.discarded_bytes);
  compare("messages unread", lost.unread_messages, wanted_.lost.unread_messages);
  compare("bytes unread", lost.unread_bytes, wanted_.lost.unread_bytes);
  return out;
}

std::vector<std::string> differences_to_wire(const disconnect_record& found,
                                             end at,
                                             const std::vector<wire_event>& wire) {
  differences_list out;
  compare_closes(out, "sent", found.sent, close_from(at, wire), "on the wire");
  compare_closes(out, "received", found.received, close_from(other(at), wire), "on the wire");
  const auto tcp = end_of_tcp(at, wire);
  if (!tcp) {
    out.emplace_back("the wire saw neither a FIN nor a reset");
  } else if (*tcp != found.tcp) {
    out.push_back(
        fmt::format("TCP's end is {}; on the wire: {}", to_string(found.tcp), to_string(*tcp)));
  }
  return out;
}

}  // namespace adieu::tool::demo
