// A peer that is not Adieu: plain sockets, and a note of every byte.
#include "raw_peer.hpp"

#include <boost/asio/buffer.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <openssl/sha.h>

#include "adieu/core/handshake.hpp"
#include "adieu/error.hpp"
#include "quick_ack.hpp"

namespace adieu::tool::demo {
namespace {

std::array<std::byte, 20> sha1(std::string_view text) {
  std::array<std::byte, 20> out;
  ::SHA1(reinterpret_cast<const unsigned char*>(text.data()),
         text.size(),
         reinterpret_cast<unsigned char*>(out.data()));
  return out;
}

// Good enough for the one client that connects here: Adieu's.
std::string field(const std::string& head, std::string_view name) {
  const std::size_t at = head.find("\r\n" + std::string(name) + ": ");
  if (at == std::string::npos) return {};
  const std::size_t begin = at + 2 + name.size() + 2;
  return head.substr(begin, head.find("\r\n", begin) - begin);
}

}  // namespace

raw_peer::raw_peer(asio::io_context& loop, wire_log& log, end self)
    : log_(log),
      self_(self),
      acceptor_(loop, tcp::endpoint(asio::ip::address_v4::loopback(), 0)),
      socket_(loop) {}

asio::awaitable<void> raw_peer::accept() {
  co_await acceptor_.async_accept(socket_, asio::use_awaitable);
  acceptor_.close();
  const std::string head = co_await read_head();
  std::string answer =
      "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
      "Sec-WebSocket-Accept: ";
  answer += core::accept_for(field(head, "Sec-WebSocket-Key"), sha1) + "\r\n\r\n";
  co_await write(std::move(answer));
}

asio::awaitable<void> raw_peer::connect(tcp::endpoint server) {
  acceptor_.close();
  co_await socket_.async_connect(server, asio::use_awaitable);
  std::string request =
      "GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
      "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
  co_await write(std::move(request));
  co_await read_head();
}

asio::awaitable<void> raw_peer::send_text(std::string text) {
  std::string bytes = frame(core::opcode::text, text);
  co_await write(std::move(bytes));
}

asio::awaitable<void> raw_peer::send_bad_frame() {
  std::string bytes = frame(core::opcode{3}, "?");
  co_await write(std::move(bytes));
}

asio::awaitable<void> raw_peer::read_until(sort what) {
  while (!ended_ && !log_.saw(other(self_), what)) co_await read_some();
}

asio::awaitable<void> raw_peer::read_to_end() {
  while (!ended_) co_await read_some();
}

void raw_peer::fin() {
  log_.fin(self_);
  error_code ignored;
  socket_.shutdown(tcp::socket::shutdown_send, ignored);
}

void raw_peer::reset() {
  log_.reset(self_);
  error_code ignored;
  socket_.set_option(asio::socket_base::linger(true, 0), ignored);
  socket_.close(ignored);
  ended_ = true;
}

asio::awaitable<void> raw_peer::write(std::string bytes) {
  log_.bytes(self_, bytes);
  error_code ignored;  // what went wrong is seen by reading
  co_await asio::async_write(
      socket_, asio::buffer(bytes), asio::redirect_error(asio::use_awaitable, ignored));
}

asio::awaitable<void> raw_peer::read_some() {
  std::array<char, 4096> buffer;
  error_code ec;
  const std::size_t size = co_await socket_.async_read_some(
      asio::buffer(buffer), asio::redirect_error(asio::use_awaitable, ec));
  ended_ = ec.failed();
  if (ec == asio::error::eof) {
    log_.fin(other(self_));
  } else if (ec) {
    log_.reset(other(self_));
  } else {
    acknowledge(socket_);
    log_.bytes(other(self_), std::string_view(buffer.data(), size));
    received_.append(buffer.data(), size);
  }
}

asio::awaitable<std::string> raw_peer::read_head() {
  while (!ended_ && received_.find("\r\n\r\n") == std::string::npos) co_await read_some();
  co_return received_;
}

std::string raw_peer::frame(core::opcode op, std::string_view payload) const {
  core::frame_header header;
  header.op = op;
  header.masked = self_ == end::client;
  header.key = {std::byte{0x12}, std::byte{0x34}, std::byte{0x56}, std::byte{0x78}};
  header.length = payload.size();
  std::array<std::byte, core::max_header_size> head;
  const std::size_t size = core::encode_header(header, head);
  std::string body(payload);
  if (header.masked) core::apply_mask(std::as_writable_bytes(std::span(body)), header.key);
  return std::string(core::as_text(std::span(head).first(size))) + body;
}

}  // namespace adieu::tool::demo
