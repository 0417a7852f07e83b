// The order of data (P1, P7, P8): pieces that were accepted and are not being written yet.
//
// Messages go out in the order of their first calls and never mix: while one is open, only pieces
// of its sender are taken, and the others keep their places behind it.
#pragma once

#include <optional>
#include <vector>

#include "adieu/core/fingerprint.hpp"
#include "adieu/core/frame.hpp"

namespace adieu::core {

/// Who a piece belongs to: 0 is the websocket itself (its implicit writer), others are writers
/// from begin_message().
using sender = std::uint32_t;

struct send_piece {
  ticket owner = 0;
  sender from = 0;
  message_type type = message_type::binary;
  bool ends_message = true;
  const_bytes payload{};  // the caller's, until the ticket completes
  compression compress = compression::as_agreed;
};

/// What was accepted from the app and not written.
struct unsent {
  std::uint64_t messages = 0;
  std::uint64_t bytes = 0;
};

class send_queue {
 public:
  void push(const send_piece& next);

  /// Holds the place of a message whose pieces will follow.
  void reserve(sender from);
  /// Gives up a place of which no piece was accepted; false when one was.
  bool release(sender from);
  /// True while a message of this sender has begun and its last piece was not accepted.
  [[nodiscard]] bool in_message(sender from) const noexcept;
  /// N13: every piece of a message must say the same.
  [[nodiscard]] bool changes_compression(const send_piece& next) const noexcept;

  struct next_frame {
    ticket owner;
    opcode op;
    bool fin;
    const_bytes payload;
    compression compress;
  };
  /// The piece whose turn it is, if there is one.
  [[nodiscard]] std::optional<next_frame> take();

  /// Takes a piece back, if it is all that was accepted of its message (P7).
  [[nodiscard]] bool withdraw(ticket owner);

  /// No piece will be accepted any more: gives up those that wait behind a message that has begun
  /// and can't end; an unfinished message that has not begun is given up itself if others wait.
  void abandon_blocked(std::vector<ticket>& dropped);
  void drop_all(std::vector<ticket>& dropped);

  [[nodiscard]] bool empty() const noexcept { return first_ == entries_.size(); }
  /// Empty, and no message is open on the wire.
  [[nodiscard]] bool between_messages() const noexcept { return empty() && !open_; }
  /// And none was begun, or lost (apart.hpp).
  [[nodiscard]] bool idle() const noexcept {
    return between_messages() && unfinished_.empty() && lost_.messages == 0 && lost_.bytes == 0;
  }
  /// What waits here or was dropped, and messages that were begun and not ended.
  [[nodiscard]] unsent left() const noexcept;
  void add_to(fingerprint_maker& out) const noexcept;

 private:
  struct entry : send_piece {
    bool placeholder = false;
  };
  [[nodiscard]] std::optional<std::size_t> turn() const noexcept;
  [[nodiscard]] std::span<const entry> waiting() const noexcept {
    return std::span(entries_).subspan(first_);
  }
  [[nodiscard]] bool waits(sender from) const noexcept;
  void forget_place(sender from);
  void finished(sender from);
  void remove(std::size_t index);
  void drop(const entry& gone, std::vector<ticket>& dropped);

  std::vector<entry> entries_;
  std::size_t first_ = 0;
  struct unfinished_message {
    sender from;
    compression compress;
  };
  std::vector<unfinished_message> unfinished_;
  bool open_ = false;       // a message has the wire
  bool continues_ = false;  // and its first frame was taken
  sender open_sender_ = 0;
  unsent lost_;
};

}  // namespace adieu::core
