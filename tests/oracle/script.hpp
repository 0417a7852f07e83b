// A script: what one side is told to do, and what a raw peer at the other end of TCP does. It is
// data, written in one line, which is also how a failure prints it and how `./dev oracle --script`
// takes it:
//
//   client: receive 10; peer text:hello, ping:x; close 1000 bye; peer close:1000; fin
//
// The side's steps: send text|binary|close end|more SIZE; receive SIZE; close CODE [REASON];
// close_output CODE [REASON]; cancel (the pending receives); cancel_send (the pending sends);
// abort; dispose; wait MILLISECONDS. The peer's: peer FRAME, FRAME…; fin; rst; stall (it does not
// read) and go (it reads again). A frame is KIND[!FLAG…][:PAYLOAD], of the kinds text, binary,
// cont, ping, pong, close (its payload is CODE [REASON]), opN and raw (hexadecimal bytes). Flags:
// more (no FIN bit), rsv1–rsv3, bare (wrongly masked, or wrongly not), wide and wider (a length of
// 2 or 8 bytes). In payloads and reasons, \xNN is a byte and {N} a run of N letters.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "adieu/core/types.hpp"

namespace oracle {

enum class verb : std::uint8_t {
  send,
  receive,
  close,
  close_output,
  cancel,
  cancel_send,
  abort,
  dispose,
  wait,
  peer,
  fin,
  rst,
  stall,
  go,
};

struct step {
  verb what = verb::wait;
  bool binary = false;
  bool as_close = false;  // a send of a type that can't be sent
  bool more = false;
  std::size_t size = 0;  // of the payload, of the buffer, of the time
  int code = 0;
  std::string text;  // the reason, or the peer's frames
};

struct script {
  adieu::role role = adieu::role::client;
  int keep_alive = 0;     // ms; 0: none
  int pong_timeout = 0;   // ms; 0: no Pong is required
  int close_timeout = 0;  // ms; 0: the default. Ours alone: .NET has none (D6)
  std::vector<step> steps;
};

/// Throws std::invalid_argument.
[[nodiscard]] script parse(std::string_view line);
[[nodiscard]] std::string to_line(const script& all);
[[nodiscard]] std::string to_line(const step& one);

/// The bytes of "a\x00{3}".
[[nodiscard]] std::string unescaped(std::string_view text);

/// The bytes of a peer's frames, as it writes them to a side of this role.
[[nodiscard]] std::string wire_bytes(std::string_view frames, adieu::role to);

/// The payload of a send.
[[nodiscard]] std::string letters(std::size_t size);

}  // namespace oracle
