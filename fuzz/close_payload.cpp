// The payload of a Close (RFC 6455 §5.5.1, §7.4): what is read of any bytes, against the rules in
// other words; and what may be sent comes back as it was.
#include "adieu/core/close_payload.hpp"

#include "adieu/core/utf8.hpp"
#include "fuzz/input.hpp"

namespace adieu::fuzz {
namespace {

using core::violation;

bool allowed(unsigned code) {
  if (code >= 3000) return code <= 4999;
  return code >= 1000 && code <= 1014 && !(code >= 1004 && code <= 1006);
}

violation rule_broken_by(std::string_view payload) {
  if (payload.empty()) return violation::none;
  if (payload.size() == 1) return violation::invalid_close_length;
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(payload[i]); };
  if (!allowed(byte(0) * 256U + byte(1))) return violation::invalid_close_code;
  return core::valid_utf8(core::as_bytes(payload.substr(2))) ? violation::none
                                                             : violation::invalid_utf8_close_reason;
}

}  // namespace

void run(input in) {
  const std::string_view payload = in.rest().substr(0, 125);
  const core::close_payload read = core::decode_close_payload(copy_of(payload));
  EXPECT_EQ(read.wrong, rule_broken_by(payload));
  EXPECT_EQ(read.code.has_value(), payload.size() >= 2);
  if (read.code) EXPECT_EQ(payload.substr(2), read.reason);

  // As the arguments of a call.
  const auto code = close_status(read.code.value_or(1005));
  const bool may_be_sent = core::bad_close_argument(code, read.reason).empty();
  const bool empty_code = code == close_status::no_status_received && read.reason.empty();
  EXPECT_EQ(may_be_sent, (read.wrong == violation::none && read.code) || empty_code);
  if (!may_be_sent) return;
  const std::string sent = core::encode_close_payload(code, read.reason);
  const core::close_payload again = core::decode_close_payload(copy_of(sent));
  EXPECT_EQ(again.wrong, violation::none);
  if (empty_code) {
    EXPECT_EQ(sent, "");
  } else {
    EXPECT_EQ(sent, payload);
    EXPECT_EQ(again.code, read.code);
    EXPECT_EQ(again.reason, read.reason);
  }
}

}  // namespace adieu::fuzz
