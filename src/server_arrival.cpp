// A client from its accept to our answer: its handshake goes on when its socket can, until its time
// is over.
#include <algorithm>
#include <utility>

#include "server_implementation.hpp"

namespace adieu {

void server::implementation::arrival::begin() {
  {
    const std::lock_guard lock(host_->mutex_);
    if (host_->closing_) give_up();
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
  if (given_up_) {
    auto& failure = handshake_.failure;
    if (!failure) failure = {errc::native_error, {handshake_.step(), 0, "it was given up"}};
    return next::end;
  }
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
  const auto now = clock::now();
  const clock::time_point due = due_;
  if (now >= due) {
    if (!handshake_.is_draining() || now >= latest_) handshake_.failure = what_was_late(now);
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

}  // namespace adieu
