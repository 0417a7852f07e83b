// Everything that is to be written, and its order: control frames pass data frames between frames;
// a Close waits behind the data that was accepted before it (P1); after it, only Pongs.
#pragma once

#include "adieu/core/frame_writer.hpp"
#include "adieu/core/packer.hpp"

namespace adieu::core {

class outbox {
 public:
  outbox() noexcept = default;
  outbox(role self, random_source random) noexcept : writer_(self, random) {}
  /// What it is told when it is taken up (apart.hpp). With a packer in use it is never idle.
  void begin(role self, random_source random) noexcept { writer_.begin(self, random); }
  [[nodiscard]] bool idle() const noexcept;

  [[nodiscard]] core::packer& packer() noexcept { return packer_; }

  send_queue& data() noexcept { return data_; }
  [[nodiscard]] const send_queue& data() const noexcept { return data_; }

  /// A whole message, composed at once, if nothing waits before it. Nobody waits for it. Memory
  /// that is the caller's must last until it is written, or until keep_last_payload().
  using payload_memory = frame_writer::payload_memory;
  [[nodiscard]] bool send_copy(message_type type,
                               const_bytes payload,
                               payload_memory memory = payload_memory::temporary) {
    const opcode op = type == message_type::text ? opcode::text : opcode::binary;
    if (!data_.between_messages() || close_ != close_frame_is::absent) return false;
    if (controls_.empty() && !packer_.in_use() && writer_.compose_short(op, payload)) return true;
    return send_whole(op, payload, memory);
  }
  void keep_last_payload() { writer_.keep_last_payload(); }

  /// The answer to a Ping: of those that wait, only the latest `most` are kept (RFC 6455 §5.5.3).
  void push_pong(const_bytes payload, std::size_t most);
  /// A Ping, or a Pong of our own.
  void push_control(opcode op, const_bytes payload, ticket owner = 0);

  /// Behind all data that was accepted. Pieces that can't be written before it are dropped: those
  /// behind a message that its sender has not ended.
  void push_close(std::string payload, std::vector<ticket>& dropped);

  /// Instead of everything that is not committed yet (D14).
  void push_failure_close(std::string payload, std::vector<ticket>& dropped);

  /// What to write next. Stable, with the memory behind it, until all of it was counted as written.
  [[nodiscard]] std::span<const const_bytes> gather();
  /// The frames whose ends that were; until the next question.
  std::span<const written_frame> wrote(std::size_t size);

  /// The frames whose ends are in what gather() gave last.
  [[nodiscard]] std::span<const written_frame> committed();

  /// Something was given to the transport that it did not take.
  [[nodiscard]] bool blocked() const noexcept { return writer_.committed(); }
  [[nodiscard]] bool close_committed() const noexcept {
    return close_ == close_frame_is::committed;
  }

  [[nodiscard]] unsent left() const noexcept;
  void drop_all(std::vector<ticket>& dropped);
  void add_to(fingerprint_maker& out) const noexcept;

 private:
  struct control {
    opcode op;
    std::uint8_t size;
    std::array<std::byte, max_control_payload> payload;
    ticket owner;
  };
  enum class close_frame_is : std::uint8_t { absent, waiting, committed };

  [[nodiscard]] bool send_whole(opcode op, const_bytes payload, payload_memory memory);
  bool compose_one();
  bool compose_control();
  void compose_packed();
  void drop_packed(std::vector<ticket>& dropped);
  void lose(const unsent& what) noexcept;

  send_queue data_;
  frame_writer writer_;
  core::packer packer_;
  std::vector<control> controls_;
  std::vector<written_frame> told_;
  std::string close_payload_;
  close_frame_is close_ = close_frame_is::absent;
  unsent lost_;
};

}  // namespace adieu::core
