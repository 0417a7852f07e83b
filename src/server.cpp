// Who comes, who is there, and shutting all of them down.
//
// An arrival is a client until it has our answer; a guest is one that is, or may become, a
// connection. Both stand in lists here, that a shutdown reaches them.
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
#include <atomic>
#include <mutex>

#include "adieu/core/bad_options.hpp"
#include "net/acceptance.hpp"
#include "net/bad_options.hpp"
#include "net/driver.hpp"
#include "net/listening.hpp"
#include "net/places.hpp"
#include "net/socket_transport.hpp"

namespace adieu {

using asio::awaitable;
using clock = std::chrono::steady_clock;

std::optional<std::string_view> request::header(std::string_view name) const {
  const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; };
  for (const auto& [key, value] : headers) {
    if (std::ranges::equal(key, name, {}, lower, lower)) return value;
  }
  return std::nullopt;
}

class server::implementation : public std::enable_shared_from_this<implementation> {
 public:
  implementation(asio::any_io_executor on, server_options how)
      : executor(std::move(on)),
        options(std::move(how)),
        told_(net::settings_of(role::server, options.websocket)),
        places_(options.max_connections, options.max_connections_per_address),
        watch_(executor) {
    const std::string problem = net::bad_options(options);
    if (!problem.empty()) throw std::invalid_argument(problem);
    if (options.tls) tls = net::make_server_context(*options.tls);
  }

  asio::any_io_executor executor;
  server_options options;
  net::ssl_context_ptr tls;
  std::function<decision(const request&)> decide;
  std::function<awaitable<void>(websocket&, const request&)> serve;
  std::function<void(websocket&, const request&)> open;
  std::function<void(const disconnect_record&)> ended;
  std::function<void(std::exception_ptr)> handler_failed;

  template <typename Acceptor>
  void listen(Acceptor acceptor, std::function<void()> clean_up = {}) {
    auto listener = std::make_shared<net::listening>(
        executor,
        acceptor.release(),
        [self = shared_from_this()](std::unique_ptr<net::socket_transport> carrier,
                                    const net::peer_address& from) {
          self->receive_client(std::move(carrier), from);
        });
    const std::lock_guard lock(mutex_);
    listener->start();
    stop_listening_.push_back([listener, clean_up = std::move(clean_up)] {
      listener->stop();
      if (clean_up) clean_up();
    });
  }

  void stop();
  /// How connections are closed when the server is shut down.
  struct closing {
    close_status code;
    std::string reason;
    clock::time_point due;
  };
  void shut_down(const closing& how, shut done);

  [[nodiscard]] std::size_t open_connections() const {
    const std::lock_guard lock(mutex_);
    return guests_.size();
  }

 private:
  class guest;
  class arrival;
  void receive_client(std::unique_ptr<net::socket_transport> carrier,
                      const net::peer_address& from);
  void run_handlers(std::shared_ptr<guest> whose, request asked);
  static awaitable<void> serve_guest(std::shared_ptr<guest> whose, request asked);
  void handler_threw(net::driver& connection, std::exception_ptr thrown);
  void tell_failure(const net::opening_failure& failure,
                    std::chrono::system_clock::time_point began);
  void connection_ended(guest& which, const disconnect_record& record);
  void enter(guest& next);
  void leave(guest& last) noexcept;
  void leave(arrival& last);
  [[nodiscard]] std::vector<std::shared_ptr<arrival>> arrivals();
  void watch(clock::time_point due);
  void set_watch(clock::time_point due);
  void end_late_arrivals();
  static void close(net::driver& connection, const closing& how);
  void tell_if_shut();

  const core::settings_ptr told_;
  net::places places_;
  std::atomic<std::size_t> turning_away_ = 0;  // clients that are being told that there is no place
  mutable std::mutex mutex_;
  std::optional<closing> closing_;  // once it is being shut down
  std::vector<std::function<void()>> stop_listening_;
  std::vector<arrival*> opening_;
  std::vector<guest*> guests_;  // whose connections are open
  shutdown_report report_;
  std::vector<shut> shut_done_;
  asio::steady_timer watch_;  // for the first of the arrivals that may be late
  std::optional<clock::time_point> watches_until_;
};

// A client from its accept to the end of TCP: its place, and its websocket as long as the app
// leaves it here. Once it is open, its connection keeps it; so does the app's coroutine.
class server::implementation::guest final : public net::keeper {
 public:
  guest(std::shared_ptr<implementation> host, net::source from)
      : host_(std::move(host)), from_(from) {}
  guest(const guest&) = delete;
  guest& operator=(const guest&) = delete;
  ~guest() override {
    host_->leave(*this);
    host_->places_.give_back(from_);
  }

  [[nodiscard]] implementation& host() const noexcept { return *host_; }
  void ended(const disconnect_record& record) override { host_->connection_ended(*this, record); }
  void handler_failed(std::exception_ptr error) override {
    if (host_->handler_failed) host_->handler_failed(std::move(error));
  }

  websocket socket;
  net::driver* connection = nullptr;  // its own, wherever the websocket is
  static constexpr std::uint32_t nowhere = ~std::uint32_t{0};
  std::uint32_t at = nowhere;  // in the host's list

 private:
  const std::shared_ptr<implementation> host_;
  const net::source from_;
};

// A client from its accept to our answer. Most have sent their request already: then it is one call
// of go_on().
class server::implementation::arrival final : public net::event_listener,
                                              public std::enable_shared_from_this<arrival> {
 public:
  /// Without a guest it is one for whom there is no place.
  arrival(std::shared_ptr<implementation> host,
          std::shared_ptr<guest> becomes,
          std::unique_ptr<net::socket_transport> carrier,
          const net::peer_address& from)
      : host_(std::move(host)),
        guest_(std::move(becomes)),
        carrier_(std::move(carrier)),
        handshake_(host_->options, host_->decide, host_->tls.get()) {
    if (has_no_place_) ++host_->turning_away_;
    const auto after = [this](std::chrono::milliseconds time) {
      return time.count() == 0 ? clock::time_point::max() : accepted_ + time;
    };
    latest_ = after(host_->options.handshake_timeout);
    due_ = std::min(latest_, after(host_->options.first_byte_timeout));
    handshake_.asked.remote = net::text_of(from);
  }
  arrival(const arrival&) = delete;
  arrival& operator=(const arrival&) = delete;
  ~arrival() override {
    if (has_no_place_) --host_->turning_away_;
    if (at == guest::nowhere) return;
    const std::lock_guard lock(host_->mutex_);
    host_->leave(*this);
  }

  void begin();
  void refuse(unsigned status, std::string why) { handshake_.refuse(status, std::move(why)); }
  /// From any thread.
  void give_up() {
    given_up_ = true;
    on_event();
  }
  [[nodiscard]] clock::time_point due() const noexcept { return due_; }

  // event_listener
  void on_event() override;
  [[nodiscard]] std::shared_ptr<net::event_listener> alive() noexcept override {
    return weak_from_this().lock();
  }
  void loop_ends() noexcept override { self_.reset(); }

  std::uint32_t at = guest::nowhere;  // in the host's list

 private:
  enum class next : std::uint8_t { wait, open, end };
  [[nodiscard]] next go_on();
  [[nodiscard]] next wait_for(net::acceptance::outcome what);
  [[nodiscard]] net::opening_failure what_was_late(clock::time_point now) const;
  void fail_with(std::exception_ptr error);
  void open();
  void end();

  const std::shared_ptr<implementation> host_;
  std::shared_ptr<guest> guest_;  // until it is one
  const bool has_no_place_ = guest_ == nullptr;
  std::unique_ptr<net::socket_transport> carrier_;
  net::acceptance handshake_;
  std::shared_ptr<arrival> self_;  // while the edge set is to tell, which holds nobody
  const std::chrono::system_clock::time_point began_ = std::chrono::system_clock::now();
  const clock::time_point accepted_ = clock::now();
  clock::time_point latest_;
  std::atomic<clock::time_point> due_;
  std::atomic<bool> given_up_ = false;
  std::atomic<unsigned> knocks_ = 0;  // once it is over, they stay unanswered
};

void server::implementation::arrival::begin() {
  {
    const std::lock_guard lock(host_->mutex_);
    if (host_->closing_) return;
    host_->opening_.push_back(this);
    at = static_cast<std::uint32_t>(host_->opening_.size() - 1);
  }
  on_event();
}

// One thread at a time; whoever comes meanwhile leaves it to that one.
void server::implementation::arrival::on_event() {
  unsigned seen = 1;
  if (knocks_.fetch_add(1) != 0) return;
  do {
    switch (go_on()) {
      case next::wait: break;
      case next::open: return open();
      case next::end: return end();
    }
  } while ((seen = knocks_.fetch_sub(seen) - seen) != 0);
}

server::implementation::arrival::next server::implementation::arrival::go_on() {
  try {
    using outcome = net::acceptance::outcome;
    const outcome reached = handshake_.go_on(carrier_->stream());
    if (reached == outcome::accepted) return next::open;
    if (reached == outcome::refused) return next::end;
    return wait_for(reached);
  } catch (...) {
    fail_with(std::current_exception());
    return next::end;
  }
}

// What has come goes before what a clock says.
server::implementation::arrival::next server::implementation::arrival::wait_for(
    net::acceptance::outcome what) {
  auto& failure = handshake_.failure;
  if (given_up_) {
    if (!failure) failure = {errc::native_error, {handshake_.step(), 0, "it was given up"}};
    return next::end;
  }
  const auto now = clock::now();
  const clock::time_point due = due_;
  if (now >= due) {
    if (!handshake_.is_draining() || now >= latest_) failure = what_was_late(now);
    return next::end;
  }
  if (handshake_.is_draining()) {
    due_ = std::min({due, latest_, now + std::chrono::seconds(1)});
  } else if (handshake_.has_heard()) {
    due_ = latest_;
  }
  if (carrier_->is_told()) self_ = shared_from_this();
  carrier_->wait(what == net::acceptance::outcome::want_write ? net::io_result::outcome::want_write
                                                              : net::io_result::outcome::want_read,
                 *this);
  host_->watch(due_);
  return next::wait;
}

net::opening_failure server::implementation::arrival::what_was_late(clock::time_point now) const {
  if (now >= latest_) {
    const auto step = handshake_.failure ? handshake_.failure->where.step : handshake_.step();
    return {errc::connect_timeout, {step, 0, "the handshake took too long"}};
  }
  const std::string time = std::to_string(host_->options.first_byte_timeout.count());
  return {errc::connect_timeout, {handshake_.step(), 0, "not a byte came within " + time + " ms"}};
}

void server::implementation::arrival::fail_with(std::exception_ptr error) {
  handshake_.failure = {errc::not_a_websocket,
                        {connect_step::request, 500, net::what_went_wrong(error)}};
  handshake_.thrown = std::move(error);
}

void server::implementation::arrival::open() {
  std::optional<closing> shutting;  // down, meanwhile
  {
    const std::lock_guard lock(host_->mutex_);
    shutting = host_->closing_;
    try {
      guest_->socket = websocket::over(
          host_->executor, std::move(carrier_), host_->told_, std::move(handshake_.agreed));
      host_->enter(*guest_);
      host_->leave(*this);
    } catch (...) {
      fail_with(std::current_exception());
    }
  }
  if (handshake_.failure) return end();
  const std::shared_ptr<arrival> self = std::move(self_);
  guest_->connection->keep_by(guest_);
  if (shutting) close(*guest_->connection, *shutting);  // it has our 101, and is owed a Close
  host_->run_handlers(std::move(guest_), std::move(handshake_.asked));
}

void server::implementation::arrival::end() {
  const std::shared_ptr<arrival> self = std::move(self_);
  if (carrier_) carrier_->abandon();
  net::opening_failure failure = *handshake_.failure;
  {
    const std::lock_guard lock(host_->mutex_);
    host_->leave(*this);
    if (host_->closing_ && failure.where.http_status == 0) {
      failure.where.detail = "the server was shut down";
    }
  }
  host_->tell_failure(failure, began_);
  if (handshake_.thrown && host_->handler_failed) host_->handler_failed(handshake_.thrown);
  host_->tell_if_shut();
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
  {
    const std::lock_guard lock(mutex_);
    if (!closing_) closing_ = how;
    closing_->due = std::min(closing_->due, how.due);
    for (const guest* each : guests_) {
      if (auto alive = each->connection->weak_from_this().lock()) {
        open_now.push_back(std::move(alive));
      }
    }
    shut_done_.push_back(std::move(done));
  }
  asio::post(executor, [self = shared_from_this()] {
    for (const auto& each : self->arrivals()) each->give_up();
  });
  for (const auto& connection : open_now) close(static_cast<net::driver&>(*connection), how);
  tell_if_shut();
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
  self_->shut_down({code, std::move(reason), clock::now() + deadline}, std::move(done));
}

}  // namespace adieu
