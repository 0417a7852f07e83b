// Moves as text.
#include "tests/model/move.hpp"

#include <algorithm>
#include <array>
#include <sstream>

namespace adieu::model {
namespace {

constexpr std::array<std::string_view, verb_count> names{
    "send",        "send_piece",   "send_last",       "send_copy",    "reserve",
    "write_piece", "write_last",   "abandon",         "ping",         "receive",
    "receive_one", "receive_some", "receive_message", "try_receive",  "cancel",
    "close",       "close_output", "close_for",       "abort",        "destroy",
    "wait_closed", "deliver",      "deliver_frame",   "deliver_byte", "deliver_most",
    "deliver_end", "block",        "unblock",         "write_byte",   "confirm",
    "fin",         "reset",        "truncate",        "fail_input",   "fail_output",
    "garbage",     "tick",         "tick_late",       "halfway",
};

}  // namespace

std::string_view to_string(verb what) noexcept { return names[static_cast<std::size_t>(what)]; }

std::string to_string(const move& m) {
  std::string out(to_string(m.whose));
  out += ' ';
  out += to_string(m.what);
  if (m.what == verb::cancel) out += ' ' + std::to_string(m.which);
  return out;
}

std::optional<move> parse_move(std::string_view line) {
  std::istringstream words{std::string(line)};
  std::string side, what;
  unsigned which = 0;
  words >> side >> what >> which;
  const auto found = std::ranges::find(names, what);
  if (found == names.end() || (side != "client" && side != "server")) return std::nullopt;
  return move{static_cast<verb>(found - names.begin()),
              side == "client" ? role::client : role::server,
              static_cast<std::uint8_t>(which)};
}

}  // namespace adieu::model
