// The matrix's peer: comes to the place of its cell, says so, and does what the cell's fault is.
// The same script runs in the test's own process, or in a child that gets killed or stopped.
#pragma once

#include <boost/asio/local/stream_protocol.hpp>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "tests/faults/matrix_cell.hpp"
#include "tests/faults/matrix_wire.hpp"

namespace adieu::test {

/// A line between the peer and who directs the cell: one letter at a time.
enum class word : char {
  ready = 'r',  ///< peer: the connection is open (and a Ping was answered)
  go = 'g',     ///< director: our app has done its part
  here = 'h',   ///< peer: this is the place
  now = 'n',    ///< director: the fault, please
  hung_up = 0,
};
using phone = asio::local::stream_protocol::socket;
void say(phone& to, word what);
[[nodiscard]] asio::awaitable<word> hear(phone& from);

/// What the peer saw and did, to compare the record with.
struct peer_notes {
  std::uint64_t sent = 0;                   ///< bytes after the handshake
  std::uint64_t garbage_at = 0;             ///< how many came before the garbage
  std::uint64_t trickled = 0;               ///< payload bytes among those that trickled
  std::uint64_t taken = 0;                  ///< bytes that were read, after the handshake
  std::size_t left_unread = 0;              ///< in the peer's kernel
  std::optional<std::uint16_t> close_code;  ///< of our Close
  std::string close_reason;
  int closes = 0;
};

class peer : public std::enable_shared_from_this<peer> {
 public:
  peer(const asio::any_io_executor& on, const cell& in, int data, phone line, SSL_CTX& tls);

  [[nodiscard]] static asio::awaitable<void> play(std::shared_ptr<peer> self);
  [[nodiscard]] peer_notes notes() const;
  [[nodiscard]] bool read_to_the_end() const noexcept { return ended_; }
  void leave();

 private:
  [[nodiscard]] role self() const noexcept {
    return cell_.we == role::client ? role::server : role::client;
  }
  [[nodiscard]] asio::awaitable<void> open_half_tls();
  [[nodiscard]] asio::awaitable<bool> open_http();
  [[nodiscard]] asio::awaitable<void> come_to_the_place();
  [[nodiscard]] asio::awaitable<void> do_it();
  [[nodiscard]] asio::awaitable<void> trickle();
  [[nodiscard]] asio::awaitable<void> send_garbage();
  [[nodiscard]] static asio::awaitable<void> read_on(std::shared_ptr<peer> self);
  [[nodiscard]] asio::awaitable<void> take_frames();

  [[nodiscard]] std::string frame(unsigned char first, std::string_view payload) const;
  [[nodiscard]] std::string header_of_a_mebibyte(unsigned char first) const;
  [[nodiscard]] asio::awaitable<void> send(std::string bytes);
  [[nodiscard]] asio::awaitable<bool> when(bool peer::*so);

  const cell cell_;
  wire wire_;
  phone line_;
  SSL_CTX& tls_;
  std::string in_;
  std::string rest_;  // of the handshake's text, or of the frame, that is to trickle
  peer_notes notes_;
  bool ping_answered_ = false;
  bool answers_ = true;
  bool close_came_ = false;
  bool ended_ = false;  // everything was read, to TCP's end
};

}  // namespace adieu::test
