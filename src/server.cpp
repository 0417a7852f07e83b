// Who comes, who is there, and shutting all of them down.
#include "adieu/server.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>

#include "adieu/core/bad_options.hpp"
#include "server_implementation.hpp"

namespace adieu {

using asio::awaitable;

std::optional<std::string_view> request::header(std::string_view name) const {
  const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; };
  for (const auto& [key, value] : headers) {
    if (std::ranges::equal(key, name, {}, lower, lower)) return value;
  }
  return std::nullopt;
}

// Whoever is told that there is no place costs a socket for up to a second, so that few are told at
// a time; over TLS, where telling takes a handshake, nobody is.
void server::implementation::receive_client(std::unique_ptr<net::socket_transport> carrier,
                                            const net::peer_address& address) {
  const net::source from = net::source_of(address);
  std::string problem = places_.take(from);
  if (problem.empty()) {
    auto next = std::make_shared<guest>(shared_from_this(), from);
    return std::make_shared<arrival>(
               shared_from_this(), std::move(next), std::move(carrier), address)
        ->begin();
  }
  constexpr std::size_t most_told = 64;
  const auto began = std::chrono::system_clock::now();
  if (!tls && turning_away_ < most_told) {
    const auto next =
        std::make_shared<arrival>(shared_from_this(), nullptr, std::move(carrier), address);
    next->refuse(503, std::move(problem));
    return next->begin();
  }
  carrier.reset();
  tell_failure({errc::not_a_websocket, {connect_step::request, 0, std::move(problem)}}, began);
  tell_if_shut();
}

// D11: a handler that returns closes with 1000, one that throws with 1011.
void server::implementation::run_handlers(std::shared_ptr<guest> whose, request asked) {
  const std::shared_ptr<net::driver> connection = whose->socket.driver_;
  try {
    if (open) open(whose->socket, asked);
  } catch (...) {
    return handler_threw(*connection, std::current_exception());
  }
  if (!serve || !whose->socket) return;
  asio::co_spawn(executor, serve_guest(std::move(whose), std::move(asked)), asio::detached);
}

awaitable<void> server::implementation::serve_guest(std::shared_ptr<guest> whose, request asked) {
  const std::shared_ptr<net::driver> connection = whose->socket.driver_;
  websocket& socket = whose->socket;
  std::exception_ptr thrown;
  try {
    co_await whose->host().serve(socket, asked);
  } catch (...) {
    thrown = std::current_exception();
  }
  if (thrown) {
    whose->host().handler_threw(*connection, thrown);
  } else if (socket) {  // the peer's Close is answered with its own code
    connection->close(socket.close_status().value_or(close_status::normal_closure), {}, {});
  }
  if (!socket) co_return;  // the app has moved it out
  error_code ignored;
  co_await socket.async_wait_closed(asio::redirect_error(asio::use_awaitable, ignored));
}

void server::implementation::handler_threw(net::driver& connection, std::exception_ptr thrown) {
  connection.close_for(
      cause::handler_error, close_status::internal_server_error, "the server's handler failed");
  if (handler_failed) handler_failed(std::move(thrown));
}

// One timer for all arrivals: those that came first are late first, so that it is seldom set.
void server::implementation::watch(clock::time_point due) {
  if (due == clock::time_point::max()) return;
  const std::lock_guard lock(mutex_);
  if (!watches_until_ || due < *watches_until_) set_watch(due);
}

// With the mutex held.
void server::implementation::set_watch(clock::time_point due) {
  watches_until_ = due;
  watch_.expires_at(due);
  watch_.async_wait([self = shared_from_this()](error_code ec) {
    if (!ec) self->end_late_arrivals();
  });
}

void server::implementation::end_late_arrivals() {
  constexpr auto grain = std::chrono::milliseconds(10);  // however many there are
  const auto now = clock::now();
  auto next = clock::time_point::max();
  for (auto& each : arrivals()) {
    if (const auto due = each->due(); due > now) {
      next = std::min(next, due);
    } else {
      asio::post(executor, [each = std::move(each)] { each->on_event(); });
    }
  }
  const std::lock_guard lock(mutex_);
  watches_until_.reset();
  if (next != clock::time_point::max()) set_watch(std::max(next, now + grain));
}

std::vector<std::shared_ptr<server::implementation::arrival>> server::implementation::arrivals() {
  std::vector<std::shared_ptr<arrival>> out;
  const std::lock_guard lock(mutex_);
  for (arrival* const each : opening_) {
    if (auto alive = each->weak_from_this().lock()) out.push_back(std::move(alive));
  }
  return out;
}

void server::implementation::tell_failure(const net::opening_failure& failure,
                                          std::chrono::system_clock::time_point began) {
  if (!ended) return;
  disconnect_record record;
  record.local_role = role::server;
  record.cause = cause::connect_failed;
  record.connect = failure.where;
  record.opened = began;
  record.ended = std::chrono::system_clock::now() - began;
  ended(record);
}

void server::implementation::connection_ended(guest& which, const disconnect_record& record) {
  leave(which);
  {
    const std::lock_guard lock(mutex_);
    if (closing_) {
      ++(record.clean ? report_.clean : report_.unclean);
      ++report_.causes[record.cause];
    }
  }
  if (ended) ended(record);
  tell_if_shut();
}

// The lists of those who are here: with the mutex held, but for a guest's leaving.
void server::implementation::enter(guest& next) {
  guests_.push_back(&next);
  next.at = static_cast<std::uint32_t>(guests_.size() - 1);
  next.connection = next.socket.driver_.get();
}

void server::implementation::leave(guest& last) noexcept {
  const std::lock_guard lock(mutex_);
  if (last.at == guest::nowhere) return;
  guests_[last.at] = guests_.back();  // the last one takes its place
  guests_[last.at]->at = last.at;
  guests_.pop_back();
  last.at = guest::nowhere;
}

void server::implementation::leave(arrival& last) {
  opening_[last.at] = opening_.back();
  opening_[last.at]->at = last.at;
  opening_.pop_back();
  last.at = guest::nowhere;
  if (opening_.empty() && stop_listening_.empty()) watch_.cancel();  // else the loop would wait
}

// After the hooks of the last end.
void server::implementation::tell_if_shut() {
  std::vector<shut> done;
  shutdown_report report;
  {
    const std::lock_guard lock(mutex_);
    if (!closing_ || !guests_.empty() || !opening_.empty()) return;
    done.swap(shut_done_);
    report = report_;
  }
  for (const shut& each : done) asio::post(executor, [each, report] { each({}, report); });
}

void server::implementation::close(net::driver& connection, const closing& how) {
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(how.due - clock::now());
  connection.close(how.code, how.reason, std::max(left, std::chrono::milliseconds(0)));
}

void server::implementation::stop() {
  std::vector<std::function<void()>> closers;
  {
    const std::lock_guard lock(mutex_);
    closers.swap(stop_listening_);
    if (opening_.empty()) watch_.cancel();
  }
  if (closers.empty()) return;
  asio::dispatch(executor, [closers = std::move(closers)] {
    for (const auto& close : closers) close();
  });
}

void server::implementation::shut_down(const closing& how, shut done) {
  if (const auto wrong = core::bad_close_argument(how.code, how.reason); !wrong.empty()) {
    return asio::post(executor, [done] { done(make_error_code(errc::invalid_argument), {}); });
  }
  stop();
  std::vector<std::shared_ptr<net::transport_listener>> open_now;
  closing told = how;
  {
    const std::lock_guard lock(mutex_);
    if (!closing_) closing_ = how;
    closing_->due = std::min(closing_->due, how.due);
    told = *closing_;
    for (const guest* each : guests_) {
      if (auto alive = each->connection->weak_from_this().lock()) {
        open_now.push_back(std::move(alive));
      }
    }
    shut_done_.push_back(std::move(done));
  }
  for (auto& each : arrivals()) {  // before anybody hears of the shutdown
    each->give_up();
    asio::post(executor, [each = std::move(each)] { each->on_event(); });
  }
  close_some(std::move(open_now), told);
  tell_if_shut();
}

// The loop goes on in between: with ten thousand connections nobody waits for all of them, and the
// answers are read while what they need is still warm.
void server::implementation::close_some(std::vector<std::shared_ptr<net::transport_listener>> whom,
                                        const closing& how) {
  constexpr std::size_t at_once = 64;
  const std::size_t left = whom.size() > at_once ? whom.size() - at_once : 0;
  const std::vector<std::shared_ptr<net::transport_listener>> now(
      whom.begin() + static_cast<std::ptrdiff_t>(left), whom.end());
  whom.resize(left);
  if (!whom.empty()) {
    asio::post(executor, [self = shared_from_this(), whom = std::move(whom), how]() mutable {
      self->close_some(std::move(whom), how);
    });
  }
  for (const auto& connection : now) close(static_cast<net::driver&>(*connection), how);
}

server::server(asio::any_io_executor executor, server_options options)
    : self_(std::make_shared<implementation>(std::move(executor), std::move(options))) {}
server::~server() {
  if (self_) self_->stop();
}
server::server(server&&) noexcept = default;
server& server::operator=(server&& other) noexcept {
  if (self_) self_->stop();
  self_ = std::move(other.self_);
  return *this;
}

void server::on_request(std::function<decision(const request&)> handler) {
  self_->decide = std::move(handler);
}
void server::on_connection(std::function<awaitable<void>(websocket&, const request&)> handler) {
  self_->serve = std::move(handler);
}
void server::on_open(std::function<void(websocket&, const request&)> handler) {
  self_->open = std::move(handler);
}
void server::on_end(std::function<void(const disconnect_record&)> handler) {
  self_->ended = std::move(handler);
}
void server::on_handler_error(std::function<void(std::exception_ptr)> handler) {
  self_->handler_failed = std::move(handler);
}

asio::ip::tcp::endpoint server::listen(const std::string& address, std::uint16_t port) {
  using asio::ip::tcp;
  const tcp::endpoint wanted(asio::ip::make_address(address), port);
  tcp::acceptor acceptor(self_->executor);
  acceptor.open(wanted.protocol());
  acceptor.set_option(tcp::acceptor::reuse_address(true));
  if (self_->options.reuse_port) {
    using reuse_port = asio::detail::socket_option::boolean<SOL_SOCKET, SO_REUSEPORT>;
    acceptor.set_option(reuse_port(true));
  }
  acceptor.bind(wanted);
  acceptor.listen();
  tcp::endpoint where = acceptor.local_endpoint();
  self_->listen(std::move(acceptor));
  return where;
}

void server::listen_unix(const std::string& path) {
  using protocol = asio::local::stream_protocol;
  const protocol::endpoint wanted(path);
  error_code ec;
  protocol::socket somebody(self_->executor);
  somebody.connect(wanted, ec);
  struct stat there {};
  const bool is_socket = ::lstat(path.c_str(), &there) == 0 && S_ISSOCK(there.st_mode);
  if (ec == asio::error::connection_refused && is_socket) ::unlink(path.c_str());
  protocol::acceptor acceptor(self_->executor, wanted);
  self_->listen(std::move(acceptor), [path] { ::unlink(path.c_str()); });
}

std::size_t server::connections() const { return self_->open_connections(); }
asio::any_io_executor server::get_executor() const { return self_->executor; }

void server::shut_down(close_status code,
                       std::string reason,
                       std::chrono::milliseconds deadline,
                       shut done) {
  if (!core::bad_time("deadline", deadline).empty()) {
    return asio::post(self_->executor,
                      [done] { done(make_error_code(errc::invalid_argument), {}); });
  }
  self_->shut_down({code, std::move(reason), std::chrono::steady_clock::now() + deadline},
                   std::move(done));
}

}  // namespace adieu
