// Frames on their way to the transport: composed into a scatter list that stays as it is until
// every byte of it was counted as written.
//
// A server's large payloads stay in the caller's memory; small ones, headers, control frames and
// everything that a client masks are copied. A client's large frame is masked a part at a time.
#pragma once

#include <optional>
#include <vector>

#include "adieu/core/raw_bytes.hpp"
#include "adieu/core/send_queue.hpp"

namespace adieu::core {

/// Something whose last byte was written.
struct written_frame {
  enum class what : std::uint8_t { data, ping, pong, close } kind = what::data;
  ticket owner = 0;
};

class frame_writer {
 public:
  frame_writer() noexcept = default;
  frame_writer(role self, random_source random) noexcept { begin(self, random); }
  /// What it is told when it is taken up (apart.hpp).
  void begin(role self, random_source random) noexcept {
    self_ = self;
    random_ = random;
  }
  [[nodiscard]] bool idle() const noexcept {
    return marks_.empty() && segments_.empty() && unmasked_.empty() && !shown_;
  }

  /// True when another frame may be composed: little enough is committed, and nothing of it has
  /// been shown to the transport by list().
  [[nodiscard]] bool accepts() const noexcept {
    return !shown_ && unmasked_.empty() && committed_ - written_ < enough &&
           segments_.size() + 2 < most_segments;
  }

  struct frame {
    opcode op = opcode::continuation;
    bool fin = true;
    const_bytes payload;
    /// RFC 7692 §6: the payload is compressed, and this is how much of the app's data it carries.
    std::optional<std::uint64_t> carries = std::nullopt;
    bool rsv1 = false;
  };
  /// Who keeps the payload until it is written.
  enum class payload_memory : std::uint8_t { callers, temporary };
  void compose(const frame& next, written_frame when_written, payload_memory memory);
  /// Without a detour, what most sends are: a server's whole message of up to 125 bytes that nobody
  /// waits for. False: it is for compose(), or not accepted.
  [[nodiscard]] bool compose_short(opcode op, const_bytes payload);
  /// The caller keeps the payload that was composed last no longer: what is not written is copied.
  void keep_last_payload();

  /// Everything that is committed and not written.
  [[nodiscard]] std::span<const const_bytes> list();
  /// Data without an owner finishes in silence.
  void wrote(std::size_t size, std::vector<written_frame>& finished);

  /// The frames whose last byte is in list().
  void committed(std::vector<written_frame>& out) const;
  [[nodiscard]] bool committed() const noexcept { return committed_ != written_; }
  [[nodiscard]] unsent left() const noexcept;
  /// Gives up what is not written: how much that was, and the tickets that it concerned.
  unsent drop_all(std::vector<ticket>& dropped);
  void add_to(fingerprint_maker& out) const noexcept;

 private:
  static constexpr std::size_t enough = 64 * 1024;  // bytes of one list, a single payload aside
  static constexpr std::size_t most_segments = 64;  // of one writev
  struct mark {                                     // the end of a frame
    std::uint64_t end = 0;
    std::uint64_t payload = 0;
    std::optional<std::uint64_t> carries;
    bool ends_message = false;
    written_frame finishes;
  };
  struct segment {
    const std::byte* outside;  // null: in composed_, at `offset`
    std::size_t offset;
    std::size_t size;
  };
  void append(const_bytes header, const_bytes payload);
  void commit_composed(std::size_t size);
  void forget_segments();
  void mask_more(std::size_t at_most);

  role self_ = role::client;
  random_source random_ = nullptr;
  raw_bytes composed_;
  std::vector<segment> segments_;
  std::vector<const_bytes> list_;
  std::vector<mark> marks_;
  const_bytes unmasked_;  // the rest of a client's frame
  std::uint64_t masked_ = 0;
  mask_key key_{};
  std::size_t first_segment_ = 0;
  std::uint64_t committed_ = 0;
  std::uint64_t written_ = 0;
  bool shown_ = false;
};

}  // namespace adieu::core
