// Pieces into compressed frames, 64 KiB of the app's data at a time.
#include "adieu/core/packer.hpp"

#include <algorithm>
#include <utility>

namespace adieu::core {
namespace {
constexpr std::size_t most_at_once = 64 * 1024;
constexpr std::size_t memory_kept = 4096;
}  // namespace

bool packer::takes(const send_queue::next_frame& piece) {
  if (!deflate_) return false;
  if (piece.op != opcode::continuation) {
    const bool small = piece.fin && piece.payload.size() < threshold_;
    compresses_ = piece.compress == compression::as_agreed && !small;
  }
  in_message_ = !piece.fin;
  return compresses_;
}

packer::packed packer::next_frame() {
  using flush = compressor::flush;
  send_queue::next_frame& piece = *piece_;
  if (out_.capacity() > memory_kept) out_ = {};
  out_.clear();

  packed out;
  std::uint64_t carries = 0;
  bool last = false;
  while (!last && out_.empty()) {  // zlib may keep what it is given for a while
    const const_bytes part = piece.payload.first(std::min(piece.payload.size(), most_at_once));
    piece.payload = piece.payload.subspan(part.size());
    last = piece.payload.empty();
    const flush end = piece.fin ? flush::end_of_message : flush::end_of_piece;
    deflate_->compress(part, last ? end : flush::none, out_);
    carries += part.size();
  }
  out.frame.rsv1 = piece.op != opcode::continuation;  // RFC 7692 §6.1: on the first frame alone
  out.frame.op = std::exchange(piece.op, opcode::continuation);
  out.frame.fin = last && piece.fin;
  out.frame.payload = out_;
  out.frame.carries = carries;
  if (last) {
    out.owner = piece.owner;
    piece_.reset();
  }
  return out;
}

unsent packer::left() const noexcept {
  if (!piece_) return {};
  return {piece_->fin ? 1U : 0U, piece_->payload.size()};
}

void packer::drop(std::vector<ticket>& dropped) {
  if (piece_) dropped.push_back(piece_->owner);
  piece_.reset();
}

void packer::rest() {
  if (deflate_ && !piece_ && !in_message_) deflate_->release();
}

}  // namespace adieu::core
