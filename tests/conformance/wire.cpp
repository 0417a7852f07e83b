#include "wire.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace adieu::conformance {
namespace {

constexpr std::size_t lines_kept_first = 60, lines_kept_last = 12;

bool is_control(unsigned opcode) { return opcode >= 8; }
bool is_known(unsigned opcode) {
  return opcode <= op_binary || (opcode >= op_close && opcode <= op_pong);
}

}  // namespace

void wire_log::add(char direction, double at, std::string text) {
  if (first_.size() < lines_kept_first) {
    first_.push_back({at, direction, std::move(text)});
    return;
  }
  last_.push_back({at, direction, std::move(text)});
  if (last_.size() <= lines_kept_last) return;
  last_.pop_front();
  ++skipped_;
}

std::vector<wire_log::line> wire_log::lines() const {
  std::vector<line> out = first_;
  if (skipped_ > 0) out.push_back({last_.front().at, ' ', fmt::format("… {} more …", skipped_)});
  out.insert(out.end(), last_.begin(), last_.end());
  return out;
}

wire::wire(std::unique_ptr<stream> carrier, side suite, std::string_view early)
    : carrier_(std::move(carrier)), suite_(suite) {
  take(early);
}

// ── Out ──────────────────────────────────────────────────────────────────────────────────────────

std::optional<mask_key> wire::key() {
  if (suite_ == side::server) return std::nullopt;
  mask_key out;
  std::ranges::generate(out, [this] { return static_cast<unsigned char>(random_()); });
  return out;
}

void wire::put(const frame& what) {
  log_.add('>', age(), describe(what));
  out_ += encode(what, key());
  if (what.opcode == op_close && what.rsv == 0 && !sent_close_) {  // 3.7 is no Close
    sent_close_ = true;
    sent_close_at_ = clock::now();
    sent_close_first_ = !peer_close_;
  }
}

void wire::put_chopped(const frame& what, std::size_t size) {
  const auto patience = clock::now() + std::chrono::minutes(2);
  flush(patience);
  const std::size_t held = out_.size();
  put(what);
  const std::string bytes = out_.substr(held);
  out_.resize(held);
  log_.add(' ', age(), fmt::format("in writes of {} B", size));
  for (std::size_t at = 0; at < bytes.size() && !ended(); at += size) {
    out_ += std::string_view(bytes).substr(at, size);
    flush(patience);
  }
}

void wire::put_wrongly_masked(const frame& what) {
  log_.add('>', age(), describe(what) + (suite_ == side::client ? " (unmasked)" : " (masked)"));
  out_ += encode(what, suite_ == side::client ? std::nullopt : std::optional(mask_key{1, 2, 3, 4}));
}

void wire::put_bytes(std::string_view bytes, const std::string& text) {
  log_.add('>', age(), text);
  out_ += bytes;
}

void wire::put_header(const frame& what, std::size_t size) {
  log_.add('>', age(), fmt::format("{}: the header, for {} B", describe(what), size));
  const std::optional<mask_key> chosen = key();
  piece_key_ = chosen.value_or(mask_key{});
  piece_at_ = 0;
  out_ += encode_header(what, size, chosen);
}

void wire::put_piece(std::string bytes) {
  log_.add('>', age(), fmt::format("a piece, {} B {}", bytes.size(), show(bytes)));
  mask(bytes, piece_key_, piece_at_);
  piece_at_ += bytes.size();
  out_ += bytes;
}

void wire::put_close(std::optional<std::uint16_t> code, std::string_view reason) {
  put(frame(op_close, close_payload(code, reason)));
}

bool wire::flush(clock::time_point latest) {
  return until([this] { return out_.empty(); }, latest);
}

void wire::fin() {
  if (std::exchange(sent_fin_, true)) return;
  log_.add('>', age(), "FIN");
  carrier_->fin();
}
void wire::reset() {
  log_.add('>', age(), "RST");
  sent_fin_ = true;
  carrier_->reset();
}
void wire::close() {
  if (!std::exchange(sent_fin_, true)) log_.add('>', age(), "FIN");
  carrier_->close();
}

// ── In ───────────────────────────────────────────────────────────────────────────────────────────

bool wire::step(clock::time_point latest) {
  if (!out_.empty() && !ended()) {
    out_at_ += carrier_->write(std::string_view(out_).substr(out_at_));
    if (out_at_ == out_.size()) {
      out_.clear();
      out_at_ = 0;
      return true;
    }
  }
  if (ended()) return false;
  if (!carrier_->wait(!blind_, !out_.empty(), latest)) return false;
  // A reset is not the end yet: what came before it can still be read (C15.1).
  if (blind_) return !carrier_->is_dead() && clock::now() < latest;
  std::string bytes;
  const stream::status now = carrier_->read(bytes);
  take(bytes);
  if (now != stream::status::open) ended_as(now);
  return clock::now() < latest;
}

void wire::ended_as(stream::status how) {
  end_ = how;
  end_at_ = clock::now();
  log_.add('<', age(), how == stream::status::fin ? "FIN" : "RST");
}

void wire::take(std::string_view bytes) {
  if (bytes.empty()) return;
  if (peer_close_) return blame("it sent data after its Close");
  reader_.feed(bytes);
  while (std::optional<frame> next = reader_.next()) {
    if (peer_close_) return blame("it sent a frame after its Close");
    take_frame(std::move(*next));
  }
}

void wire::blame(std::string why) {
  if (!fault_.empty()) return;
  log_.add(' ', age(), "the peer broke a rule: " + why);
  fault_ = std::move(why);
}

void wire::take_frame(frame what) {
  log_.add('<', age(), describe(what));
  if (what.masked != (suite_ == side::server)) {
    blame(suite_ == side::server ? "its frame is not masked" : "its frame is masked");
  }
  if (!what.minimal) blame("a length in more bytes than it needs");
  if (!is_known(what.opcode)) return blame("a reserved opcode");
  const bool may_be_compressed = inflate && (what.opcode == op_text || what.opcode == op_binary);
  if (what.rsv != 0 && !(what.rsv == 4 && may_be_compressed)) blame("a reserved bit");
  if (!is_control(what.opcode)) return take_data(std::move(what));

  if (!what.fin) blame("a control frame in fragments");
  if (what.payload.size() > 125) blame("a control frame of more than 125 bytes");
  if (what.opcode == op_ping) {
    events_.emplace_back(event::kind::ping, what.payload);
    if (answers_pings_ && !sent_close_) put(frame(op_pong, what.payload));
  } else if (what.opcode == op_pong) {
    events_.emplace_back(event::kind::pong, std::move(what.payload));
  } else {
    peer_close_at_ = clock::now();
    peer_close_.emplace();
    if (what.payload.size() == 1) blame("a Close payload of one byte");
    if (what.payload.size() >= 2) {
      peer_close_->code =
          static_cast<std::uint16_t>(static_cast<unsigned char>(what.payload[0]) << 8U |
                                     static_cast<unsigned char>(what.payload[1]));
    }
    peer_close_->payload = std::move(what.payload);
  }
}

void wire::take_data(frame what) {
  if ((what.opcode == op_continuation) != (message_opcode_ != 0)) {
    blame("fragments in the wrong order");
  }
  if (what.opcode != op_continuation) {
    message_opcode_ = what.opcode;
    message_compressed_ = what.rsv == 4;
    message_ = std::move(what.payload);
  } else {
    message_ += what.payload;
  }
  if (!what.fin) return;
  if (message_compressed_ && inflate && !inflate(message_)) {
    blame("a message that can't be decompressed within what was agreed");
  }
  events_.emplace_back(message_opcode_ == op_text ? event::kind::text : event::kind::binary,
                       std::move(message_));
  message_.clear();
  message_opcode_ = 0;
}

}  // namespace adieu::conformance
