// One step of a world: what an app calls, what the network does, what time does. As a line of text
// it reads `client close_output` or `server deliver_byte`; lines make a trace that can be replayed.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "adieu/core/types.hpp"

namespace adieu::model {

enum class verb : std::uint8_t {
  // Calls of this side's app.
  send,             // a whole message
  send_piece,       // a piece that does not end its message
  send_last,        // the piece that does
  send_copy,        // a message that nobody waits for
  reserve,          // begin_message(): a place for a writer
  write_piece,      // the writer's
  write_last,       //
  abandon,          // the writer is gone
  ping,             //
  receive,          // N12, into a roomy buffer
  receive_one,      // N12, into one byte
  receive_some,     //
  receive_message,  //
  try_receive,      //
  cancel,           // the n-th call that is pending
  close,            //
  close_output,     //
  close_for,        // the server's answer for an app that failed
  abort,            //
  destroy,          //
  wait_closed,      //
  // What the network brings to this side.
  deliver,        // everything that is there
  deliver_frame,  // up to the end of the first frame
  deliver_byte,   //
  deliver_most,   // everything but the last byte
  deliver_end,    // the FIN or the reset; a reset destroys what lies before it
  // This side's transport.
  block,       // takes nothing any more
  unblock,     //
  write_byte,  // takes one byte, though blocked
  confirm,     // what was in flight is written
  // Faults, as this side sees them.
  fin,
  reset,
  truncate,
  fail_input,
  fail_output,
  garbage,  // the peer breaks a rule
  // Time.
  tick,       // this side's deadline comes
  tick_late,  // and is noticed three seconds too late
  halfway,    // half of the time to the next deadline goes by
};
inline constexpr std::size_t verb_count = static_cast<std::size_t>(verb::halfway) + 1;

struct move {
  verb what = verb::tick;
  role whose = role::client;
  std::uint8_t which = 0;
  friend bool operator==(const move&, const move&) = default;
};

using trace = std::vector<move>;

[[nodiscard]] std::string_view to_string(verb) noexcept;
[[nodiscard]] std::string to_string(const move&);
[[nodiscard]] std::optional<move> parse_move(std::string_view line);

[[nodiscard]] constexpr role other(role r) noexcept {
  return r == role::client ? role::server : role::client;
}

}  // namespace adieu::model
