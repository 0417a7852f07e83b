// The window (P3): data that has arrived and that no receive has taken yet. One run of bytes, and
// a list of the frames in it, because a receive never spans frames (N12).
#pragma once

#include <vector>

#include "adieu/core/frame_reader.hpp"
#include "adieu/core/raw_bytes.hpp"
#include "adieu/receive_result.hpp"

namespace adieu::core {

/// The three ways to receive (P9).
enum class receive_kind : std::uint8_t {
  piece,    // N12: completes when the buffer is full or the frame ends
  some,     // completes with whatever is there
  message,  // completes with a whole message
};

class inbox {
 public:
  /// Who waits for data: one that takes whole messages has no use for the borders of frames, and
  /// a message of a million frames then costs no more than a message of one.
  enum class borders : std::uint8_t { of_frames, of_messages };

  /// Keeps a step of the reader. While a torn message is being discarded, counts it instead.
  void add(const frame_reader::step_result& data, borders kept = borders::of_frames);

  /// Keeps what is a whole message in one frame, as add() does. Between messages only.
  void add_whole(const_bytes payload, message_type type);

  /// Memory behind a frame that has begun, for as much of it as comes next: what is read there and
  /// then given to add() as it lies needs no copy. `left` of the frame is to come; the memory grows
  /// with what has come, not with what was announced.
  [[nodiscard]] bytes space(std::uint64_t left);

  [[nodiscard]] bool empty() const noexcept { return frames_.size() == first_; }

  /// Empty, and no message is half arrived.
  [[nodiscard]] bool between_messages() const noexcept { return empty() && nothing_arrives(); }
  /// No message is half arrived.
  [[nodiscard]] bool nothing_arrives() const noexcept {
    return arriving_size_ == 0 && !discarding_;
  }
  /// And nothing was counted (apart.hpp).
  [[nodiscard]] bool idle() const noexcept {
    return between_messages() && discarded_messages_ == 0 && discarded_bytes_ == 0;
  }

  /// What counts against the window: payload and bookkeeping, so that a flood of empty frames
  /// fills it as well.
  [[nodiscard]] std::size_t held() const noexcept {
    return (stored() - head_) + (frames_.size() - first_) * bookkeeping;
  }
  static constexpr std::size_t bookkeeping = 24;  // of a frame

  /// Takes a piece into `buffer` when the kind's condition holds. An empty buffer waits for data
  /// without taking any (N12).
  [[nodiscard]] bool take(receive_kind kind, bytes buffer, receive_result& out);

  /// Takes the first whole message (what is left of it) into `into`, when it has arrived.
  [[nodiscard]] bool take_message(std::string& into, receive_result& out);

  /// The same for a first message that came in one frame, of which nothing was taken, and that is
  /// no longer than `longest`; else false.
  [[nodiscard]] bool take_whole(std::uint64_t longest, std::string& into, message_type& type);

  /// The first whole message where it lies, until drop_message(); empty() must be false.
  struct view {
    bytes payload;
    message_type type;
  };
  [[nodiscard]] std::optional<view> peek_message();
  void drop_message();

  /// The length that the first message has shown so far, of which a part may have been taken.
  [[nodiscard]] std::uint64_t first_message_size() const noexcept;

  /// Throws everything away and counts it. The rest of an unfinished message will be counted as it
  /// arrives.
  void discard();

  /// Takes off what will never be delivered: a frame that the end of input cut short.
  void discard_unfinished(receive_kind kind);

  [[nodiscard]] std::uint64_t discarded_messages() const noexcept { return discarded_messages_; }
  [[nodiscard]] std::uint64_t discarded_bytes() const noexcept { return discarded_bytes_; }
  [[nodiscard]] std::uint64_t unread_messages() const noexcept;
  [[nodiscard]] std::uint64_t unread_bytes() const noexcept { return stored() - head_; }
  void add_to(fingerprint_maker& out) const noexcept;

 private:
  struct frame {
    std::uint64_t size = 0;          // bytes of it that are here
    std::uint64_t message_size = 0;  // what its message announced up to and including this frame
    message_type type = message_type::binary;
    bool complete = false;
    bool ends_message = false;
  };
  static_assert(sizeof(frame) == bookkeeping);
  [[nodiscard]] frame& front() noexcept { return frames_[first_]; }
  [[nodiscard]] std::size_t stored() const noexcept { return bytes_.size() - space_; }
  void end_space() noexcept { bytes_.resize(stored()), space_ = 0; }
  [[nodiscard]] std::size_t message_frames(std::uint64_t& size) const noexcept;
  [[nodiscard]] std::uint64_t unread_in_last_message() const noexcept;
  void consume(std::size_t frames, std::size_t size);
  void forget_consumed();

  raw_bytes bytes_;
  std::size_t space_ = 0;  // at the end of bytes_, lent by space()
  std::size_t head_ = 0;
  std::vector<frame> frames_;
  std::size_t first_ = 0;
  std::size_t whole_messages_ = 0;   // that end in frames_
  std::uint64_t arriving_size_ = 0;  // announced so far by the message that is arriving
  bool discarding_ = false;          // the rest of the arriving message
  std::uint64_t discarded_messages_ = 0;
  std::uint64_t discarded_bytes_ = 0;
};

}  // namespace adieu::core
