// Groups 9.7, 9.8, 12 and 13: a thousand messages one at a time, each after the echo of the one
// before; compressed where that was agreed. Fewer when many bytes would pass
// (`conditions::budget`).
#include <fmt/format.h>

#include <algorithm>

#include "data.hpp"
#include "deflate.hpp"
#include "play.hpp"

namespace adieu::conformance {
namespace {

constexpr std::size_t all = 1000, at_least = 8;

std::size_t count_of(const round_trips& what, const conditions& how) {
  if (how.budget == 0 || what.size == 0) return all;
  return std::clamp(how.budget / what.size, at_least, all);
}

class rounds {
 public:
  rounds(const round_trips& what, wire& with, const conditions& how)
      : what_(what), wire_(with), how_(how), window_(data_of(what.data), what.size) {}

  outcome run(const std::string& extensions) {
    if (!what_.offer.empty() && !agree(extensions)) return std::move(out_);
    const std::size_t count = count_of(what_, how_);
    const auto began = clock::now();
    const auto latest = in(what_.limit * std::max(1.0, how_.patience));
    std::size_t done = 0;
    while (done < count && round(latest)) ++done;
    out_.measure("messages", static_cast<double>(done));
    out_.measure("ms a message", milliseconds(clock::now() - began) / static_cast<double>(count));
    if (compressed_ > 0)
      out_.measure("echoes that came compressed", static_cast<double>(compressed_));
    if (done == count && !wire_.closing()) wire_.put_close(1000);
    finish(wire_, out_, {.codes = {1000}, .clean = true}, how_);
    return std::move(out_);
  }

 private:
  bool agree(const std::string& extensions) {
    if (extensions.empty()) {
      out_.behaved = behaviour::unimplemented;
      out_.notes.emplace_back("permessage-deflate was not agreed on");
      wire_.put_close(1000);
      wire_.until_ended(in(how_.patience));
      return false;
    }
    const deflate_terms agreed = read_deflate(extensions).at(0);
    const bool client = how_.suite == side::client;
    // Every offer of the suite's says that its messages stand alone (RFC 7692 §7.1.1.2).
    const bool we_alone = client || agreed.server_alone;
    const bool they_alone = client ? agreed.server_alone : agreed.client_alone;
    const int our_bits = (client ? agreed.client_bits : agreed.server_bits).value_or(15);
    const int their_bits = (client ? agreed.server_bits : agreed.client_bits).value_or(15);
    deflater_ = std::make_unique<deflater>(our_bits, we_alone);
    inflater_ = std::make_unique<inflater>(their_bits, they_alone);
    wire_.inflate = [this](std::string& message) {
      ++compressed_;
      return inflater_->decompress(message);
    };
    return true;
  }

  bool round(clock::time_point latest) {
    const std::string message = window_.next();
    const bool text = data_of(what_.data).text;
    send(text ? op_text : op_binary, message);
    const bool came =
        wire_.until([this] { return !wire_.events().empty() || wire_.closing(); }, latest);
    if (wire_.events().empty()) {
      out_.fail(came ? "the peer closed instead of an echo" : "no echo within the limit");
      return false;
    }
    const event got = wire_.events().front();
    const bool right = wire_.events().size() == 1 &&
                       got.what == (text ? event::kind::text : event::kind::binary) &&
                       got.payload == message;
    wire_.events().clear();
    if (!right) out_.fail("an echo differs from its message");
    return right;
  }

  void send(unsigned opcode, const std::string& message) {
    if (!deflater_) return wire_.put(frame(opcode, message));
    const std::string bytes = deflater_->compress(message);
    const std::size_t size = what_.fragment == 0 ? bytes.size() : what_.fragment;
    for (std::size_t at = 0; at < bytes.size(); at += size) {
      frame piece(at == 0 ? opcode : op_continuation, bytes.substr(at, size));
      piece.rsv = at == 0 ? 4 : 0;
      piece.fin = at + size >= bytes.size();
      wire_.put(piece);
    }
  }

  const round_trips& what_;
  wire& wire_;
  const conditions& how_;
  sliding_window window_;
  std::unique_ptr<deflater> deflater_;
  std::unique_ptr<inflater> inflater_;
  std::size_t compressed_ = 0;
  outcome out_;
};

}  // namespace

outcome play(const round_trips& what,
             wire& with,
             const std::string& extensions,
             const conditions& how) {
  return rounds(what, with, how).run(extensions);
}

}  // namespace adieu::conformance
