// The peer's script: open, come to the place, do it. Its reader runs beside.
#include "tests/faults/matrix_peer.hpp"

#include <boost/asio/buffer.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <openssl/evp.h>
#include <openssl/sha.h>

#include <array>

#include "tests/net/raw_peer.hpp"

namespace adieu::test {

using asio::awaitable;
using namespace std::chrono_literals;

namespace {

constexpr auto patience = 20s;

std::string accept_of(const std::string& key) {
  const std::string text = key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
  std::array<unsigned char, 20> digest;
  SHA1(reinterpret_cast<const unsigned char*>(text.data()), text.size(), digest.data());
  std::array<unsigned char, 32> base64;
  const int size = EVP_EncodeBlock(base64.data(), digest.data(), 20);
  return {reinterpret_cast<const char*>(base64.data()), static_cast<std::size_t>(size)};
}

/// A record of application data that no key opens.
constexpr std::string_view undecryptable("\x17\x03\x03\x00\x20xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
                                         5 + 32);

constexpr std::string_view request =
    "GET / HTTP/1.1\r\nHost: matrix\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n";

}  // namespace

void say(phone& to, word what) {
  const char letter = static_cast<char>(what);
  (void)!::send(to.native_handle(), &letter, 1, MSG_NOSIGNAL);
}

awaitable<word> hear(phone& from) {
  char letter = 0;
  boost::system::error_code ec;
  co_await from.async_read_some(asio::buffer(&letter, 1),
                                asio::redirect_error(asio::use_awaitable, ec));
  co_return ec ? word::hung_up : static_cast<word>(letter);
}

peer::peer(const asio::any_io_executor& on, const cell& in, int data, phone line, SSL_CTX& tls)
    : cell_(in), wire_(on, data), line_(std::move(line)), tls_(tls) {}

peer_notes peer::notes() const {
  peer_notes out = notes_;
  out.left_unread = wire_.unread();
  return out;
}

void peer::leave() {
  boost::system::error_code ignored;
  line_.close(ignored);
  wire_.close();
}

awaitable<void> peer::play(std::shared_ptr<peer> self) {
  peer& me = *self;
  if (me.cell_.over == carrier::tls) {
    me.wire_.use_tls(me.tls_, me.self());
    if (me.cell_.where == place::in_tls) {
      co_await me.open_half_tls();
    } else if (!co_await me.wire_.shake_hands()) {
      co_return;
    }
  }
  if (me.cell_.where != place::in_tls) {
    if (!co_await me.open_http()) co_return;
  }
  if (me.cell_.opens()) {
    asio::co_spawn(co_await asio::this_coro::executor, read_on(self), asio::detached);
    if (me.cell_.keepalive == pings::on) (void)co_await me.when(&peer::ping_answered_);
    // From here on nothing may be read, so that what we do meets what is under way.
    const bool deaf =
        me.cell_.where == place::unsent_data || me.cell_.where == place::closes_crossing ||
        (me.cell_.where == place::our_close && me.cell_.how == fault::zero_window) ||
        (me.cell_.where == place::our_close_output && me.cell_.how == fault::zero_window);
    if (deaf) me.wire_.stop_reading();
    say(me.line_, word::ready);
    if (co_await hear(me.line_) != word::go) co_return;
    co_await me.come_to_the_place();
  }
  me.answers_ = false;
  say(me.line_, word::here);
  if (co_await hear(me.line_) != word::now) co_return;
  co_await me.do_it();
  (void)co_await hear(me.line_);
  me.leave();
}

awaitable<void> peer::open_half_tls() {
  std::string flight = co_await wire_.first_flight();
  const std::size_t half = flight.size() / 2;
  rest_ = flight.substr(half);
  co_await wire_.write_raw(std::string_view(flight).substr(0, half));
}

awaitable<bool> peer::open_http() {
  std::string text(request);
  std::string got;
  const auto read_header = [&]() -> awaitable<bool> {
    while (got.find("\r\n\r\n") == std::string::npos) {
      const std::string more = co_await wire_.read();
      if (more.empty()) co_return false;
      got += more;
    }
    co_return true;
  };
  if (self() == role::server) {
    if (!co_await read_header()) co_return false;
    const std::string field = "Sec-WebSocket-Key: ";
    const std::size_t at = got.find(field) + field.size();
    text =
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Accept: " +
        accept_of(got.substr(at, got.find("\r\n", at) - at)) + "\r\n\r\n";
  }
  if (cell_.where == place::in_http) {
    rest_ = text.substr(text.size() / 2);
    co_await wire_.write(std::string_view(text).substr(0, text.size() / 2));
    co_return true;
  }
  co_await wire_.write(text);
  if (self() == role::client && !co_await read_header()) co_return false;
  in_ = got.substr(got.find("\r\n\r\n") + 4);
  co_return true;
}

// ── Frames ──────────────────────────────────────────────────────────────────────────────────────

std::string peer::frame(unsigned char first, std::string_view payload) const {
  return self() == role::client ? masked_frame(first, payload) : bare_frame(first, payload);
}

std::string peer::header_of_a_mebibyte(unsigned char first) const {
  const bool masks = self() == role::client;
  std::string out{static_cast<char>(first), static_cast<char>(masks ? 0xFF : 0x7F)};
  out += std::string("\0\0\0\0\0\x10\0\0", 8);
  return masks ? out + std::string(4, '\0') : out;
}

awaitable<void> peer::send(std::string bytes) {
  notes_.sent += bytes.size();
  co_await wire_.write(bytes);
}

awaitable<bool> peer::when(bool peer::*so) {
  co_return co_await until([this, so] { return this->*so; }, patience);
}

awaitable<void> peer::read_on(std::shared_ptr<peer> self) {
  for (;;) {
    co_await self->take_frames();
    const std::string more = co_await self->wire_.read();
    if (more.empty()) break;
    self->notes_.taken += more.size();
    self->in_ += more;
  }
  self->ended_ = true;
}

// Our frames: data is thrown away, Pings are answered, the Close is noted.
awaitable<void> peer::take_frames() {
  const auto byte = [this](std::size_t at) { return static_cast<unsigned char>(in_[at]); };
  for (;;) {
    if (in_.size() < 2) co_return;
    std::size_t length = byte(1) & 0x7FU;
    std::size_t start = 2;
    if (length >= 126) {
      const std::size_t width = length == 126 ? 2 : 8;
      if (in_.size() < 2 + width) co_return;
      length = 0;
      for (std::size_t i = 0; i < width; ++i) length = length << 8U | byte(2 + i);
      start += width;
    }
    const bool masked = (byte(1) & 0x80U) != 0;
    if (in_.size() < start + (masked ? 4 : 0) + length) co_return;
    std::string payload = in_.substr(start + (masked ? 4 : 0), length);
    for (std::size_t i = 0; masked && i < length; ++i) {
      payload[i] = static_cast<char>(payload[i] ^ in_[start + i % 4]);
    }
    const unsigned char first = byte(0);
    in_.erase(0, start + (masked ? 4 : 0) + length);
    if (first == close_frame_byte) {
      ++notes_.closes;
      if (payload.size() >= 2) {
        notes_.close_code = static_cast<std::uint16_t>(
            static_cast<unsigned char>(payload[0]) << 8U | static_cast<unsigned char>(payload[1]));
        notes_.close_reason = payload.substr(2);
      }
      close_came_ = true;
    } else if (first == ping_frame && answers_) {
      co_await send(frame(pong_frame, payload));
      ping_answered_ = true;
    }
  }
}

// ── To the place ────────────────────────────────────────────────────────────────────────────────

awaitable<void> peer::come_to_the_place() {
  const bool large = cell_.much == amount::large;
  const unsigned char text = 0x81, binary = 0x82, text_begins = 0x01, binary_begins = 0x02;
  switch (cell_.where) {
    case place::connecting:
    case place::in_tls:
    case place::in_http:
    case place::idle: break;

    case place::mid_header:
      rest_ = header_of_a_mebibyte(binary).substr(1);
      co_await send("\x82");
      break;
    case place::mid_payload: {
      const std::string whole = large ? frame(binary, std::string(large_message, 'a'))
                                      : frame(text, std::string(small_message, 'a'));
      const std::size_t half = (large ? large_message : small_message) / 2;
      rest_ = whole.substr(whole.size() - half);
      co_await send(whole.substr(0, whole.size() - half));
      break;
    }
    case place::between_fragments: {
      const std::string first = large ? frame(binary_begins, std::string(large_message / 2, 'a'))
                                      : frame(text_begins, std::string(small_message / 2, 'a'));
      co_await send(first);
      break;
    }
    case place::unread_data:
      if (large) {
        co_await send(frame(binary, std::string(past_the_window, 'a')));
      } else {
        for (std::size_t i = 0; i < small_messages; ++i) {
          co_await send(frame(text, std::string(small_message, 'a')));
        }
      }
      break;

    case place::unsent_data: {  // nothing has come for a while: our side is stuck
      std::size_t before = 0;
      int same = 0;
      (void)co_await until(
          [&] {
            const std::size_t now = wire_.unread();
            same = now == before && now != 0 ? same + 1 : 0;
            before = now;
            return same == 15;
          },
          patience);
      break;
    }
    case place::our_close:
    case place::our_close_output:
      if (cell_.how != fault::zero_window) (void)co_await when(&peer::close_came_);
      break;
    case place::peers_close:
      co_await send(frame(close_frame_byte, close_body(1001, "going")));
      break;
    case place::closes_crossing:
      if (cell_.how != fault::black_hole) {
        (void)co_await until([this] { return wire_.unread() != 0; }, patience);
      }
      co_await send(frame(close_frame_byte, close_body(1001, "cross")));
      break;
    case place::both_closes_ours:
      (void)co_await when(&peer::close_came_);
      co_await send(frame(close_frame_byte, close_body(1000, "bye")));
      break;
    case place::both_closes_peers:
      co_await send(frame(close_frame_byte, close_body(1001, "going")));
      (void)co_await when(&peer::close_came_);
      break;
  }
  if (!(cell_.where == place::closes_crossing && cell_.how == fault::black_hole)) {
    co_await wire_.delivered();
  }
}

// ── The fault ───────────────────────────────────────────────────────────────────────────────────

awaitable<void> peer::do_it() {
  switch (cell_.how) {
    case fault::fin:
      co_await wire_.farewell();
      co_await wire_.delivered();
      // Over unread bytes (an unsolicited Pong of ours) it would be a reset.
      (void)co_await until([this] { return wire_.unread() == 0; }, patience);
      wire_.close();
      break;
    case fault::reset: wire_.reset(); break;
    case fault::half_close:
      co_await wire_.farewell();
      wire_.shut_output();
      break;
    case fault::no_close_notify: wire_.shut_output(); break;
    case fault::trickle: co_await trickle(); break;
    case fault::garbage: co_await send_garbage(); break;
    case fault::broken_record: co_await wire_.write_raw(undecryptable); break;
    case fault::black_hole:
    case fault::zero_window: wire_.stop_reading(); break;
    case fault::killed:
    case fault::stopped: break;  // by the director
  }
}

awaitable<void> peer::send_garbage() {
  const std::string garbage(64, '\xFF');
  if (!cell_.opens()) {
    const std::string no_tls(4000, '\xFF');
    const std::string no_header = garbage + "\r\n\r\n";
    if (cell_.where == place::in_tls) {
      co_await wire_.write_raw(no_tls);
    } else {
      co_await wire_.write(no_header);
    }
    for (std::string more = "?"; !more.empty();) more = co_await wire_.read();
    wire_.close();
    co_return;
  }
  if (cell_.where == place::mid_payload && cell_.much == amount::large) {
    const std::string anything(rest_.size(), '\xFF');  // it is binary
    co_await send(anything);
  }
  notes_.garbage_at = notes_.sent;
  co_await send(garbage);
  if (cell_.where == place::unsent_data) co_return;
  if (cell_.where >= place::peers_close) {  // where nobody minds, it goes on as it should
    if (cell_.where != place::closes_crossing) (void)co_await when(&peer::close_came_);
    co_await wire_.farewell();
    wire_.shut_output();
    co_return;
  }
  (void)co_await when(&peer::ended_);
  wire_.close();
}

awaitable<void> peer::trickle() {
  const bool closing = cell_.where >= place::peers_close;
  const bool in_a_frame = cell_.where == place::mid_payload || cell_.where == place::mid_header;
  const unsigned char first = cell_.where == place::between_fragments ? 0x80 : 0x82;
  if (cell_.opens() && !closing && !in_a_frame) co_await send(header_of_a_mebibyte(first));
  asio::steady_timer pause(co_await asio::this_coro::executor);
  while (!wire_.failed() && line_.is_open()) {
    const bool prepared = !rest_.empty();
    const std::string next = prepared ? rest_.substr(0, 1) : "a";
    if (prepared) rest_.erase(0, 1);
    if (cell_.where == place::in_tls) {
      co_await wire_.write_raw(next);
    } else {
      co_await send(next);
      if (!prepared || cell_.where == place::mid_payload) ++notes_.trickled;
    }
    pause.expires_after(trickle_step);
    co_await pause.async_wait(asio::use_awaitable);
  }
}

}  // namespace adieu::test
