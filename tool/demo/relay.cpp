// The tap between two ends: bytes, FIN and reset are passed on as what they are.
#include "relay.hpp"

#include <boost/asio/buffer.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>

#include "adieu/error.hpp"
#include "quick_ack.hpp"

namespace adieu::tool::demo {

relay::relay(asio::io_context& loop, wire_log& log, const tcp::endpoint& server, manner how)
    : log_(log),
      how_(how),
      acceptor_(loop, tcp::endpoint(asio::ip::address_v4::loopback(), 0)),
      client_(loop),
      server_(loop),
      both_closed_(loop) {
  asio::co_spawn(loop, connect(server), asio::detached);
}

asio::awaitable<void> relay::connect(tcp::endpoint server) {
  error_code ec;
  co_await acceptor_.async_accept(client_, asio::redirect_error(asio::use_awaitable, ec));
  if (ec) co_return;
  acceptor_.close(ec);
  co_await server_.async_connect(server, asio::redirect_error(asio::use_awaitable, ec));
  if (ec) co_return pass_reset(end::server);
  client_.set_option(tcp::no_delay(true), ec);
  server_.set_option(tcp::no_delay(true), ec);
  asio::co_spawn(client_.get_executor(), pump(end::client), asio::detached);
  asio::co_spawn(client_.get_executor(), pump(end::server), asio::detached);
}

asio::awaitable<void> relay::pump(end from) {
  tcp::socket& in = socket_of(from);
  tcp::socket& out = socket_of(other(from));
  std::array<char, 16 * 1024> buffer;
  for (;;) {
    error_code ec;
    const std::size_t size = co_await in.async_read_some(
        asio::buffer(buffer), asio::redirect_error(asio::use_awaitable, ec));
    if (ec == asio::error::eof) co_return pass_fin(from);
    if (ec) co_return pass_reset(from);
    acknowledge(in);
    const std::size_t first = log_.bytes(from, std::string_view(buffer.data(), size));
    if (how_ == manner::closes_cross && log_.saw(from, sort::close)) co_await hold_close(from);
    log_.passed_on(from, first);
    co_await asio::async_write(
        out, asio::buffer(buffer.data(), size), asio::redirect_error(asio::use_awaitable, ec));
    // A reset that writing meets is not met again by reading.
    if (ec) co_return pass_reset(other(from));
  }
}

asio::awaitable<void> relay::hold_close(end from) {
  if (log_.saw(other(from), sort::close)) both_closed_.happens();
  co_await both_closed_.comes();
}

void relay::pass_fin(end from) {
  log_.fin(from);
  error_code ignored;
  socket_of(other(from)).shutdown(tcp::socket::shutdown_send, ignored);
  if (++fins_ < 2) return;
  client_.close(ignored);
  server_.close(ignored);
}

// Also reached when the other direction has closed both sockets: then there is nothing to pass.
void relay::pass_reset(end from) {
  tcp::socket& out = socket_of(other(from));
  if (!out.is_open() && !socket_of(from).is_open()) return;
  log_.reset(from);
  error_code ignored;
  out.set_option(asio::socket_base::linger(true, 0), ignored);
  out.close(ignored);
  socket_of(from).close(ignored);
}

}  // namespace adieu::tool::demo
