// Whether a disconnect record is true: against what the scenario did, and, independently, against
// what the log saw on the wire. A difference is a sentence.
#pragma once

#include <string>
#include <vector>

#include "adieu/record.hpp"
#include "wire_log.hpp"

namespace adieu::tool::demo {

/// What a scenario says about one end's record. What it does not mention must be absent or zero.
class expectation {
 public:
  [[nodiscard]] static expectation clean(initiator who);
  [[nodiscard]] static expectation unclean(cause why, initiator who = initiator::nobody);

  expectation& sent(std::uint16_t code, std::string reason = {});
  expectation& received(std::uint16_t code, std::string reason = {});
  expectation& tcp(tcp_end how);
  expectation& waited_for(close_phase phase);
  expectation& broke(core::violation rule);
  expectation& discarded(std::uint64_t messages, std::uint64_t bytes);

  [[nodiscard]] std::vector<std::string> differences(const disconnect_record& found) const;

 private:
  disconnect_record wanted_;
};

/// The Closes and TCP's end, as the log saw them, against the record of the end `at`.
[[nodiscard]] std::vector<std::string> differences_to_wire(const disconnect_record& found,
                                                           end at,
                                                           const std::vector<wire_event>& wire);

}  // namespace adieu::tool::demo
