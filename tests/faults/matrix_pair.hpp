// The second half of the matrix: both ends are Adieu's, and one of them acts, or the network does.
// Two records come of each cell; both must be true, and they must tell the same story.
#pragma once

#include <array>

#include "tests/faults/matrix_expectation.hpp"

namespace adieu::test {

enum class act : std::uint8_t {
  close,         ///< async_close
  close_output,  ///< async_close_output, and receiving on
  both_close,    ///< async_close at both ends at once
  abort,
  destroy,
  black_hole,  ///< packets are dropped both ways
  swallow,     ///< the actor's packets are dropped, the other's arrive
};

/// What the actor has sent before.
enum class sent_before : std::uint8_t { nothing, messages, half_a_message };

struct pair_cell {
  carrier over;
  role actor;
  act what;
  sent_before data;
  app other;  ///< receiving: it answers a Close at once; busy: D11 does
  pings keepalive;

  [[nodiscard]] bool is_ip() const noexcept { return over != carrier::unix_socket; }
  [[nodiscard]] bool drops_packets() const noexcept {
    return what == act::black_hole || what == act::swallow;
  }
  /// Nothing would end it: both apps close.
  [[nodiscard]] bool apps_must_close() const noexcept {
    return drops_packets() && keepalive == pings::off;
  }
  [[nodiscard]] role other_role() const noexcept {
    return actor == role::client ? role::server : role::client;
  }
};

struct pair_matrix {
  std::vector<pair_cell> cells;
  std::map<std::string_view, std::size_t> left_out;
};
[[nodiscard]] pair_matrix all_pairs();
[[nodiscard]] websocket_options options_of(const pair_cell& in, role whose);
[[nodiscard]] std::string to_string(const pair_cell& in);

struct pair_expectation {
  expectation actor;
  expectation other;
};
[[nodiscard]] pair_expectation expect(const pair_cell& in);

/// Where two records contradict each other.
[[nodiscard]] std::vector<std::string> contradictions(const disconnect_record& one,
                                                      const disconnect_record& two);

}  // namespace adieu::test
