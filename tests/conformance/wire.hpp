// One connection as the suite sees it, after its opening handshake: frames out; events, the peer's
// Close and the end of TCP in; a log of both. It blocks, with a deadline, and reads whenever it
// waits, so that two full sockets can't stop each other.
#pragma once

#include <chrono>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "frame.hpp"
#include "stream.hpp"

namespace adieu::conformance {

using clock = std::chrono::steady_clock;
using duration = clock::duration;
using seconds = std::chrono::duration<double>;

inline double milliseconds(duration d) {
  return std::chrono::duration<double, std::milli>(d).count();
}

enum class side : bool { client, server };

/// What the peer sent, as an endpoint's application would see it; or a mark of the suite's own.
struct event {
  enum class kind : std::uint8_t { text, binary, ping, pong, mark };
  event() = default;
  event(kind k, std::string bytes) : what(k), payload(std::move(bytes)) {}

  kind what = kind::mark;
  std::string payload;
};

struct close_frame {
  std::optional<std::uint16_t> code;
  std::string payload;
  [[nodiscard]] std::string_view reason() const {
    return std::string_view(payload).substr(std::min<std::size_t>(2, payload.size()));
  }
};

/// What passed, in lines; the middle of a long exchange is only counted.
class wire_log {
 public:
  struct line {
    double at;       // milliseconds since the connection opened
    char direction;  // '>' from the suite, '<' from the peer, ' ' a remark
    std::string text;
  };
  void add(char direction, double at, std::string text);
  [[nodiscard]] std::vector<line> lines() const;

 private:
  std::vector<line> first_;
  std::deque<line> last_;
  std::size_t skipped_ = 0;
};

class wire {
 public:
  /// `suite`: the side that the suite plays. `early`: what came in the handshake's segment.
  wire(std::unique_ptr<stream> carrier, side suite, std::string_view early);

  // ── Out ─────────────────────────────────────────────────────────────────────────────────────
  void put(const frame& what);  ///< leaves with the next flush or wait
  void put_chopped(const frame& what, std::size_t size);
  void put_wrongly_masked(const frame& what);  ///< without a mask, where one is due, or with one
  void put_bytes(std::string_view bytes, const std::string& remark);
  /// A frame's header for `size` bytes, and then its payload in pieces.
  void put_header(const frame& what, std::size_t size);
  void put_piece(std::string bytes);
  void put_close(std::optional<std::uint16_t> code, std::string_view reason = {});
  bool flush(clock::time_point latest);

  void fin();
  void reset();
  void close();
  /// The peer's Pings are answered, unless this is called.
  void leave_pings_alone() noexcept { answers_pings_ = false; }
  /// While it holds, nothing is read: the window fills.
  void read_nothing(bool yes) noexcept { blind_ = yes; }
  void mark(std::string name) { events_.emplace_back(event::kind::mark, std::move(name)); }
  void remark(std::string text) { log_.add(' ', age(), std::move(text)); }
  /// How messages with RSV1 are decompressed (permessage-deflate was agreed); false: they can't be.
  std::function<bool(std::string&)> inflate;

  // ── In ──────────────────────────────────────────────────────────────────────────────────────
  /// Waits until `done` says so, TCP ends, or it is too late; whether `done`.
  template <typename Done>
  bool until(Done done, clock::time_point latest) {
    while (!done()) {
      if (!step(latest)) return done();
    }
    return true;
  }
  /// The peer's Close, or the end of TCP.
  bool until_closing(clock::time_point latest) {
    return until([this] { return closing(); }, latest);
  }
  bool until_ended(clock::time_point latest) {
    return until([this] { return ended(); }, latest);
  }
  [[nodiscard]] bool closing() const noexcept { return peer_close_ || ended(); }
  [[nodiscard]] bool ended() const noexcept { return end_ != stream::status::open; }

  [[nodiscard]] std::vector<event>& events() noexcept { return events_; }
  [[nodiscard]] const std::optional<close_frame>& peer_close() const noexcept {
    return peer_close_;
  }
  [[nodiscard]] stream::status end() const noexcept { return end_; }
  /// A rule that the peer broke in its frames; empty: none.
  [[nodiscard]] const std::string& fault() const noexcept { return fault_; }
  [[nodiscard]] bool sent_close() const noexcept { return sent_close_; }
  [[nodiscard]] bool sent_close_first() const noexcept { return sent_close_first_; }
  [[nodiscard]] clock::time_point sent_close_at() const noexcept { return sent_close_at_; }
  [[nodiscard]] clock::time_point peer_close_at() const noexcept { return peer_close_at_; }
  [[nodiscard]] clock::time_point end_at() const noexcept { return end_at_; }
  [[nodiscard]] const wire_log& log() const noexcept { return log_; }
  [[nodiscard]] double age() const { return milliseconds(clock::now() - opened_); }
  [[nodiscard]] stream& carrier() noexcept { return *carrier_; }

 private:
  bool step(clock::time_point latest);
  void take(std::string_view bytes);
  void take_frame(frame what);
  void take_data(frame what);
  void blame(std::string why);
  void ended_as(stream::status how);
  std::optional<mask_key> key();

  std::unique_ptr<stream> carrier_;
  side suite_;
  clock::time_point opened_ = clock::now();
  std::mt19937 random_{std::random_device{}()};
  std::string out_;
  std::size_t out_at_ = 0;
  frame_reader reader_;
  std::string message_;
  unsigned message_opcode_ = 0;
  bool message_compressed_ = false;
  mask_key piece_key_{};
  std::size_t piece_at_ = 0;
  bool answers_pings_ = true, blind_ = false;
  bool sent_close_ = false, sent_close_first_ = false, sent_fin_ = false;
  std::vector<event> events_;
  std::optional<close_frame> peer_close_;
  std::string fault_;
  stream::status end_ = stream::status::open;
  clock::time_point sent_close_at_, peer_close_at_, end_at_;
  wire_log log_;
};

}  // namespace adieu::conformance
