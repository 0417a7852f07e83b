// The load generator: one thread, one epoll set, N connections with M messages in flight on each.
//
// Prints one line of name=value pairs. Every reply is checked (load/replies.hpp), the content of
// the first M on each connection too; at the end every message sent must have been answered.
// With --deflate all connections send the same messages, and the content of every reply is checked.
// The measured window starts after the warm-up and after the last content check.

#include <sys/epoll.h>

#include <algorithm>
#include <array>
#include <ctime>
#include <deque>
#include <memory>
#include <utility>
#include <vector>

#include "load/connect.hpp"
#include "load/latency.hpp"
#include "load/message_ring.hpp"
#include "load/options.hpp"
#include "load/replies.hpp"
#include "load/server_cpu.hpp"
#include "load/system_calls.hpp"

namespace bench::load {
namespace {

std::uint64_t now_ns() {
  timespec time{};
  ::clock_gettime(CLOCK_MONOTONIC, &time);
  return static_cast<std::uint64_t>(time.tv_sec) * 1'000'000'000U +
         static_cast<std::uint64_t>(time.tv_nsec);
}

struct connection {
  connection(const options& chosen, const message_ring& messages)
      : wire(open_connection(chosen)), replies(chosen, messages), sent_at(chosen.in_flight) {}
  connection(const connection&) = delete;
  connection& operator=(const connection&) = delete;

  std::unique_ptr<channel> wire;
  reply_stream replies;
  std::string first_messages;  // its own, so that a mix-up between connections shows
  std::string_view unsent;
  std::size_t owed = 0;  // messages to send once `unsent` is out
  std::uint64_t next_to_send = 0;
  std::size_t next_to_return = 0;
  std::vector<std::uint64_t> sent_at;  // a ring: one entry for each message in flight
};

constexpr int reads_a_turn = 4;

enum class phase { warming_up, measuring, draining };

class generator {
 public:
  explicit generator(const options& chosen)
      : chosen_(chosen),
        messages_(chosen),
        set_(checked(::epoll_create1(EPOLL_CLOEXEC), "epoll_create1")),
        received_(512 * 1024) {
    for (std::size_t i = 0; i < chosen_.connections; ++i) {
      open(i);
    }
  }
  generator(const generator&) = delete;
  generator& operator=(const generator&) = delete;
  ~generator() { ::close(set_); }

  void run();

 private:
  void open(std::size_t index);
  void give_own_messages(connection& which, std::size_t index);
  void on_readable(connection& which);
  void on_replies(connection& which, std::size_t count);
  void send_more(connection& which);
  void send_on_schedule(std::uint64_t now);
  void advance_phase(std::uint64_t now);
  void print() const;
  void close_all();

  options chosen_;
  message_ring messages_;
  int set_;
  std::vector<char> received_;
  std::deque<connection> connections_;

  phase phase_ = phase::warming_up;
  std::uint64_t phase_ends_ = 0;
  std::size_t content_unchecked_ = 0;
  std::uint64_t total_sent_ = 0;
  std::uint64_t total_returned_ = 0;

  std::vector<connection*> again_;  // still readable after their share of a turn
  std::deque<connection*> idle_;    // with a rate: waiting for their time
  std::uint64_t next_due_ = 0;

  std::uint64_t window_started_ = 0;
  std::uint64_t window_ended_ = 0;
  std::uint64_t window_returned_ = 0;
  std::uint64_t window_cpu_ = 0;
  std::uint64_t window_calls_ = 0;
  system_call_count calls_;
  latency_histogram latencies_;
};

void generator::open(std::size_t index) {
  auto& which = connections_.emplace_back(chosen_, messages_);
  if (chosen_.deflate == compression::none) {
    give_own_messages(which, index);
  } else {
    which.owed = chosen_.in_flight;
  }
  epoll_event interest{};
  interest.events = EPOLLIN | EPOLLOUT | EPOLLET;
  interest.data.ptr = &which;
  checked(::epoll_ctl(set_, EPOLL_CTL_ADD, which.wire->socket(), &interest), "epoll_ctl");
}

void generator::give_own_messages(connection& which, std::size_t index) {
  std::string payloads;
  for (std::size_t i = 0; i < chosen_.in_flight; ++i) {
    const auto seed = (index + 1) * 1'000'003 + i;
    const auto payload = make_payload(chosen_, seed);
    append_message(which.first_messages, chosen_, payload, seed);
    payloads += payload;
  }
  which.unsent = which.first_messages;
  which.replies.expect(std::move(payloads));
  ++content_unchecked_;
}

void generator::send_more(connection& which) {
  while (true) {
    if (which.unsent.empty()) {
      if (which.owed == 0) {
        return;
      }
      which.unsent = messages_.wire(which.next_to_send, which.owed);
      which.next_to_send += which.owed;
      which.owed = 0;
    }
    const auto sent = which.wire->send(which.unsent);
    if (sent < 0) {
      if (errno == EAGAIN) {
        return;  // EPOLLOUT brings us back
      }
      fail_errno("send");
    }
    which.unsent.remove_prefix(static_cast<std::size_t>(sent));
  }
}

void generator::on_readable(connection& which) {
  for (int reads = 0; reads < reads_a_turn; ++reads) {
    const auto got = which.wire->recv(received_.data(), received_.size());
    if (got < 0) {
      if (errno == EAGAIN) {
        return;
      }
      fail_errno("recv");
    }
    if (got == 0) {
      fail("the server closed a connection");
    }
    const bool was_checked = which.replies.content_checked();
    const auto count = which.replies.consume({received_.data(), static_cast<std::size_t>(got)});
    if (!was_checked && which.replies.content_checked()) {
      --content_unchecked_;
    }
    if (which.replies.close_seen()) {
      fail("the server sent a close frame");
    }
    if (count != 0) {
      on_replies(which, count);
    }
    if (static_cast<std::size_t>(got) < received_.size() && !which.wire->is_encrypted()) {
      return;  // drained: the next bytes raise the next edge
    }
  }
  if (std::find(again_.begin(), again_.end(), &which) == again_.end()) {
    again_.push_back(&which);  // more than its share: the others first
  }
}

void generator::on_replies(connection& which, std::size_t count) {
  total_returned_ += count;
  if (total_returned_ > total_sent_) {
    fail("more replies than messages");
  }
  const auto now = now_ns();
  for (std::size_t i = 0; i < count; ++i) {
    auto& sent_at = which.sent_at[which.next_to_return];
    if (phase_ == phase::measuring) {
      latencies_.add(now - sent_at);
    }
    sent_at = now;
    which.next_to_return = (which.next_to_return + 1) % chosen_.in_flight;
  }
  if (phase_ == phase::draining) {
    return;
  }
  if (chosen_.rate != 0) {
    idle_.insert(idle_.end(), count, &which);
    return;
  }
  which.owed += count;
  total_sent_ += count;
  send_more(which);
}

// Latency counts from the time the message was due, not from when it could be sent.
void generator::send_on_schedule(std::uint64_t now) {
  while (next_due_ <= now && !idle_.empty() && phase_ != phase::draining) {
    auto& which = *idle_.front();
    idle_.pop_front();
    which.sent_at[(which.next_to_send + which.owed) % chosen_.in_flight] = next_due_;
    next_due_ += 1'000'000'000U / chosen_.rate;
    ++which.owed;
    ++total_sent_;
    send_more(which);
  }
}

void generator::advance_phase(std::uint64_t now) {
  if (now < phase_ends_) {
    return;
  }
  if (phase_ == phase::warming_up && content_unchecked_ == 0) {
    phase_ = phase::measuring;
    if (chosen_.counts_calls) {
      calls_.begin(chosen_.server_process);
    }
    if (chosen_.server_process != 0) {
      window_cpu_ = cpu_nanoseconds(chosen_.server_process);
    }
    window_returned_ = total_returned_;
    window_started_ = now_ns();
    phase_ends_ = window_started_ + chosen_.milliseconds * 1'000'000U;
  } else if (phase_ == phase::measuring && total_returned_ != window_returned_) {
    phase_ = phase::draining;
    window_ended_ = now_ns();
    if (chosen_.server_process != 0) {
      window_cpu_ = cpu_nanoseconds(chosen_.server_process) - window_cpu_;
    }
    window_returned_ = total_returned_ - window_returned_;
    if (chosen_.counts_calls) {
      window_calls_ = calls_.end();
    }
  }
}

void generator::run() {
  const auto started = now_ns();
  phase_ends_ = started + chosen_.warm_up_milliseconds * 1'000'000U;
  next_due_ = started;
  for (auto& which : connections_) {
    std::fill(which.sent_at.begin(), which.sent_at.end(), started);
    total_sent_ += chosen_.in_flight;
    send_more(which);
  }
  auto last_progress = started;
  auto last_returned = total_returned_;
  std::array<epoll_event, 256> events{};
  while (phase_ != phase::draining || total_returned_ < total_sent_) {
    const int timeout = chosen_.rate != 0 || !again_.empty() ? 0 : 100;
    const int count = ::epoll_wait(set_, events.data(), static_cast<int>(events.size()), timeout);
    if (count < 0 && errno != EINTR) {
      fail_errno("epoll_wait");
    }
    for (int i = 0; i < count; ++i) {
      const auto& event = events[static_cast<std::size_t>(i)];
      auto& which = *static_cast<connection*>(event.data.ptr);
      if ((event.events & EPOLLOUT) != 0) {
        send_more(which);
      }
      if ((event.events & ~static_cast<unsigned>(EPOLLOUT)) != 0) {
        on_readable(which);
      }
    }
    for (auto* which : std::exchange(again_, {})) {
      on_readable(*which);
    }
    const auto now = now_ns();
    if (chosen_.rate != 0) {
      send_on_schedule(now);
    }
    advance_phase(now);
    if (total_returned_ != last_returned) {
      last_returned = total_returned_;
      last_progress = now;
    } else if (now - last_progress > 5'000'000'000U) {
      fail("no reply for 5 s");
    }
  }
  print();
  close_all();
}

void generator::print() const {
  const auto messages = static_cast<double>(window_returned_);
  const auto seconds = static_cast<double>(window_ended_ - window_started_) / 1e9;
  std::printf(
      "connections=%zu inflight=%zu size=%zu total=%llu messages=%.0f seconds=%.3f "
      "rate=%.0f p50_us=%.1f p99_us=%.1f p999_us=%.1f",
      chosen_.connections,
      chosen_.in_flight,
      chosen_.size,
      static_cast<unsigned long long>(total_returned_),
      messages,
      seconds,
      messages / seconds,
      static_cast<double>(latencies_.quantile(0.50)) / 1e3,
      static_cast<double>(latencies_.quantile(0.99)) / 1e3,
      static_cast<double>(latencies_.quantile(0.999)) / 1e3);
  if (chosen_.deflate != compression::none) {
    std::uint64_t wire = 0;
    for (const auto& which : connections_) {
      wire += which.replies.payload_bytes();
    }
    const auto plain = static_cast<double>(total_returned_ * chosen_.size);
    std::printf(" reply_ratio=%.4f", static_cast<double>(wire) / plain);
  }
  if (chosen_.server_process != 0) {
    const auto cpu = static_cast<double>(window_cpu_);
    std::printf(
        " cpu_us_per_message=%.5f cpu_share=%.3f", cpu / 1e3 / messages, cpu / 1e9 / seconds);
    std::printf(" memory_kib=%llu",
                static_cast<unsigned long long>(memory_kib(chosen_.server_process)));
  }
  if (chosen_.counts_calls) {
    std::printf(" calls_per_message=%.4f", static_cast<double>(window_calls_) / messages);
  }
  std::printf("\n");
  std::fflush(stdout);
}

// Says goodbye with a close frame (status 1000) and waits for each answer, so that a server which
// fails at the end is noticed. Blocking, outside the measurement.
void generator::close_all() {
  if (chosen_.speaks == protocol::raw_tcp) {
    return;
  }
  std::string goodbye;
  append_masked_frame(goodbye, opcode_close, "\x03\xe8", 0x01020304);
  for (auto& which : connections_) {
    checked(::fcntl(which.wire->socket(), F_SETFL, 0), "F_SETFL");
    const timeval limit{2, 0};
    checked(::setsockopt(which.wire->socket(), SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit),
            "SO_RCVTIMEO");
    if (which.wire->send(goodbye) < 0) {
      fail_errno("sending the close frame");
    }
  }
  for (auto& which : connections_) {
    while (!which.replies.close_seen()) {
      const auto got = which.wire->recv(received_.data(), received_.size());
      if (got <= 0) {
        fail("no close frame in answer to ours");
      }
      if (which.replies.consume({received_.data(), static_cast<std::size_t>(got)}) != 0) {
        fail("more replies than messages");
      }
    }
  }
}

}  // namespace
}  // namespace bench::load

int main(int argc, char** argv) {
  bench::load::generator(bench::load::read_options(argc, argv)).run();
}
