#include "net/socket_transport.hpp"

#include "net/read_buffer.hpp"

namespace adieu::net {

using socket_type = socket_stream::socket_type;
using outcome = io_result::outcome;

void socket_transport::start(const std::shared_ptr<transport_listener>& listener) {
  listener_ = listener.get();
}

void socket_transport::take_readiness() {
  if (input_.ready.exchange(false, std::memory_order_acquire)) {
    input_.waiting = false;
    readable_ = true;
  }
  if (output_.ready.exchange(false, std::memory_order_acquire)) output_.waiting = false;
}

bool socket_transport::pump() {
  take_readiness();
  if (closed_ || input_ended_) return false;
  const std::size_t allowance = listener_->read_allowance();
  if (allowance == 0) return false;
  if (readable_) {
    const read_buffer buffer;
    const core::bytes space = buffer.first(allowance);
    const io_result got = stream_.read(space);
    switch (got.what) {
      case outcome::done:
        if (stream_.short_read_drains() && got.size < space.size()) readable_ = false;
        listener_->on_bytes(space.first(got.size));
        return !closed_;  // the next call waits, after what came of this read was written
      case outcome::want_read:
        readable_ = false;
        break;
      case outcome::want_write:
        wait(socket_type::wait_write, output_);
        return false;
      case outcome::fin:
      case outcome::reset:
      case outcome::truncated:
      case outcome::error:
        input_ended_ = true;
        listener_->on_input_end(input_end_of(got.what), got.os_error);
        return false;
    }
  }
  wait(socket_type::wait_read, input_);
  return false;
}

void socket_transport::wait(socket_type::wait_type what, direction& side) {
  if (side.waiting || closed_) return;
  side.waiting = true;
  stream_.socket().async_wait(
      what, [&side, keep = listener_->shared_from_this()](boost::system::error_code) {
        side.ready.store(true, std::memory_order_release);
        keep->on_event();
      });
}

write_result socket_transport::write(std::span<const core::const_bytes> list) {
  take_readiness();
  if (output_.waiting) return {};
  const io_result sent = stream_.write(list);
  switch (sent.what) {
    case outcome::done:
      return {write_result::outcome::written, sent.size};
    case outcome::want_read:  // TLS: a record of the peer's first
    case outcome::want_write:
      if (sent.what == outcome::want_read) {
        wait(socket_type::wait_read, input_);
      } else {
        wait(socket_type::wait_write, output_);
      }
      return {write_result::outcome::written, 0};
    case outcome::fin:
    case outcome::reset:
    case outcome::truncated:
    case outcome::error:
      break;
  }
  const auto how = sent.what == outcome::error ? core::input_end::error : core::input_end::reset;
  return {write_result::outcome::failed, 0, how, sent.os_error};
}

core::closing_facts socket_transport::close(ending how) {
  closed_ = true;
  return stream_.close(how);
}

}  // namespace adieu::net
