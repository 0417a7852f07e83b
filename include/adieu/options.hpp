// What a connection can be told, with its defaults. Zero switches a clock off where that is said.
// What makes no sense (a negative time, a window of 0) is refused where the options are given.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>

namespace adieu {

/// permessage-deflate (RFC 7692, N15). A window of 2^n bytes is how far back a compressed byte may
/// refer; a context that is taken over lets a message refer to those before it.
struct deflate_options {
  deflate_options() = default;

  /// The client's window, n of 2^n bytes: 9 to 15.
  int client_max_window_bits = 15;
  /// The server's window, n of 2^n bytes: 9 to 15.
  int server_max_window_bits = 15;
  /// False: each of the client's messages is compressed on its own, and its memory (up to 256 KiB)
  /// is needed only while one is being sent; connections of one executor then share it.
  bool client_context_takeover = true;
  /// The same for the server's messages.
  bool server_context_takeover = true;

  /// How hard we try, as zlib's levels: 1 (fast) to 9 (small).
  int level = 6;
  /// Messages below this size (bytes) go uncompressed. A message that is sent in pieces counts as
  /// large.
  std::size_t threshold = 64;
};

/// Limits and clocks of one connection; the same for both roles and all transports.
struct websocket_options {
  /// P5: the total time of a closing handshake, from `async_close` or from our answer to the peer's
  /// Close; also how long a Close of the peer waits for the app's answer (D11), and how long the
  /// peer may be silent after `async_close_output`.
  std::chrono::milliseconds close_timeout = std::chrono::seconds(10);

  /// D9: how long TCP's end may take after both Close frames have passed.
  std::chrono::milliseconds linger = std::chrono::seconds(1);

  /// D10: a Ping goes out when nothing was received for this long. 0: no keep-alive.
  std::chrono::milliseconds ping_interval = std::chrono::seconds(20);

  /// D10: how long the peer may then stay silent. 0: for ever.
  std::chrono::milliseconds pong_timeout = std::chrono::seconds(20);

  /// P3: how long a write may stay blocked while nothing of it drains. 0: for ever.
  std::chrono::milliseconds write_timeout = std::chrono::seconds(60);

  /// P3: how often a peer is asked for its pulse (TCP_INFO) while reading stands still.
  /// 0: never.
  std::chrono::milliseconds probe_interval = std::chrono::seconds(5);

  /// The memory that copies of `send()` and `try_send()` may hold while they wait for a peer that
  /// reads slowly, in bytes, a few hundred more for each message. Past it `try_send()` fails with
  /// too_much_buffered, and `send()`, which has nobody to tell, closes with 1008. A message is
  /// always taken when no other waits, whatever its size. 0: any amount.
  std::size_t max_buffered_amount = 16 * 1024 * 1024;

  /// P3: how many received bytes may wait for a receive before reading pauses.
  std::size_t receive_window = 64 * 1024;

  /// P9: the largest message that `async_receive_message` and `on_message` accept, in bytes; a
  /// larger one is refused with 1009. `async_receive` and `async_receive_some` have no such limit:
  /// their memory is the caller's buffer and the window.
  std::uint64_t max_message_size = 16 * 1024 * 1024;

  /// The largest data frame that is accepted, in bytes on the wire; a larger one is refused with
  /// 1009 as soon as its header is there. 0: any size, for `async_receive` takes frames in pieces.
  std::uint64_t max_frame_size = 0;

  /// How many frames a message may have; more are refused with 1009. 0: any number.
  std::uint64_t max_fragments = 1'000'000;

  /// How many times as large as on the wire a compressed message may become, once it has passed
  /// 1 MiB; more is refused with 1009. 0: any ratio. Memory is bounded without it: by
  /// `receive_window` for receives in pieces, by `max_message_size` for whole messages.
  std::uint64_t max_inflate_ratio = 0;

  /// How many control frames the peer may send in a second; more are refused with 1008. 0: any
  /// number.
  std::uint32_t max_control_frames_per_second = 1000;

  /// How many Pongs may wait to be written, because the peer does not read or sends many Pings at
  /// once: of more, the oldest stay unanswered, as RFC 6455 §5.5.3 allows. At least 1.
  std::uint32_t max_waiting_pongs = 128;

  /// N15: permessage-deflate, offered by clients and accepted by servers when set. It is off by
  /// default: it costs memory and time, and compressing secrets together with what an attacker may
  /// choose can betray them. For `websocket::adopt`, which has no handshake: what both ends agreed.
  std::optional<deflate_options> deflate;
};

}  // namespace adieu
