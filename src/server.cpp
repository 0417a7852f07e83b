// Accepting, one session a connection, and shutting all of them down.
#include "adieu/server.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <mutex>
#include <set>

#include "adieu/core/bad_options.hpp"
#include "net/acceptance.hpp"
#include "net/bad_options.hpp"
#include "net/driver.hpp"
#include "net/places.hpp"
#include "net/socket_transport.hpp"

namespace adieu {

using asio::awaitable;
using net::socket_stream;
using socket_type = socket_stream::socket_type;

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
        places_(options.max_connections, options.max_connections_per_address) {
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

  template <typename Protocol>
  void listen(typename Protocol::acceptor acceptor, std::function<void()> clean_up = {}) {
    auto shared = std::make_shared<typename Protocol::acceptor>(std::move(acceptor));
    {
      const std::lock_guard lock(mutex_);
      stop_listening_.push_back([shared, clean_up = std::move(clean_up)] {
        error_code ignored;
        shared->close(ignored);
        if (clean_up) clean_up();
      });
    }
    asio::co_spawn(executor, accept_loop<Protocol>(shared_from_this(), shared), asio::detached);
  }

  void stop();
  /// How connections are closed when the server is shut down.
  struct closing {
    close_status code;
    std::string reason;
    std::chrono::steady_clock::time_point due;
  };
  void shut_down(const closing& how, shut done);

  [[nodiscard]] std::size_t open_connections() const {
    const std::lock_guard lock(mutex_);
    return guests_.size();
  }

 private:
  class guest;
  template <typename Protocol>
  static awaitable<void> accept_loop(std::shared_ptr<implementation> self,
                                     std::shared_ptr<typename Protocol::acceptor> acceptor);
  static awaitable<void> session(socket_type socket, std::shared_ptr<guest> whose);
  static awaitable<void> turn_away(std::shared_ptr<implementation> self,
                                   socket_type socket,
                                   std::string why);
  void receive_client(socket_type socket);
  awaitable<void> run_handler(websocket& socket, const request& asked);
  void tell_failure(const net::opening_failure& failure,
                    std::chrono::system_clock::time_point began);
  void connection_ended(guest& which, const disconnect_record& record);
  void enter(guest& next);
  void leave(guest& last) noexcept;
  static void close(net::driver& connection, const closing& how);
  void tell_if_shut();

  const core::settings_ptr told_;
  net::places places_;
  std::size_t turning_away_ = 0;  // clients that are being told that there is no place
  mutable std::mutex mutex_;
  std::optional<closing> closing_;  // once it is being shut down
  std::vector<std::function<void()>> stop_listening_;
  std::set<socket_type*> opening_;
  std::vector<guest*> guests_;  // whose connections are open
  shutdown_report report_;
  std::vector<shut> shut_done_;
};

// A client from its accept to the end of TCP: its place, and its websocket as long as the app
// leaves it here. Once it is open, its connection keeps it; so does a session that the app's
// coroutine runs in.
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

namespace {

// Of the exception that is being handled: the app's, from on_request, or the system's.
std::string what_went_wrong() {
  try {
    throw;
  } catch (const std::exception& error) {
    return std::string("the handshake failed here: ") + error.what();
  } catch (...) {
    return "the handshake failed here";
  }
}

}  // namespace

template <typename Protocol>
awaitable<void> server::implementation::accept_loop(
    std::shared_ptr<implementation> self, std::shared_ptr<typename Protocol::acceptor> acceptor) {
  while (acceptor->is_open()) {
    error_code ec;
    typename Protocol::socket socket(self->executor);
    co_await acceptor->async_accept(socket, asio::redirect_error(asio::use_awaitable, ec));
    if (!ec) {
      self->receive_client(socket_type(std::move(socket)));
    } else if (acceptor->is_open()) {  // out of descriptors, most likely: others must end first
      asio::steady_timer pause(self->executor, std::chrono::milliseconds(50));
      co_await pause.async_wait(asio::redirect_error(asio::use_awaitable, ec));
    }
  }
}

void server::implementation::receive_client(socket_type socket) {
  error_code ignored;
  const net::source from = net::source_of(socket.remote_endpoint(ignored));
  if (std::string problem = places_.take(from); !problem.empty()) {
    asio::co_spawn(executor,
                   turn_away(shared_from_this(), std::move(socket), std::move(problem)),
                   asio::detached);
  } else {
    auto next = std::make_shared<guest>(shared_from_this(), from);
    asio::co_spawn(executor, session(std::move(socket), std::move(next)), asio::detached);
  }
}

// Whoever is told costs a socket for up to a second, so that few are told at a time; over TLS,
// where telling takes a handshake, nobody is.
awaitable<void> server::implementation::turn_away(std::shared_ptr<implementation> self,
                                                  socket_type raw,
                                                  std::string why) {
  constexpr std::size_t most_told = 64;
  const auto began = std::chrono::system_clock::now();
  net::opening_failure failure{errc::not_a_websocket, {connect_step::request, 0, std::move(why)}};
  {
    socket_stream stream(std::move(raw));
    bool tell = !self->tls && self->turning_away_ < most_told;
    if (tell) {
      const std::lock_guard lock(self->mutex_);
      tell = !self->closing_;
      if (tell) self->opening_.insert(&stream.socket());
    }
    if (tell) {
      failure.where.http_status = 503;
      ++self->turning_away_;
      co_await net::refuse(stream, 503, failure.where.detail);
      --self->turning_away_;
      const std::lock_guard lock(self->mutex_);
      self->opening_.erase(&stream.socket());
    }
  }
  self->tell_failure(failure, began);
  self->tell_if_shut();
}

awaitable<void> server::implementation::session(socket_type raw, std::shared_ptr<guest> whose) {
  const std::shared_ptr<implementation> self = whose->host().shared_from_this();
  websocket& socket = whose->socket;
  const auto began = std::chrono::system_clock::now();
  std::optional<net::accepted> client;
  std::optional<closing> shutting;  // down, meanwhile
  {
    socket_stream stream(std::move(raw));
    {
      const std::lock_guard lock(self->mutex_);
      if (self->closing_) co_return;
      self->opening_.insert(&stream.socket());
    }
    std::optional<net::opening_failure> failure;
    std::exception_ptr thrown;  // by the app's on_request
    {
      const net::opening_deadline deadline(stream.socket(), self->options.handshake_timeout);
      try {
        client = co_await net::accept_client(stream, self->options, self->tls, self->decide);
      } catch (const net::opening_failure& error) {
        failure = error;
      } catch (...) {
        thrown = std::current_exception();
        failure = {errc::not_a_websocket, {connect_step::request, 500, what_went_wrong()}};
      }
      if (deadline.expired()) {
        const auto step = failure ? failure->where.step : connect_step::request;
        failure = {errc::connect_timeout, {step, 0, "the handshake took too long"}};
      }
    }
    {
      const std::lock_guard lock(self->mutex_);
      self->opening_.erase(&stream.socket());
      shutting = self->closing_;
      if (!failure) {
        try {
          socket = websocket::over(self->executor,
                                   std::make_unique<net::socket_transport>(std::move(stream)),
                                   self->told_,
                                   std::move(client->agreed));
          self->enter(*whose);
        } catch (...) {
          thrown = std::current_exception();
          failure = {errc::native_error, {connect_step::request, 0, what_went_wrong()}};
        }
      }
    }
    if (!socket) {
      if (shutting && failure->where.http_status == 0) {
        failure->where.detail = "the server was shut down";
      }
      self->tell_failure(*failure, began);
      if (thrown && self->handler_failed) self->handler_failed(thrown);
      self->tell_if_shut();
      co_return;
    }
  }
  whose->connection->keep_by(whose);
  if (shutting) close(*whose->connection, *shutting);  // it has our 101, and is owed a Close
  co_await self->run_handler(socket, client->asked);
  if (!self->serve || !socket) co_return;  // nobody runs here; or the app has moved it out
  error_code ignored;
  co_await socket.async_wait_closed(asio::redirect_error(asio::use_awaitable, ignored));
}

// D11: a handler that returns closes with 1000, one that throws with 1011.
awaitable<void> server::implementation::run_handler(websocket& socket, const request& asked) {
  const std::shared_ptr<net::driver> connection = socket.driver_;
  std::exception_ptr thrown;
  try {
    if (open) open(socket, asked);
    if (serve && socket) co_await serve(socket, asked);
  } catch (...) {
    thrown = std::current_exception();
  }
  if (thrown) {
    connection->close_for(
        cause::handler_error, close_status::internal_server_error, "the server's handler failed");
    if (handler_failed) handler_failed(thrown);
  } else if (serve && socket) {  // the peer's Close is answered with its own code
    connection->close(socket.close_status().value_or(close_status::normal_closure), {}, {});
  }
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

// With the mutex held.
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
  const auto left =
      std::chrono::ceil<std::chrono::milliseconds>(how.due - std::chrono::steady_clock::now());
  connection.close(how.code, how.reason, std::max(left, std::chrono::milliseconds(0)));
}

void server::implementation::stop() {
  std::vector<std::function<void()>> closers;
  {
    const std::lock_guard lock(mutex_);
    closers.swap(stop_listening_);
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
    const std::lock_guard lock(self->mutex_);
    error_code ignored;
    for (socket_type* socket : self->opening_) socket->close(ignored);
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
  self_->listen<tcp>(std::move(acceptor));
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
  self_->listen<protocol>(std::move(acceptor), [path] { ::unlink(path.c_str()); });
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
