// What every disconnect record must say of itself (docs/closing.md), whatever happened: its fields
// never contradict each other, and neither of its texts can do harm.
#pragma once

#include <simdjson.h>

#include "adieu/core/close_payload.hpp"
#include "adieu/record.hpp"
#include "fuzz/input.hpp"

namespace adieu::fuzz {

inline void expect_consistent(const disconnect_record& r) {
  SCOPED_TRACE(to_line(r));
  // Clean: both Closes passed, and nothing else happened first.
  EXPECT_EQ(r.clean, r.cause == cause::handshake);
  if (r.clean) EXPECT_TRUE(r.sent && r.received);
  if (!r.sent && !r.received) EXPECT_EQ(r.initiator, initiator::nobody);
  if (r.sent && !r.received) EXPECT_EQ(r.initiator, initiator::local);
  // One that a stream had in flight when the peer's came was first, even if nobody ever confirmed
  // it.
  if (r.received) EXPECT_NE(r.initiator, initiator::nobody);

  // Details belong to their causes.
  EXPECT_EQ(r.cause == cause::protocol_error_by_peer, r.broken_rule != core::violation::none);
  EXPECT_EQ(r.cause == cause::close_timeout, r.timeout_phase.has_value());
  EXPECT_TRUE(r.cause == cause::transport_error || r.os_error == 0);
  EXPECT_FALSE(r.connect.has_value());
  if (r.teardown_timed_out || r.close_notify_missing) EXPECT_TRUE(r.sent && r.received);
  if (r.clean) EXPECT_FALSE(r.lost.unacknowledged_bytes.has_value());

  // A Close that was accepted or sent is one that may pass.
  const auto may_pass = [](const close_frame& frame) {
    const auto code = close_status(frame.code.value_or(1005));
    return core::bad_close_argument(code, frame.reason).empty();
  };
  if (r.sent) EXPECT_TRUE(may_pass(*r.sent));
  if (r.received && r.cause != cause::protocol_error_by_peer) EXPECT_TRUE(may_pass(*r.received));

  // Times lie between the beginning and the end.
  const auto within = [&](core::duration at) { return at.count() >= 0 && at <= r.ended; };
  if (r.sent) EXPECT_TRUE(within(r.sent->at) && r.last_byte_sent >= r.sent->at);
  if (r.received) EXPECT_TRUE(within(r.received->at) && r.last_byte_received);
  if (r.last_byte_sent) EXPECT_TRUE(within(*r.last_byte_sent));
  if (r.last_byte_received) EXPECT_TRUE(within(*r.last_byte_received));
  if (r.round_trip) EXPECT_TRUE(within(*r.round_trip));

  EXPECT_TRUE(harmless(to_line(r)));
  static simdjson::dom::parser parser;
  const std::string json = to_json(r);
  EXPECT_TRUE(harmless(json));
  EXPECT_TRUE(parser.parse(json).is_object()) << json;
}

}  // namespace adieu::fuzz
