// One connection at work: joins a core::connection with a transport, time and the pending calls.
//
// Whoever wants to touch the core must be inside: one thread at a time, without waiting. A call
// from any thread goes in, tells the core, and leaves; if somebody is inside already, it is queued,
// and whoever turns next takes it first, so that calls keep their order (P8). Handlers, reads and
// writes happen in turn() only, which runs on the connection's executor and never inside a call
// (rule 7 of the house). So even an executor that several threads run does no harm.
#pragma once

#include <functional>
#include <mutex>

#include "adieu/net/call.hpp"
#include "adieu/net/transport.hpp"
#include "net/clock.hpp"
#include "net/loop_end.hpp"
#include "net/turn_memory.hpp"

namespace adieu::net {

using message_handler = std::function<void(const core::connection::message_view&)>;
using failure_handler = std::function<void(std::exception_ptr)>;
using end_handler = std::function<void(const disconnect_record&)>;

class driver final : public transport_listener {
 public:
  driver(boost::asio::any_io_executor executor,
         std::unique_ptr<transport> carrier,
         const core::settings& how);
  ~driver() override;

  /// Begins to read. `leftover` came in the same read as the handshake.
  void start(std::string leftover);

  /// The loop is being destroyed: handlers go away without being called.
  void forget_calls();

  [[nodiscard]] const boost::asio::any_io_executor& executor() const noexcept { return executor_; }
  [[nodiscard]] const std::shared_ptr<connection_status>& status() const noexcept {
    return status_;
  }

  [[nodiscard]] loop_end::place& place_in_loop() noexcept { return place_in_loop_; }

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
  void on_message(message_handler handler);
  void on_end(end_handler handler);
  /// Gets what a message handler throws, which otherwise leaves through the loop's run().
  void on_failure(failure_handler handler);

  // transport_listener
  void on_event() override;
  [[nodiscard]] std::size_t read_allowance() override;
  void on_bytes(core::bytes data) override;
  void on_input_end(core::input_end how, int os_error) override;
  void on_written(std::size_t size) override;
  void on_output_failed(core::input_end how, int os_error) override;

 private:
  class visit;  // being inside
  struct copied_send;
  using task = std::function<void()>;

  void with_core(task work);
  // What a thread left behind that could not go inside: a call, or something else to do.
  struct queued {
    task work;
    call* what;
  };
  void queue_task(queued work);
  void drain_tasks();
  void start_call(call& what);
  [[nodiscard]] bool make_room(std::size_t size) noexcept;
  void post_turn();
  void turn();
  [[nodiscard]] bool turn_inside();
  [[nodiscard]] bool keep_time();
  [[nodiscard]] bool flush();
  void hand_out_completions();
  void publish();
  [[nodiscard]] bool finish();
  void set_timer();
  void show_messages();
  void answer_in_message_mode();
  /// Within a turn, the time of its last read: the clock is not asked for every message.
  [[nodiscard]] core::instant now() const { return turning_ ? time_ : clock_.now(); }

  void link(call& what) noexcept;
  void unlink(call& what) noexcept;

  boost::asio::any_io_executor executor_;
  clock_service& clock_;
  std::unique_ptr<transport> transport_;
  core::connection core_;
  std::shared_ptr<connection_status> status_ = std::make_shared<connection_status>();

  std::atomic<const void*> inside_{nullptr};
  std::atomic<bool> turn_posted_{false};
  turn_memory turn_memory_;               // of the posted turn
  std::atomic<bool> turn_missed_{false};  // a turn found somebody else inside
  bool turning_ = false;

  std::mutex tasks_mutex_;
  std::vector<queued> tasks_;
  std::atomic<bool> has_tasks_{false};
  core::unsent refused_;  // of send(); with the tasks, as any thread counts here

  const std::size_t most_buffered_;
  std::atomic<std::size_t> buffered_{0};  // memory of copies that wait
  std::atomic<bool> overflowed_{false};   // send() has refused one: none may follow it

  std::vector<core::completion> ready_;
  std::size_t next_ready_ = 0;
  call* pending_ = nullptr;
  loop_end::place place_in_loop_;

  std::shared_ptr<message_handler> on_message_;
  bool showing_ = false;       // on_message_ runs
  bool show_waiting_ = false;  // it is new: whole messages may wait for it
  std::vector<end_handler> end_handlers_;
  failure_handler on_failure_;
  std::string leftover_;  // came in the same read as the handshake
  std::optional<core::instant> armed_;
  core::instant time_{};
  std::atomic<core::sender> next_sender_{1};
  core::duration asleep_ = time_asleep();
  bool write_in_flight_ = false;
  bool held_back_ = false;  // the last write may wait in the kernel
  bool close_published_ = false;
  bool record_published_ = false;
};

}  // namespace adieu::net
