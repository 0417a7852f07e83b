// How far zlib is flushed, and where messages end.
#include "adieu/core/deflate.hpp"

#include <zlib.h>

#include <algorithm>
#include <array>
#include <limits>

namespace adieu::core {
namespace {

// RFC 7692 §7.2.1: what an empty stored block ends with, cut off by the sender.
constexpr std::array tail = {std::byte{0}, std::byte{0}, std::byte{0xFF}, std::byte{0xFF}};

// Below this, zlib looks at too little of its memory for fetching all of it (docs/decisions/0007).
constexpr std::size_t worth_fetching = 256;

uInt at_most(std::size_t size) {
  return static_cast<uInt>(std::min<std::size_t>(size, std::numeric_limits<uInt>::max()));
}

// zlib's pointers to input are not to const unless ZLIB_CONST is set; it does not write there.
Bytef* input_of(const_bytes in) {
  return const_cast<Bytef*>(reinterpret_cast<const Bytef*>(in.data()));
}

}  // namespace

// ── Whose stream it is ─────────────────────────────────────────────────────────────────────────

deflate_direction::deflate_direction(const deflate_direction& other)
    : kind_(other.kind_),
      how_(other.how_),
      pool_(other.pool_),
      stream_(other.stream_ ? std::make_unique<zlib_stream>(*other.stream_) : nullptr) {}

deflate_direction::~deflate_direction() { let_go(); }

zlib_stream& deflate_direction::stream() {
  if (!stream_) {
    stream_ = pool_ ? pool_->take(kind_, how_) : std::make_unique<zlib_stream>(kind_, how_);
  }
  return *stream_;
}

void deflate_direction::message_ended() {
  if (!keeps_context()) let_go();
}

void deflate_direction::let_go() {
  if (stream_ && pool_) {
    stream_->reset();
    pool_->give_back(std::move(stream_));
  }
  stream_.reset();
}

// ── Compressing ─────────────────────────────────────────────────────────────────────────────────

void compressor::compress(const_bytes in, flush how_far, std::vector<std::byte>& out) {
  if (in.size() >= worth_fetching && keeps_context()) stream().fetch_memory();
  z_stream& z = stream().z();
  const std::size_t begin = out.size();
  for (bool more = true; more;) {
    const uInt part = at_most(in.size());
    z.next_in = input_of(in);
    z.avail_in = part;
    in = in.subspan(part);
    const int mode = how_far == flush::none || !in.empty() ? Z_NO_FLUSH : Z_SYNC_FLUSH;
    do {  // zlib asks for no more than this, and seldom for so much
      const std::size_t from = out.size();
      const std::size_t room = std::max<std::size_t>(deflateBound(&z, z.avail_in) + 16, 64);
      out.resize(from + room);
      z.next_out = reinterpret_cast<Bytef*>(out.data() + from);
      z.avail_out = at_most(room);
      deflate(&z, mode);
      out.resize(from + room - z.avail_out);
    } while (z.avail_in != 0 || z.avail_out == 0);
    more = !in.empty();
  }
  if (how_far != flush::end_of_message) return;
  if (out.size() == begin) {
    out.push_back(std::byte{0});  // zlib flushes nothing twice; this is §7.2.3.6's empty block
  } else {
    out.resize(out.size() - tail.size());  // §7.2.1 item 2
  }
  message_ended();
}

// ── Decompressing ───────────────────────────────────────────────────────────────────────────────

decompressor::result decompressor::decompress(const_bytes& in, part which, bytes out) {
  const std::size_t room = out.size();
  outcome what = run(in, out);
  if (what == outcome::all_taken && which == part::last_of_message) {
    const_bytes rest = std::span(tail).subspan(tail_taken_);
    what = run(rest, out);
    tail_taken_ = tail.size() - rest.size();
    if (what == outcome::all_taken) {
      if (!at_border()) return {outcome::broken, room - out.size()};
      tail_taken_ = 0;
      message_ended();
    }
  }
  return {what, room - out.size()};
}

// Where one block has ended and the next has not begun: a message that was cut never gets there.
bool decompressor::at_border() {
  constexpr int between_blocks = 128;
  constexpr int unused_bits = 63;
  const int where = stream().z().data_type;
  return (where & between_blocks) != 0 && (where & unused_bits) == 0;
}

decompressor::outcome decompressor::run(const_bytes& in, bytes& out) {
  z_stream& z = stream().z();
  for (;;) {
    z.next_in = input_of(in);
    z.avail_in = at_most(in.size());
    z.next_out = reinterpret_cast<Bytef*>(out.data());
    z.avail_out = at_most(out.size());
    const uInt offered = z.avail_in;
    const uInt room = z.avail_out;
    const int done = ::inflate(&z, Z_SYNC_FLUSH);
    in = in.subspan(offered - z.avail_in);
    out = out.subspan(room - z.avail_out);
    if (done == Z_STREAM_END) {  // RFC 7692 §7.2.3.4: a final block does not end the message
      stream().continue_after_end();
      if (in.empty()) return outcome::all_taken;
      continue;
    }
    if (done != Z_OK && done != Z_BUF_ERROR) return outcome::broken;
    if (out.empty()) return outcome::out_full;
    if (in.empty()) return outcome::all_taken;
  }
}

}  // namespace adieu::core
