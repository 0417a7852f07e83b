// Frame headers (RFC 6455 §5.2): every beginning of the same bytes is judged alike, and what is
// read is written back as it was.
#include "adieu/core/frame.hpp"
#include "fuzz/input.hpp"

namespace adieu::fuzz {

using outcome = core::parsed_header::outcome;

void run(input in) {
  const std::size_t choice = in.choose(4);
  const core::frame_rules rules{(choice & 1) == 0 ? role::client : role::server, (choice & 2) != 0};
  const std::vector<std::byte> bytes = copy_of(in.rest().substr(0, 32));

  const core::parsed_header whole = core::parse_header(bytes, rules);
  bool known = false;  // what the beginning says is final
  for (std::size_t size = 0; size <= bytes.size(); ++size) {
    const std::vector<std::byte> beginning(bytes.begin(),
                                           bytes.begin() + static_cast<std::ptrdiff_t>(size));
    const core::parsed_header part = core::parse_header(beginning, rules);
    EXPECT_FALSE(known && part.result == outcome::incomplete);
    known = part.result != outcome::incomplete;
    if (!known) continue;
    EXPECT_EQ(part.result, whole.result);
    EXPECT_EQ(part.size, whole.size);
    EXPECT_EQ(part.wrong, whole.wrong);
    EXPECT_EQ(part.wrong_at, whole.wrong_at);
    EXPECT_LE(part.size, size);
    if (part.wrong != core::violation::none) EXPECT_LT(part.wrong_at, size);
  }
  EXPECT_EQ(whole.result == outcome::wrong, whole.wrong != core::violation::none);
  if (whole.result != outcome::complete) return;

  const core::frame_header& header = whole.header;
  EXPECT_EQ(header.masked, rules.receiver == role::server);
  if (header.rsv1) EXPECT_TRUE(rules.rsv1_allowed && !core::is_control(header.op));
  if (core::is_control(header.op)) {
    EXPECT_TRUE(header.fin && header.length <= core::max_control_payload);
  }
  std::array<std::byte, core::max_header_size> again{};
  EXPECT_EQ(core::encode_header(header, again), whole.size);
  EXPECT_TRUE(
      std::ranges::equal(std::span(again).first(whole.size), std::span(bytes).first(whole.size)));
}

}  // namespace adieu::fuzz
