// One WebSocket connection after its opening handshake, without I/O, clock or threads: bytes,
// calls and time go in; bytes, completions, a deadline and commands for the transport come out.
//
// A call or an input never runs user code: what it finished waits in completions(). After
// every input, and after every batch of calls, the driver
//   1. writes output() and says wrote(), 2. obeys take_command(), 3. hands out the completions,
//   4. reads on if read_allowance() is not 0, 5. calls tick() when deadline() has come.
// A connection can be copied; its copies share nothing but the callers' buffers.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "adieu/core/apart.hpp"
#include "adieu/core/close_payload.hpp"
#include "adieu/core/closing.hpp"
#include "adieu/core/deflate_agreement.hpp"
#include "adieu/core/held_input.hpp"
#include "adieu/core/inbox.hpp"
#include "adieu/core/keepalive.hpp"
#include "adieu/core/message_reader.hpp"
#include "adieu/core/outbox.hpp"
#include "adieu/errc.hpp"
#include "adieu/message.hpp"
#include "adieu/options.hpp"
#include "adieu/record.hpp"

namespace adieu::core {

/// What never changes. Connections that were told the same share it.
struct settings {
  role self = role::client;
  websocket_options options;
  random_source random = nullptr;  // clients only
  std::optional<deflate_agreement> deflate = {};
  std::shared_ptr<deflate_pool> pool = {};  // of zlib's memory; none: each connection has its own
};

using settings_ptr = std::shared_ptr<const settings>;

/// What the transport has to do with TCP, after the output is written.
enum class command : std::uint8_t { none, shut_output, cut, reset };

/// What the driver saw when it closed the transport.
struct closing_facts {
  std::optional<std::uint64_t> unacknowledged;  ///< SIOCOUTQ, less our FIN
  bool unread_in_kernel = false;                ///< closing then makes the kernel send a reset
  bool was_reset = false;                       ///< it could really send a reset
};

enum class operation : std::uint8_t { receive, send, ping, close, close_output };

struct completion {
  ticket owner = 0;
  errc error = errc::success;
  bool cancelled = false;
  operation what = operation::receive;  ///< of a call that was refused with invalid_state
  state seen = state::open;             ///< the state in which it was refused
  receive_result received;
  duration round_trip{};
};

class connection {
 public:
  /// `opened_at` is wall-clock time, for the record.
  connection(settings_ptr how, instant now, std::chrono::system_clock::time_point opened_at = {});

  // ── The wire ────────────────────────────────────────────────────────────────────────────────
  /// Bytes came; they are unmasked in place. In message mode, call next_message() until it is empty
  /// before the memory goes away.
  void received(bytes in, instant now);
  void input_ended(input_end how, int os_error, instant now);
  /// What to write next: stable until wrote() has counted all of it.
  [[nodiscard]] std::span<const const_bytes> output(instant now);
  void wrote(std::size_t size, instant now);
  /// The transport has taken all of output() and will say later how much of it was written.
  void output_in_flight(instant now);
  void output_failed(input_end how, int os_error, instant now);
  /// The transport obeyed `shut_output`.
  void output_shut();
  /// TLS ended without close_notify after both Closes: noted, and still clean.
  void note_missing_close_notify() { ending().record.close_notify_missing = true; }
  /// The transport obeyed `cut` or `reset`: the record is made.
  void transport_closed(const closing_facts& facts, instant now);
  /// While reading stands still: the peer's FIN or reset lies behind unread data (P3). What the
  /// kernel still holds is bounded; it is read now, so that the state tells the truth.
  void peer_gone(instant now);

  // ── Time ────────────────────────────────────────────────────────────────────────────────────
  [[nodiscard]] std::optional<instant> deadline() const;
  /// Nothing runs but the keep-alive, whose deadline only moves away as bytes arrive: a timer that
  /// is armed for it is early enough.
  [[nodiscard]] bool quiet() const noexcept {
    return phase_ == phase::open && !in_->paused_since && !ending_->total_deadline &&
           !outbox_->blocked();
  }
  /// Nothing comes of the next deadline but a Ping.
  [[nodiscard]] bool only_asks() const noexcept { return quiet() && !keepalive_.asks(); }
  void tick(instant now);
  /// The machine slept: the boot-time clock ran ahead of the monotonic one.
  void woke_up(instant now);

  // ── Calls ───────────────────────────────────────────────────────────────────────────────────
  void receive(ticket owner, receive_kind kind, bytes buffer, instant now);
  void receive_message(ticket owner, std::string& into, instant now);
  /// What a receive would complete with now, or nothing.
  [[nodiscard]] std::optional<completion> try_receive(bytes buffer, instant now);
  [[nodiscard]] std::optional<completion> try_receive_message(std::string& into, instant now);
  /// What most try_receive_message() bring, without a detour. False, and nothing has happened: it
  /// is for that.
  [[nodiscard]] bool take_whole_message(std::string& into, message_type& type, instant now);
  void send(const send_piece& piece, instant now);
  /// A whole message that nobody waits for, copied at once. False: not now, use send() with memory
  /// that lasts. A server may also borrow the caller's memory, to write at once what goes; what is
  /// left is copied by keep_unwritten(), before that memory goes away.
  [[nodiscard]] bool send_copy(message_type type,
                               const_bytes payload,
                               instant now,
                               outbox::payload_memory memory = outbox::payload_memory::temporary);
  void keep_unwritten() {
    if (outbox_) sending().keep_last_payload();
  }
  /// Why a send would be refused now, or success.
  [[nodiscard]] errc send_refusal() const noexcept;
  /// Messages that nobody waits for were refused: they count as not sent.
  void count_unsent(const unsent& what);
  /// One of them because too much waits already. What came behind it would follow a gap, so the
  /// connection closes with 1008 (docs/decisions/0006-send-without-waiting.md).
  void send_overflowed(instant now);
  void begin_message(sender from);
  /// The writer of `from` is gone. A message that has begun can't be ended then: the connection
  /// closes with 1011 (docs/decisions/0004-abandoned-message.md).
  void abandon_message(sender from, instant now);
  void ping(ticket owner, instant now);
  void close(ticket owner,
             adieu::close_status code,
             std::string_view reason,
             instant now,
             std::optional<duration> timeout = {});
  /// Whatever goes on: over by then at the latest.
  void hurry(instant due);
  void close_output(ticket owner, adieu::close_status code, std::string_view reason, instant now);
  /// A close that nobody waits for, because the app can't go on (D11): never clean.
  void close_for(cause why, adieu::close_status code, std::string_view reason, instant now);
  void wait_closed(ticket owner);
  void cancel(ticket owner, instant now);
  void abort(instant now);
  void destroy(instant now);

  /// Message mode (P9, on_message): whole messages are shown where they lie instead of waiting for
  /// receives.
  void show_messages(bool on) noexcept { show_messages_ = on; }
  /// The next message of what was received, or null; valid until the next call on this object that
  /// parses.
  [[nodiscard]] const message_view* next_message(instant now);

  // ── What came of it ─────────────────────────────────────────────────────────────────────────
  [[nodiscard]] std::vector<completion>& completions() { return calls_.need().completed; }
  [[nodiscard]] bool has_completions() const noexcept { return !calls_->completed.empty(); }
  [[nodiscard]] command take_command() noexcept;
  /// How many bytes may be read now. 0: reading stands still, because the window is full.
  [[nodiscard]] std::size_t read_allowance() const noexcept;
  /// Where to put what is read next, at best: memory of the connection's own, for the rest of a
  /// large message. Empty: anywhere. Valid until the next call on this object.
  [[nodiscard]] bytes read_space();
  /// The driver should look at TCP_INFO now, and say peer_gone() if so.
  [[nodiscard]] bool take_probe() noexcept {
    const bool now = probe_now_;
    probe_now_ = false;
    return now;
  }

  /// Nothing more comes for now: others may have the memory of what is idle. Nothing else changes
  /// by it.
  void rest() noexcept;

  /// Data waits for a receive.
  [[nodiscard]] bool has_unread() const noexcept { return !inbox_->empty(); }

  [[nodiscard]] adieu::state state() const noexcept {
    return disposed_ ? adieu::state::closed : public_state(phase_);  // N11
  }
  [[nodiscard]] core::phase phase() const noexcept { return phase_; }
  [[nodiscard]] role self() const noexcept { return how_->self; }
  [[nodiscard]] const websocket_options& options() const noexcept { return how_->options; }
  /// The transport is gone and the record is final.
  [[nodiscard]] bool ended() const noexcept { return ended_; }
  [[nodiscard]] disconnect_record record() const;
  /// N5: of the peer's Close. One that breaks a rule is in the record alone.
  [[nodiscard]] bool has_close_status() const noexcept { return close_accepted_; }
  [[nodiscard]] std::optional<adieu::close_status> close_status() const noexcept;
  [[nodiscard]] const std::string& close_description() const noexcept;

  /// The same for two connections with the same settings that will do the same from now on.
  [[nodiscard]] core::fingerprint fingerprint(instant now) const;

 private:
  struct intake;
  struct pending_receive {
    ticket owner = 0;
    receive_kind kind = receive_kind::piece;
    bytes buffer;
    std::string* into = nullptr;
  };

  // connection.cpp: what comes from the wire
  void let_go_of_what_rests() noexcept;
  void parse(instant now);
  void parsed(instant now);
  [[nodiscard]] bool parses() const noexcept {
    return phase_ == phase::open || phase_ == phase::close_queued || phase_ == phase::close_sent;
  }
  [[nodiscard]] bool writes() const noexcept;
  void on_control(const message_reader::step_result& frame, instant now);
  void note_close_sent(instant now);
  void on_close_frame(const message_reader::step_result& frame, instant now);
  void break_rule(violation wrong, std::uint64_t at, instant now);
  void break_limit(cause which, instant now);
  [[nodiscard]] bool too_many_control_frames(instant now);

  // connection_receiving.cpp
  void on_data(const message_reader::step_result& data, instant now);
  [[nodiscard]] bool take_directly(const message_reader::step_result& data);
  [[nodiscard]] bool show_short(intake& in);
  [[nodiscard]] bool keep_short(intake& in);
  void deliver(instant now);
  [[nodiscard]] bool deliver_data(instant now);

  // connection_window.cpp
  [[nodiscard]] std::size_t window() const noexcept;
  [[nodiscard]] bool must_wait() const noexcept;
  void set_aside();
  void resume(instant now);
  void discard_if_stuck();
  void settle(instant now);

  // connection_calls.cpp
  void refuse(ticket owner, operation what);
  void complete(ticket owner, errc error = errc::success);
  void put_off_answer(instant now);
  void start_receive(const pending_receive& next, instant now);
  [[nodiscard]] std::optional<completion> try_now(const pending_receive& next, instant now);
  void start_close(event call, adieu::close_status code, std::string_view reason, instant now);

  // connection_closing.cpp: the table, put into effect
  void apply(event what, instant now);
  void act(action what, instant now);
  void start_linger(instant now);
  void end_receiving(errc error);
  void drop_unsent();
  void finish_close_outputs(errc error);
  void finish_pings(errc error);
  void blame(event what);
  void blame_transport();
  void add_record_to(fingerprint_maker& out) const;
  [[nodiscard]] duration since_open(instant now) const noexcept { return now - opened_; }

  // connection_time.cpp
  [[nodiscard]] std::optional<instant> close_due() const;
  [[nodiscard]] std::optional<instant> write_due() const;
  [[nodiscard]] std::optional<instant> probe_due() const;

  // Receiving
  struct intake {
    message_reader reader;
    bytes input;  // what is left of the bytes that are being parsed
    held_input held;
    std::optional<message_view> view;
    bool view_in_inbox = false;
    bool view_shown = false;
    std::optional<instant> paused_since;  // reading stands still (P3)
    instant next_probe{};
    [[nodiscard]] bool idle() const noexcept {
      return reader.idle() && input.empty() && held.idle() && !view && !paused_since;
    }
  };

  // Sending
  struct outgoing : outbox {
    instant progress{};  // when something of it was written last, or could have been (P3)
  };

  struct calls {
    std::vector<completion> completed;
    std::vector<ticket> end_waiters;
    std::optional<pending_receive> receive;
    [[nodiscard]] bool idle() const noexcept {
      return completed.empty() && end_waiters.empty() && !receive;
    }
  };

  struct close_waiter {
    ticket owner;
    bool output_only;
  };
  // What nobody needs before the end begins
  struct ending_part {
    disconnect_record record;
    std::optional<completion> told;  // what a receive gets after the data
    std::vector<close_waiter> waiters;
    adieu::close_status code = adieu::close_status::normal_closure;  // of the Close we send
    std::string reason;
    std::optional<instant> total_deadline;  // P5
    std::optional<instant> answer_due;      // D11
    std::optional<instant> linger_due;      // D9
    instant idle_since{};                   // P5, after async_close_output
    input_end lost_how = input_end::fin;
    int lost_error = 0;
    unsent refused;
    [[nodiscard]] static bool idle() noexcept { return false; }
  };

  // The parts, to change them; what only looks at one, looks at inbox_->, ending_-> and so on.
  [[nodiscard]] intake& taking_in() {
    return in_.need([this](intake& in) {
      const websocket_options& o = how_->options;
      in.reader.begin(how_->self, {o.max_frame_size, o.max_fragments}, read_so_far_);
    });
  }
  [[nodiscard]] outgoing& sending() {
    return outbox_.need([this](outgoing& out) { out.begin(how_->self, how_->random); });
  }
  [[nodiscard]] ending_part& ending() { return ending_.need(); }

  static constexpr duration unknown = duration::min();

  settings_ptr how_;
  apart<intake> in_;
  apart<inbox> inbox_;
  apart<outgoing> outbox_;
  apart<calls> calls_;
  apart<ending_part> ending_;
  keepalive keepalive_;

  std::uint64_t read_so_far_ = 0;  // when in_ rested last
  instant opened_;
  std::chrono::system_clock::time_point opened_at_;
  duration last_byte_received_ = unknown;  // since opened_
  duration last_byte_sent_ = unknown;
  duration round_trip_ = unknown;
  instant control_second_{};  // when the counting of control frames began
  std::uint32_t control_frames_ = 0;

  core::phase phase_ = core::phase::open;
  command command_ = command::none;
  bool close_accepted_ : 1 = false;  // the peer's Close, unlike one that breaks a rule (N5)
  bool end_delivered_ : 1 = false;
  bool show_messages_ : 1 = false;
  bool peer_gone_ : 1 = false;
  bool discards_ : 1 = false;  // async_close was called (P4)
  bool fin_seen_ : 1 = false;
  bool fin_sent_ : 1 = false;
  bool output_lost_ : 1 = false;
  bool in_flight_ : 1 = false;
  bool destroyed_ : 1 = false;
  bool disposed_ : 1 = false;  // destroyed before the end: the state is closed (N11)
  bool cause_known_ : 1 = false;
  bool ended_ : 1 = false;
  bool probe_now_ : 1 = false;
};

}  // namespace adieu::core
