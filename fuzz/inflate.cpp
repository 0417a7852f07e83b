// Payloads of permessage-deflate (RFC 7692 §7.2): any bytes give the same data and the same verdict
// however they are cut and whatever the room; what is compressed comes back as it was.
//
// zlib learns late that a byte refers to what lies beyond a window below 2^15, and how late depends
// on the cut: verdicts are compared for windows of 2^15 alone.
#include <optional>

#include "adieu/core/deflate.hpp"
#include "fuzz/input.hpp"

namespace adieu::fuzz {
namespace {

using core::compressor;
using core::decompressor;
using outcome = decompressor::outcome;

constexpr std::size_t enough = 256 * 1024;  // of a message that swells

struct result {
  std::string data;
  outcome what = outcome::all_taken;
};

/// One message, its bytes cut, into buffers of `room` bytes.
result inflate(decompressor& with, std::string_view packed, cuts where, std::size_t room) {
  result out;
  std::size_t at = 0;
  do {
    const std::size_t size = where.next(packed.size() - at);
    const std::vector<std::byte> piece = copy_of(packed.substr(at, size));
    at += size;
    const auto part =
        at == packed.size() ? decompressor::part::last_of_message : decompressor::part::of_message;
    core::const_bytes rest = piece;
    do {
      std::vector<std::byte> space(room);
      const auto done = with.decompress(rest, part, space);
      out.what = done.what;
      out.data += core::as_text(std::span(space).first(done.size));
      if (done.what == outcome::out_full) EXPECT_EQ(done.size, room);
      if (done.what == outcome::all_taken) EXPECT_TRUE(rest.empty());
    } while (out.what == outcome::out_full && out.data.size() < enough);
    if (out.what != outcome::all_taken) break;
  } while (at != packed.size());
  return out;
}

/// Messages one after the other, until one is broken or too large.
std::vector<result> inflate_all(const core::deflate_settings& how,
                                const std::vector<std::string>& messages,
                                const cuts& where,
                                std::size_t room) {
  std::optional<decompressor> with(std::in_place, how);
  std::vector<result> out;
  for (const std::string& packed : messages) {
    out.push_back(inflate(*with, packed, where, room));
    if (out.back().what != outcome::all_taken) break;
    with.emplace(decompressor(*with));  // a copy goes on alike
  }
  return out;
}

core::deflate_settings settings(input& in) {
  core::deflate_settings out;
  out.window_bits = 15 - static_cast<int>(in.choose(7));
  out.takeover = in.choose(2) == 0 ? core::context_takeover::yes : core::context_takeover::no;
  out.level = 1 + static_cast<int>(in.choose(9));
  out.memory_level = 1 + static_cast<int>(in.choose(9));
  return out;
}

void any_bytes(input in, const core::deflate_settings& how) {
  const std::size_t seed = in.choose(256), room = 1 + in.choose(300);
  std::vector<std::string> messages;
  for (std::size_t left = in.choose(3); left != 0; --left)
    messages.emplace_back(in.some(1 + in.choose(64)));
  messages.emplace_back(in.rest());

  const auto one = inflate_all(how, messages, cuts::none(), enough);
  for (const cuts& where : {cuts::everywhere(), cuts::by(seed), cuts::none()}) {
    const auto other = inflate_all(how, messages, where, room);
    if (how.window_bits != 15) continue;
    ASSERT_EQ(one.size(), other.size());
    for (std::size_t i = 0; i < one.size(); ++i) {
      EXPECT_EQ(one[i].data.substr(0, enough), other[i].data.substr(0, enough));
      if (one[i].data.size() < enough) EXPECT_EQ(one[i].what, other[i].what);
    }
  }
}

void there_and_back(input in, const core::deflate_settings& how) {
  const std::size_t seed = in.choose(256), room = 1 + in.choose(300);
  compressor squeezes(how);
  decompressor swells(how);
  while (!in.empty()) {
    std::string message, packed;
    for (bool ends = false; !ends;) {
      const std::size_t choice = in.choose(256);
      const std::string_view text = in.some(in.choose(256));
      const std::size_t copies = (choice >> 2 & 15) == 15 ? 200 : 1;
      std::string piece;
      for (std::size_t i = 0; i < copies; ++i) piece += text;
      ends = (choice & 3) < 2 || in.empty();
      const auto flush = ends                ? compressor::flush::end_of_message
                         : (choice & 1) != 0 ? compressor::flush::end_of_piece
                                             : compressor::flush::none;
      std::vector<std::byte> out;
      squeezes.compress(copy_of(piece), flush, out);
      if (flush == compressor::flush::end_of_message && (choice & 64) != 0) squeezes.release();
      message += piece;
      packed += core::as_text(out);
    }
    if (how.takeover == core::context_takeover::no) EXPECT_FALSE(squeezes.holds_memory());
    const cuts where = seed < 128 ? cuts::none() : cuts::by(seed);
    const result back = inflate(swells, packed, where, std::max(room, message.size() / 16 + 1));
    EXPECT_EQ(back.what, outcome::all_taken);
    EXPECT_EQ(back.data, message);
  }
}

}  // namespace

void run(input in) {
  const bool any = in.choose(2) == 0;
  const core::deflate_settings how = settings(in);
  any ? any_bytes(in, how) : there_and_back(in, how);
}

}  // namespace adieu::fuzz
