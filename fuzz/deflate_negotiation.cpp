// permessage-deflate's negotiation (RFC 7692 §7.1): what two of ours say to each other is always
// agreed on, and means the same to both; what others offer or answer binds nobody to more than
// that.
#include <charconv>

#include "fuzz/header_text.hpp"

namespace adieu::fuzz {
namespace {

using core::context_takeover;
using core::deflate_agreement;

deflate_options options(input& in) {
  deflate_options out;
  out.client_max_window_bits = 9 + static_cast<int>(in.choose(7));
  out.server_max_window_bits = 9 + static_cast<int>(in.choose(7));
  out.client_context_takeover = in.choose(2) == 0;
  out.server_context_takeover = in.choose(2) == 0;
  out.level = 1 + static_cast<int>(in.choose(9));
  return out;
}

/// What the one sends the other can receive.
void expect_fits(const core::deflate_settings& sending, const core::deflate_settings& receiving) {
  EXPECT_LE(sending.window_bits, receiving.window_bits);
  EXPECT_TRUE(sending.takeover == context_takeover::no ||
              receiving.takeover == context_takeover::yes);
}

void expect_carries(const deflate_agreement& from, const deflate_agreement& to) {
  if (!from.compresses) return;
  core::compressor compressor(from.sending);
  core::decompressor decompressor(to.receiving);
  for (int message = 0; message < 2; ++message) {
    const std::string text = "the same words, the same words again, and the same words at the end";
    std::vector<std::byte> packed;
    compressor.compress(core::as_bytes(text), core::compressor::flush::end_of_message, packed);
    std::vector<std::byte> out(text.size() + 1);
    core::const_bytes rest = packed;
    const auto done = decompressor.decompress(rest, core::decompressor::part::last_of_message, out);
    EXPECT_EQ(done.what, core::decompressor::outcome::all_taken);
    EXPECT_EQ(core::as_text(std::span(out).first(done.size)), text);
  }
}

void expect_two_of_ours_agree(const deflate_options& client, const deflate_options& server) {
  const auto offer = listed(core::deflate_offer(client));
  ASSERT_TRUE(offer.has_value());
  const auto choice = core::choose_deflate(*offer, server);
  ASSERT_TRUE(choice.has_value());
  const auto answer = listed(choice->answer);
  ASSERT_TRUE(answer.has_value());
  const core::deflate_verdict verdict = core::check_deflate(*answer, client);
  ASSERT_TRUE(verdict.agreement.has_value()) << verdict.problem;
  expect_fits(choice->agreement.sending, verdict.agreement->receiving);
  expect_fits(verdict.agreement->sending, choice->agreement.receiving);
  expect_carries(choice->agreement, *verdict.agreement);
  expect_carries(*verdict.agreement, choice->agreement);
}

/// Every parameter of the answer may be there after that offer (§7.1.1, §7.1.2).
bool permits(const core::extension_offer& offer, const core::extension_offer& answer) {
  const auto value_in = [](const core::extension_offer& of, std::string_view name) {
    std::optional<std::string> out;
    for (const auto& each : of.parameters) {
      if (each.name == name) out = each.value;
    }
    return out;
  };
  const auto number = [](const std::optional<std::string>& value) -> std::optional<int> {
    if (!value || value->empty()) return 15;
    int bits = 0;
    const char* end = value->data() + value->size();
    const auto read = std::from_chars(value->data(), end, bits);
    if (read.ec != std::errc() || read.ptr != end) return std::nullopt;
    return bits;
  };
  const auto asked_client = value_in(offer, "client_max_window_bits");
  const auto asked_server = value_in(offer, "server_max_window_bits");
  const auto client = value_in(answer, "client_max_window_bits");
  const auto server = value_in(answer, "server_max_window_bits");
  if (!number(asked_client) || !number(asked_server)) return false;
  if (client && (!asked_client || number(client) > number(asked_client))) return false;
  if (asked_server && !server) return false;
  if (number(server) > number(asked_server)) return false;
  return !value_in(offer, "server_no_context_takeover") ||
         value_in(answer, "server_no_context_takeover");
}

}  // namespace

void run(input in) {
  const deflate_options client = options(in), server = options(in);
  expect_two_of_ours_agree(client, server);

  const auto theirs = listed(in.rest());
  if (!theirs) return;
  expect_readable_again(*theirs);
  if (const auto choice = core::choose_deflate(*theirs, server)) {
    const auto answer = listed(choice->answer);
    ASSERT_TRUE(answer && answer->size() == 1);
    EXPECT_TRUE(std::ranges::any_of(
        *theirs, [&](const auto& offer) { return permits(offer, answer->front()); }));
    EXPECT_LE(choice->agreement.sending.window_bits, server.server_max_window_bits);
    EXPECT_TRUE(choice->agreement.compresses);
  }
  const core::deflate_verdict verdict = core::check_deflate(*theirs, client);
  EXPECT_TRUE(harmless(verdict.problem));
  EXPECT_FALSE(verdict.agreement && !verdict.problem.empty());
  EXPECT_TRUE(theirs->empty() || verdict.agreement || !verdict.problem.empty());
  if (!verdict.agreement) return;
  EXPECT_LE(verdict.agreement->sending.window_bits, client.client_max_window_bits);
  EXPECT_LE(verdict.agreement->receiving.window_bits, client.server_max_window_bits);
  EXPECT_EQ(verdict.agreement->compresses, verdict.agreement->sending.window_bits > 8);
}

}  // namespace adieu::fuzz
