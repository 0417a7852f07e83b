// Turns a stream of bytes into frames' contents, whatever the cuts: headers, fragmentation rules
// (RFC 6455 §5.4), unmasking in place, UTF-8 (§8.1). It keeps no data payload: what arrives goes
// out in the same step.
//
// Pull: the caller steps until `need_more` or `broken`.
#pragma once

#include <optional>
#include <vector>

#include "adieu/core/frame.hpp"
#include "adieu/core/utf8.hpp"

namespace adieu::core {

/// What a message may cost, in frames. 0: no limit.
struct frame_limits {
  std::uint64_t size = 0;   ///< bytes of a data frame's payload, on the wire
  std::uint64_t count = 0;  ///< frames of a message
};

class frame_reader {
 public:
  frame_reader() noexcept = default;
  explicit frame_reader(frame_rules rules, frame_limits limits = {}) noexcept
      : rules_(rules), limits_(limits) {}
  /// What it is told when it is taken up (apart.hpp): how much others have read before it, too.
  void begin(frame_rules rules, frame_limits limits, std::uint64_t read_before) noexcept {
    rules_ = rules;
    limits_ = limits;
    consumed_ = read_before;
  }
  void allow_compressed() noexcept { rules_.rsv1_allowed = true; }
  /// Between two messages.
  [[nodiscard]] bool idle() const noexcept {
    return !in_frame_ && !in_message_ && carry_.empty() && !bad_text_at_;
  }
  [[nodiscard]] std::uint64_t read_so_far() const noexcept { return consumed_; }

  enum class found : std::uint8_t {
    need_more,
    data,
    control,
    broken,           ///< the protocol: `wrong`, `wrong_at`
    frame_too_large,  ///< these three: limits of ours
    too_many_frames,
    swells_too_much,
  };

  struct step_result {
    found what = found::need_more;
    opcode op = opcode::continuation;          ///< control: close, ping or pong
    message_type type = message_type::binary;  ///< data: of the whole message
    bytes payload;                             ///< unmasked, within the input
    bool frame_begins = false;                 ///< data: the first step of a frame
    bool frame_ends = false;
    bool message_ends = false;
    bool compressed = false;      ///< data: RFC 7692 §6; `payload` is not checked as UTF-8 then
    std::uint64_t announced = 0;  ///< payload that is known of now: a frame's length as it begins
    violation wrong = violation::none;
    std::uint64_t wrong_at = 0;  ///< offset in everything that was ever read
  };

  /// Takes as much as one step needs from the front of `in`. A control frame's payload may lie in
  /// the reader itself, until the next step.
  [[nodiscard]] step_result step(bytes& in);

  /// At one glance, what most steps meet: the payload of a whole message of up to `longest` bytes
  /// in one short frame. Without data(), nothing was taken: step() tells what is there.
  [[nodiscard]] bytes take_short(bytes& in, std::uint64_t longest, message_type& type);

  /// What is to come of a data frame that has begun and is not compressed.
  [[nodiscard]] std::uint64_t left_of_plain_frame() const noexcept {
    const bool plain = in_frame_ && !is_control(header_.op) && !compressed_;
    return plain ? header_.length - payload_read_ : 0;
  }
  void add_to(fingerprint_maker& out) const noexcept;

 private:
  [[nodiscard]] bool take_header(bytes& in, step_result& out);
  [[nodiscard]] bool check_order(step_result& out) const;
  [[nodiscard]] bool check_limits(step_result& out);
  step_result read_data(bytes& in, bool begins);
  step_result read_control(bytes& in);
  step_result broken(violation wrong, std::uint64_t at) const noexcept;

  frame_rules rules_;
  frame_limits limits_;
  frame_header header_;
  std::uint64_t payload_read_ = 0;  // of the current frame
  std::uint64_t consumed_ = 0;      // since the beginning
  std::uint64_t frame_start_ = 0;
  std::uint64_t frames_ = 0;            // of the current message
  std::vector<std::byte> carry_;        // a header, or a control payload, that was cut
  std::vector<std::byte> cut_payload_;  // the last control payload, when it was cut
  utf8_validator utf8_;
  std::optional<std::uint64_t> bad_text_at_;  // where a text stops being UTF-8: the next step
  message_type type_ = message_type::binary;
  bool compressed_ = false;
  bool in_frame_ = false;
  bool in_message_ = false;
};

}  // namespace adieu::core
