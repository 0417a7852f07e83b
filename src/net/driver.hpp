// One connection at work: joins a core::connection with a transport, time and the pending calls.
//
// Whoever wants to touch the core must be inside: one thread at a time, without waiting. A call
// from any thread goes in, tells the core, and leaves; if somebody is inside already, it is queued,
// and whoever turns next takes it first, so that calls keep their order (P8). Handlers and reads
// happen in turn() only, which runs on the connection's executor and never inside a call (rule 7 of
// the house); writes do, too, but for the first of a burst. So even an executor that several
// threads run does no harm.
#pragma once

#include <functional>

#include "adieu/message.hpp"
#include "adieu/net/call.hpp"
#include "adieu/net/transport.hpp"
#include "net/clock.hpp"
#include "net/loop_end.hpp"
#include "net/workplace.hpp"

namespace adieu::net {

using message_handler = std::function<void(const message_view&)>;
using end_handler = std::function<void(const disconnect_record&)>;

/// Whoever keeps a connection, as the server does with its own, and wants to know how it fares. The
/// connection holds it until TCP is gone.
class keeper {
 public:
  virtual ~keeper() = default;
  /// Once, before the app's own hooks.
  virtual void ended(const disconnect_record& record) = 0;
  /// What a message handler has thrown. Without a keeper it leaves through the loop's run().
  virtual void handler_failed(std::exception_ptr error) = 0;
};

/// What the opening handshake leaves: what both ends agreed on, and what came behind it in the same
/// read.
struct opening_result {
  std::string subprotocol;
  std::string extensions;
  std::string leftover;
};

class driver final : public transport_listener {
 public:
  driver(workplace_ptr where,
         std::unique_ptr<transport> carrier,
         core::settings_ptr how,
         std::chrono::system_clock::time_point opened_at);
  ~driver() override;

  /// Begins to read, and lives until TCP is gone.
  void start(opening_result how_it_opened);

  /// The loop is being destroyed: handlers go away without being called.
  void forget_calls();

  [[nodiscard]] const boost::asio::any_io_executor& executor() const noexcept {
    return where_->executor;
  }
  [[nodiscard]] const workplace& where() const noexcept { return *where_; }
  [[nodiscard]] const std::shared_ptr<connection_status>& status() const noexcept {
    return status_;
  }
  [[nodiscard]] const std::string& subprotocol() const noexcept;
  [[nodiscard]] const std::string& extensions() const noexcept;

  [[nodiscard]] loop_end::place& place_in_loop() noexcept { return place_in_loop_; }
  [[nodiscard]] clock_service::place& place_in_clock() noexcept { return place_in_clock_; }

  // From any thread.
  void submit(call& what);
  void cancel(call& what);
  void abort();
  void destroy();
  void send_copy(message_type type, core::const_bytes payload);
  [[nodiscard]] errc try_send_copy(message_type type, core::const_bytes payload);
  [[nodiscard]] core::sender begin_message();
  void abandon_message(core::sender from);
  void close(close_status code, std::string_view reason, std::optional<core::duration> timeout);
  void close_for(cause why, close_status code, std::string_view reason);

  // On the executor.
  [[nodiscard]] std::optional<core::completion> try_receive(core::bytes buffer);
  [[nodiscard]] std::optional<core::completion> try_receive_message(std::string& into);
  /// What most of those bring to a handler, without a detour; else false.
  [[nodiscard]] bool take_whole_message(message& into);
  void on_message(message_handler handler);
  void on_end(end_handler handler);
  void keep_by(std::shared_ptr<keeper> whom);

  // transport_listener
  void on_event() override;
  [[nodiscard]] std::size_t read_allowance() override;
  [[nodiscard]] core::bytes read_space() override { return core_.read_space(); }
  void on_bytes(core::bytes data) override;
  void on_input_end(core::input_end how, int os_error) override;
  void on_written(std::size_t size) override;
  void on_output_failed(core::input_end how, int os_error) override;

 private:
  class visit;  // being inside
  struct copied_send;
  struct errand;
  struct backlog;
  using task = std::function<void()>;

  enum class output_goes : std::uint8_t { with_the_turn, at_once };
  template <typename Work>
  void with_core(Work work, output_goes when = output_goes::with_the_turn);
  // What a thread leaves behind that can't go inside.
  void leave(call& what) noexcept;
  void leave(task work);
  void take_what_was_left() {
    if (left_.load(std::memory_order_relaxed) != nullptr) take_all_that_was_left();
  }
  void take_all_that_was_left();
  void start_call(call& what);
  [[nodiscard]] backlog& waiting_copies();
  [[nodiscard]] bool make_room(std::size_t size);
  [[nodiscard]] errc submit_copy(message_type type, core::const_bytes payload);
  void count_refusal(errc why, std::size_t size);
  void count_refused();
  void post_turn();
  void turn();
  [[nodiscard]] bool turn_inside();
  [[nodiscard]] bool keep_time();
  [[nodiscard]] bool flush();
  [[nodiscard]] bool flush_at_once();
  void write_out(transport::urgency when);
  [[nodiscard]] bool answer(message_type type, core::const_bytes payload);
  [[nodiscard]] bool compose_large(message_type type, core::const_bytes payload);
  void hand_out_completions();
  void publish();
  [[nodiscard]] bool finish();
  void set_timer();
  void show_messages();
  [[nodiscard]] std::exception_ptr show_all(const message_handler& handler);
  void answer_in_message_mode();
  /// Within a turn, the time of its last read: the clock is not asked for every message.
  [[nodiscard]] core::instant now() const { return turning_ ? time_ : where_->clock.now(); }

  void link(call& what) noexcept;
  void unlink(call& what) noexcept;

  static constexpr core::instant never = core::instant::max();

  const workplace_ptr where_;
  std::shared_ptr<transport_listener> self_;  // from the start to the end of TCP
  std::unique_ptr<transport> transport_;
  core::connection core_;
  const std::shared_ptr<connection_status> status_ = std::make_shared<connection_status>();

  // Who is inside, and what others want meanwhile
  std::atomic<const void*> inside_{nullptr};
  std::atomic<call*> left_{nullptr};  // the last one first
  std::atomic<backlog*> backlog_{nullptr};
  std::atomic<core::sender> next_sender_{1};
  std::atomic<bool> turn_posted_{false};
  std::atomic<bool> turn_missed_{false};  // a turn found somebody else inside

  bool turning_ = false;
  bool showing_ = false;           // the message handler runs
  bool show_waiting_ = false;      // it is new: whole messages may wait for it
  bool in_message_mode_ = false;   // there is one
  bool handler_is_newer_ = false;  // than the one that runs
  bool write_in_flight_ = false;
  bool held_back_ = false;  // the last write may wait in the kernel
  bool close_published_ = false;
  bool record_published_ = false;

  loop_end::place place_in_loop_;
  clock_service::place place_in_clock_;
  std::uint32_t next_ready_ = 0;  // of the core's completions
  std::uint32_t last_burst_ = 0;  // that flush_at_once() wrote in
  std::uint32_t sleeps_seen_ = where_->clock.sleeps();
  call* pending_ = nullptr;

  message_handler on_message_;
  std::shared_ptr<keeper> keeper_;
  std::unique_ptr<std::vector<end_handler>> end_handlers_;
  std::unique_ptr<opening_result> opening_;  // if it left anything
  core::instant armed_ = never;
  core::instant time_{};
};

}  // namespace adieu::net
