// Reads when readable, writes at once, waits through the edge set or through Asio.
#include "net/socket_transport.hpp"

#include "net/read_buffer.hpp"

namespace adieu::net {

using socket_type = socket_stream::socket_type;
using outcome = io_result::outcome;

void socket_transport::start(const std::shared_ptr<transport_listener>& listener) {
  // Its edges so far were the handshake's: it reads at once.
  if (ready_.place != readiness::nowhere) return ready_.in->hand_over(ready_, *listener);
  ready_.whose = listener.get();
  if (!is_told()) ready_.in = edge_set::of(stream_.socket().get_executor());
  if (ready_.in == nullptr) return;
  // What is there already makes an edge, too; but TLS may have taken it during its handshake.
  waiting_to_read_ = stream_.tls() == nullptr;
  readable_ = !waiting_to_read_;
  ready_.in->add(stream_.detach(), ready_, *listener);
}

void socket_transport::wait(outcome what, event_listener& whose) {
  if (!is_told()) {
    stream_.socket().async_wait(
        what == outcome::want_write ? socket_type::wait_write : socket_type::wait_read,
        [keep = whose.alive()](boost::system::error_code) { keep->on_event(); });
    return;
  }
  if (ready_.place == readiness::nowhere) ready_.in->add(stream_.detach(), ready_, whose);
  if (what == outcome::want_write) tell_of_room();
}

void socket_transport::tell_of_room() {
  if (!told_of_room_) ready_.in->tell_of_room(stream_.detach(), ready_);
  told_of_room_ = true;
}

void socket_transport::abandon() noexcept {
  if (closed_) return;
  closed_ = true;
  if (is_told()) edge_set::remove(stream_.detach(), ready_);
  stream_.abandon();
}

void socket_transport::take_readiness() {
  if (ready_.readable.exchange(false, std::memory_order_acquire)) {
    waiting_to_read_ = false;
    readable_ = true;
  }
  if (ready_.writable.exchange(false, std::memory_order_acquire)) waiting_to_write_ = false;
}

bool socket_transport::pump() {
  take_readiness();
  if (closed_ || input_ended_) return false;
  const std::size_t allowance = listener().read_allowance();
  if (allowance == 0) return false;
  if (readable_) {
    const read_buffer buffer;
    core::bytes space = listener().read_space();
    if (space.empty()) space = buffer.first(allowance);
    const io_result got = stream_.read(space);
    switch (got.what) {
      case outcome::done:
        // No edge tells again of a FIN or a reset that was there already.
        if (got.drained && !ready_.input_ends.load(std::memory_order_acquire)) readable_ = false;
        if (!readable_ && is_told()) waiting_to_read_ = true;  // costs nothing: at once
        listener().on_bytes(space.first(got.size));
        return !closed_ && !waiting_to_read_;  // the next call waits, after what came was written
      case outcome::want_read: readable_ = false; break;
      case outcome::want_write: wait_to_write(); return false;
      case outcome::fin:
      case outcome::reset:
      case outcome::truncated:
      case outcome::error:
        input_ended_ = true;
        listener().on_input_end(input_end_of(got.what), got.os_error);
        return false;
    }
  }
  wait_to_read();
  return false;
}

void socket_transport::wait_to_read() {
  if (waiting_to_read_ || closed_) return;
  waiting_to_read_ = true;
  if (is_told()) return;
  stream_.socket().async_wait(socket_type::wait_read,
                              [this, keep = ready_.whose->alive()](boost::system::error_code) {
                                ready_.readable.store(true, std::memory_order_release);
                                keep->on_event();
                              });
}

void socket_transport::wait_to_write() {
  if (waiting_to_write_ || closed_) return;
  waiting_to_write_ = true;
  if (is_told()) return tell_of_room();
  stream_.socket().async_wait(socket_type::wait_write,
                              [this, keep = ready_.whose->alive()](boost::system::error_code) {
                                ready_.writable.store(true, std::memory_order_release);
                                keep->on_event();
                              });
}

write_result socket_transport::write(std::span<const core::const_bytes> list, urgency when) {
  take_readiness();
  if (waiting_to_write_ && !write_anyway_) return {};
  write_anyway_ = false;
  const io_result sent = stream_.write(list, when);
  switch (sent.what) {
    case outcome::done: return {write_result::outcome::written, sent.size};
    case outcome::want_read:  // TLS: a record of the peer's first
      wait_to_read();
      return {};
    case outcome::want_write: wait_to_write(); return {};
    case outcome::fin:
    case outcome::reset:
    case outcome::truncated:
    case outcome::error: break;
  }
  auto how = core::input_end::reset;
  if (sent.what == outcome::error) how = core::input_end::error;
  if (sent.what == outcome::fin) how = core::input_end::fin;
  return {write_result::outcome::failed, 0, how, sent.os_error};
}

core::closing_facts socket_transport::close(ending how) {
  if (closed_) return {};
  closed_ = true;
  if (is_told()) edge_set::remove(stream_.detach(), ready_);
  return stream_.close(how);
}

}  // namespace adieu::net
