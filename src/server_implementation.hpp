// A server's inside: who is coming, who is there, and how all of them are ended.
//
// An arrival is a client until it has our answer; a guest is one that is, or may become, a
// connection. Both stand in lists here, that a shutdown reaches them.
#pragma once

#include <boost/asio/steady_timer.hpp>

#include <atomic>
#include <mutex>

#include "adieu/server.hpp"
#include "net/acceptance.hpp"
#include "net/bad_options.hpp"
#include "net/driver.hpp"
#include "net/listening.hpp"
#include "net/places.hpp"
#include "net/socket_transport.hpp"

namespace adieu {

class server::implementation : public std::enable_shared_from_this<implementation> {
 public:
  using clock = std::chrono::steady_clock;

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
  std::function<asio::awaitable<void>(websocket&, const request&)> serve;
  std::function<void(websocket&, const request&)> open;
  std::function<void(const disconnect_record&)> ended;
  std::function<void(std::exception_ptr)> handler_failed;

  template <typename Acceptor>
  void listen(Acceptor acceptor, std::function<void()> clean_up = {}) {
    auto listener = std::make_shared<net::listening>(
        executor,
        acceptor.release(),
        options.defer_accept ? net::listening::accepts::who_has_spoken
                             : net::listening::accepts::at_once,
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
  static asio::awaitable<void> serve_guest(std::shared_ptr<guest> whose, request asked);
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
  void close_some(std::vector<std::shared_ptr<net::transport_listener>> whom, const closing& how);
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
  /// From any thread; it ends at its next event.
  void give_up() noexcept { given_up_ = true; }
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

}  // namespace adieu
