#include "endings.hpp"

namespace adieu::conformance {

const std::vector<group>& ending_groups() {
  static const std::vector<group> all{
      {"C1", "Times of a close, and who ends TCP"},
      {"C2", "The peer begins to close"},
      {"C3", "The end of TCP without a Close"},
      {"C4", "Closes that cross"},
      {"C5", "A Close while the suite reads nothing"},
      {"C6", "Data between the peer's Close and ours"},
      {"C7", "A trickle after the peer's Close"},
      {"C8", "Silence after the peer's Close"},
      {"C9", "Pings that are never answered"},
      {"C10", "Pongs and Pings out of the ordinary"},
      {"C11", "The end in the middle of something"},
      {"C12", "Codes and payloads that the cases above leave out"},
      {"C13", "Reasons at the edge"},
      {"C14", "TLS's own end"},
      {"C15", "A message over the limit"},
      {"C16", "Masks"},
      {"C17", "The HTTP around it"},
      {"C18", "What stays behind"},
  };
  return all;
}

const std::vector<ending>& endings() {
  static const std::vector<ending> all = [] {
    std::vector<ending> out = closing_endings();
    for (const auto& more : {frame_endings(), tls_endings(), surrounding_endings()}) {
      out.insert(out.end(), more.begin(), more.end());
    }
    return out;
  }();
  return all;
}

}  // namespace adieu::conformance
