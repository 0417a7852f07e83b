// The axes of the fault matrix, its cells, and the rules by which combinations that make no sense
// are left out.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "adieu/core/types.hpp"
#include "adieu/options.hpp"

namespace adieu::test {

enum class carrier : std::uint8_t { tcp, tls, unix_socket };

/// How far the connection has come when the fault strikes.
enum class place : std::uint8_t {
  connecting,
  in_tls,             ///< half of the peer's first flight is out
  in_http,            ///< half of the peer's header is out
  idle,               ///< open, nothing is under way
  mid_header,         ///< one byte of a frame came
  mid_payload,        ///< half of a message came
  between_fragments,  ///< the first of two fragments came
  unread_data,        ///< messages came that our app does not take
  unsent_data,        ///< we send, and the peer does not read
  our_close,          ///< async_close: our Close is out
  our_close_output,   ///< async_close_output: the same, and we go on receiving
  peers_close,        ///< the peer's Close came, and our app does not answer
  closes_crossing,    ///< the peer sends its Close before it has read ours
  both_closes_ours,   ///< we closed, the peer answered; TCP is still there
  both_closes_peers,  ///< the peer closed, we answered; TCP is still there
};

/// What the peer, its process or the network does then.
enum class fault : std::uint8_t {
  fin,              ///< close(2), everything read before (TLS: after close_notify)
  reset,            ///< SO_LINGER 0
  half_close,       ///< shutdown(2) of its output; it reads on
  black_hole,       ///< packets are dropped both ways (nftables, in namespaces)
  zero_window,      ///< it reads no more, while our app sends 8 MiB
  trickle,          ///< a byte now and then for ever, and no answer to anything
  garbage,          ///< bytes that are no frames
  no_close_notify,  ///< a FIN without TLS's farewell
  broken_record,    ///< bytes that are no TLS
  killed,           ///< SIGKILL to its process
  stopped,          ///< SIGSTOP to its process
};

/// Of the data that is under way: within one read, or beyond it (unread: beyond the window).
enum class amount : std::uint8_t { small, large };
/// Whether our app has a receive pending all the time, or never.
enum class app : std::uint8_t { receiving, busy };
enum class pings : std::uint8_t { off, on };

struct cell {
  carrier over;
  role we;
  place where;
  fault how;
  amount much;
  app ours;
  pings keepalive;

  [[nodiscard]] bool opens() const noexcept { return where >= place::idle; }
  [[nodiscard]] bool is_ip() const noexcept { return over != carrier::unix_socket; }
  [[nodiscard]] bool takes_a_process() const noexcept {
    return where != place::connecting && (how == fault::killed || how == fault::stopped);
  }
};

struct matrix {
  std::vector<cell> cells;
  std::map<std::string_view, std::size_t> left_out;  ///< rule: how many combinations
};
[[nodiscard]] matrix all_cells();

/// Whether the peer says and takes nothing more, and no end of TCP comes either.
[[nodiscard]] bool is_silent(fault how) noexcept;
/// Whether reading stands still when the fault strikes: our window is full.
[[nodiscard]] bool is_paused(const cell& in) noexcept;
/// Whether nothing would ever end the connection, so that our app has to.
[[nodiscard]] bool app_must_close(const cell& in) noexcept;
/// Clocks that are short where the cell waits for them, and long where they must not interfere.
[[nodiscard]] websocket_options options_of(const cell& in);
/// For the opening handshake.
[[nodiscard]] std::chrono::milliseconds handshake_limit(const cell& in) noexcept;

[[nodiscard]] std::string_view to_string(carrier) noexcept;
[[nodiscard]] std::string_view to_string(place) noexcept;
[[nodiscard]] std::string_view to_string(fault) noexcept;
/// "tls, client, mid_payload, killed, large, receiving, pings on"
[[nodiscard]] std::string to_string(const cell& in);

// What is sent, by whom.
inline constexpr std::size_t small_message = 100;
inline constexpr std::size_t large_message = 60'000;  // half of it is no multiple of our buffer
inline constexpr std::size_t past_the_window = 100'000;
inline constexpr std::size_t too_much = 8U << 20U;  // for any socket's buffers
inline constexpr std::size_t small_messages = 3;
inline constexpr std::size_t our_buffer = 8192;  // of our app's receives
inline constexpr std::chrono::milliseconds trickle_step{60};

}  // namespace adieu::test
