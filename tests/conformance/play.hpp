// Plays a case of the table against one connection, and judges.
#pragma once

#include "notation.hpp"
#include "verdict.hpp"

namespace adieu::conformance {

struct conditions {
  conditions() = default;
  side suite = side::client;
  double patience =
      1;  // the table's seconds are multiplied by it, where a right peer waits for none
  std::size_t budget = 0;  // round trips: bytes each way after which a case may stop; 0: all 1000
};

outcome play(const table_case& what, wire& with, const conditions& how);
/// `extensions`: what the server answered to our offer, or what we answered to the client's.
outcome play(const round_trips& what,
             wire& with,
             const std::string& extensions,
             const conditions& how);

/// What every case ends with: the Close that is due, the wait for the peer's, the end of TCP.
/// `rule` says which was right.
void finish(wire& with, outcome& so_far, const closing_rule& rule, const conditions& how);

inline clock::time_point in(double length) {
  return clock::now() + std::chrono::duration_cast<duration>(seconds(length));
}

}  // namespace adieu::conformance
