// Two bounded pipes with FIN and reset.
#include "net/memory_transport.hpp"

#include <boost/asio/post.hpp>

#include <algorithm>
#include <cerrno>

namespace adieu::net {

std::pair<std::unique_ptr<memory_transport>, std::unique_ptr<memory_transport>>
memory_transport::make_pair(const boost::asio::any_io_executor& first,
                            const boost::asio::any_io_executor& second,
                            std::size_t capacity) {
  auto shared = std::make_shared<link>();
  shared->capacity = capacity;
  shared->towards[0].executor = first;
  shared->towards[1].executor = second;
  return {std::unique_ptr<memory_transport>(new memory_transport(shared, 0)),
          std::unique_ptr<memory_transport>(new memory_transport(shared, 1))};
}

void memory_transport::start(const std::shared_ptr<transport_listener>& listener) {
  const std::lock_guard lock(link_->mutex);
  listener_ = listener.get();
  mine().reader = listener;
  work_.emplace(mine().executor);
}

// With the mutex held.
void memory_transport::wake(const inbound& whom) {
  if (whom.reader.expired()) return;
  boost::asio::post(whom.executor, [weak = whom.reader] {
    if (const auto listener = weak.lock()) listener->on_event();
  });
}

bool memory_transport::pump() {
  if (closed_ || input_ended_) return false;
  const std::size_t allowance = listener_->read_allowance();
  if (allowance == 0) return false;

  std::vector<std::byte> got;
  std::optional<core::input_end> end;
  {
    const std::lock_guard lock(link_->mutex);
    inbound& in = mine();
    if (in.reset) {
      end = core::input_end::reset;
    } else if (!in.bytes.empty()) {
      const auto size = static_cast<std::ptrdiff_t>(std::min(allowance, in.bytes.size()));
      got.assign(in.bytes.begin(), in.bytes.begin() + size);
      in.bytes.erase(in.bytes.begin(), in.bytes.begin() + size);
      if (std::exchange(in.writer_waits, false)) wake(theirs());
    } else if (in.fin) {
      end = core::input_end::fin;
    } else {
      return false;
    }
  }
  if (end) {
    input_ended_ = true;
    work_.reset();
    listener_->on_input_end(*end, *end == core::input_end::reset ? ECONNRESET : 0);
    return false;
  }
  listener_->on_bytes(got);
  return !closed_;
}

write_result memory_transport::write(std::span<const core::const_bytes> list, urgency) {
  const std::lock_guard lock(link_->mutex);
  inbound& out = theirs();
  if (mine().reset || out.reader_gone) {
    return {write_result::outcome::failed, 0, core::input_end::reset, EPIPE};
  }
  std::size_t sent = 0;
  for (const core::const_bytes piece : list) {
    const std::size_t size = std::min(piece.size(), link_->capacity - out.bytes.size());
    out.bytes.insert(
        out.bytes.end(), piece.begin(), piece.begin() + static_cast<std::ptrdiff_t>(size));
    sent += size;
    if (size < piece.size()) {
      out.writer_waits = true;
      break;
    }
  }
  if (sent != 0) wake(out);
  return {write_result::outcome::written, sent};
}

void memory_transport::shut_output() {
  const std::lock_guard lock(link_->mutex);
  theirs().fin = true;
  wake(theirs());
}

core::closing_facts memory_transport::close(ending how) {
  closed_ = true;
  work_.reset();
  const std::lock_guard lock(link_->mutex);
  inbound& in = mine();
  core::closing_facts facts;
  facts.was_reset = how == ending::reset;
  facts.unread_in_kernel = how == ending::cut && !in.bytes.empty();
  in.reader_gone = true;
  in.reader.reset();
  if (how == ending::reset || facts.unread_in_kernel) {
    theirs().reset = true;
    theirs().bytes.clear();
  }
  theirs().fin = true;
  wake(theirs());
  return facts;
}

bool memory_transport::peer_gone() {
  const std::lock_guard lock(link_->mutex);
  return mine().fin || mine().reset;
}

}  // namespace adieu::net
