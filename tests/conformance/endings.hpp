// What the field's cases leave out, as cases of the same suite: how long an end takes and who does
// what, closes that the peer begins, ends without a Close, peers that read or answer nothing, TLS's
// end, limits, masks, the HTTP around it. Groups C1 to C18; rows of some are in cases.txt.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "play.hpp"
#include "target.hpp"

namespace adieu::conformance {

class script;

struct ending {
  std::string id, title;
  enum class suite : std::uint8_t { either, client, server } side = suite::either;
  enum class needs : std::uint8_t {
    nothing,
    control,
    impatient,
    tls,
    departing,
    limit,
    ping_limit,
    process
  } need = needs::nothing;
  void (*run)(script&) = nullptr;
};

const std::vector<ending>& endings();
std::vector<ending> closing_endings();      // C1 to C8
std::vector<ending> frame_endings();        // C9 to C13, C15, C16
std::vector<ending> tls_endings();          // C14
std::vector<ending> surrounding_endings();  // C17, C18
/// A title for each group: "C1" …
const std::vector<group>& ending_groups();

outcome play(const ending& what, target& at, const conditions& how);

}  // namespace adieu::conformance
