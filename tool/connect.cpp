// Two coroutines talk over one websocket: one sends lines, the other shows messages. The receiving
// one decides when it is over. Nothing here blocks the loop, so Pings are answered, and --timeout
// and Ctrl-C act, whatever standard input and output do.
#include "connect.hpp"

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <fmt/format.h>

#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <cstring>
#include <exception>

#include "input.hpp"
#include "input_lines.hpp"
#include "output.hpp"
#include "wakeup.hpp"

namespace adieu::tool {
namespace {

constexpr std::size_t most_in_flight = 64;        // messages that wait to be sent
constexpr std::size_t most_unshown = 256 * 1024;  // bytes that wait for standard output

class conversation {
 public:
  conversation(asio::io_context& loop, const connect_command& command)
      : command_(command),
        executor_(loop.get_executor()),
        input_(executor_, STDIN_FILENO),
        output_(executor_, STDOUT_FILENO),
        lines_(command.send_as == message_type::text ? input_lines::content::text
                                                     : input_lines::content::any),
        signals_(loop, SIGINT, SIGTERM),
        timeout_(loop),
        sent_(executor_),
        sender_ended_(executor_) {
    show_.format = command.format;
    show_.binary = command.binary;
    show_.to = ::isatty(STDOUT_FILENO) == 1 ? destination::terminal : destination::pipe;
  }

  asio::awaitable<exit_code> run();

 private:
  asio::awaitable<error_code> open();
  asio::awaitable<void> send_lines();
  asio::awaitable<void> give_the_peer_its_turn();
  asio::awaitable<void> send_all_complete_lines();
  asio::awaitable<void> all_sent(std::size_t but);
  asio::awaitable<void> receive_messages();
  asio::awaitable<void> answer_close(const receive_result& close);

  void start_timeout(std::chrono::milliseconds left);
  void on_signal();
  void wait_for_signal();
  void close_now();
  void refuse(const input_line& line);

  void note(std::string_view text) const;
  [[nodiscard]] exit_code end_of_attempt(const error_code& ec) const;
  [[nodiscard]] exit_code verdict(const disconnect_record& record) const;

  const connect_command& command_;
  asio::any_io_executor executor_;
  input input_;
  output output_;
  input_lines lines_;
  show_options show_;
  asio::signal_set signals_;
  asio::steady_timer timeout_;
  asio::cancellation_signal give_up_connecting_;
  websocket socket_;

  wakeup sent_;
  std::size_t in_flight_ = 0;
  wakeup sender_ended_;
  bool sending_ = false;

  int signals_seen_ = 0;
  bool timed_out_ = false;
  bool over_ = false;  // the receiving side has seen the end
  bool no_subprotocol_ = false;
  std::size_t refused_lines_ = 0;
};

// ── The whole ─────────────────────────────────────────────────────────────────────────────

asio::awaitable<exit_code> conversation::run() {
  const auto began = std::chrono::steady_clock::now();
  wait_for_signal();
  const error_code failed = co_await open();
  if (failed) co_return end_of_attempt(failed);

  if (!command_.options.subprotocols.empty() && socket_.subprotocol().empty()) {
    no_subprotocol_ = true;
    note("response: the server chose none of the subprotocols that were offered");
    close_now();
  }
  if (command_.timeout.count() != 0) {
    start_timeout(command_.timeout - std::chrono::duration_cast<std::chrono::milliseconds>(
                                         std::chrono::steady_clock::now() - began));
  }
  sending_ = true;
  asio::co_spawn(executor_, send_lines(), [this](std::exception_ptr error) {
    sending_ = false;
    sender_ended_.wake();
    if (error) std::rethrow_exception(error);
  });
  co_await receive_messages();
  over_ = true;
  input_.stop();
  while (sending_) co_await sender_ended_.wait();

  error_code ignored;
  auto token = asio::redirect_error(asio::use_awaitable, ignored);
  const disconnect_record record = co_await socket_.async_wait_closed(token);
  co_await output_.drained();
  timeout_.cancel();
  if (const std::size_t bytes = output_.waiting(); bytes != 0) {
    note(fmt::format("standard output: {} bytes were not taken", bytes));
  }
  const exit_code status = verdict(record);
  if (command_.format == output_format::json) {
    fmt::print(stderr, "{}\n", to_json(record));
  } else {
    fmt::print(stderr, "adieu: {}\n", to_line(record));
  }
  co_return status;
}

asio::awaitable<error_code> conversation::open() {
  connect_options options = command_.options;
  const auto total = command_.timeout;
  if (total.count() != 0 && (options.timeout.count() == 0 || total < options.timeout)) {
    options.timeout = total;
  }
  error_code ec;
  auto token = asio::bind_cancellation_slot(give_up_connecting_.slot(),
                                            asio::redirect_error(asio::use_awaitable, ec));
  socket_ = co_await async_connect(executor_, command_.url, options, token);
  co_return ec;
}

// ── Sending ───────────────────────────────────────────────────────────────────────────────

asio::awaitable<void> conversation::send_lines() {
  for (;;) {
    const std::string piece = co_await input_.read();
    if (over_) co_return;
    if (piece.empty()) break;
    lines_.feed(piece);
    co_await send_all_complete_lines();
    if (over_) co_return;
  }
  if (const int error = input_.error(); error != 0) {
    note(fmt::format("standard input: {}", std::strerror(error)));
  } else {
    lines_.end();
    co_await send_all_complete_lines();
  }
  if (over_ || command_.then == at_end_of_input::stay) co_return;
  co_await give_the_peer_its_turn();
  error_code ignored;  // the connection may have ended meanwhile
  auto token = asio::redirect_error(asio::use_awaitable, ignored);
  co_await socket_.async_close_output(command_.close.code, command_.close.reason, token);
}

// Many servers answer a Close the moment that they read it, before their app has answered what came
// in front of it. The round trip of a Ping lets the app read that first; nobody waits long for it.
asio::awaitable<void> conversation::give_the_peer_its_turn() {
  auto turn = std::make_shared<asio::steady_timer>(executor_, std::chrono::seconds(1));
  socket_.async_ping([turn](error_code, std::chrono::nanoseconds) { turn->cancel(); });
  error_code ignored;
  auto token = asio::redirect_error(asio::use_awaitable, ignored);
  co_await turn->async_wait(token);
}

// Returns when the kernel has taken every line: their bytes are about to be moved.
asio::awaitable<void> conversation::send_all_complete_lines() {
  while (!over_) {
    const auto line = lines_.next();
    if (!line) break;
    if (line->problem != line_problem::none) {
      refuse(*line);
      continue;
    }
    ++in_flight_;
    socket_.async_send(asio::buffer(line->text),
                       command_.send_as,
                       end_of_message::yes,
                       [this](error_code) {  // why it failed is in the record
                         --in_flight_;
                         sent_.wake();
                       });
    co_await all_sent(most_in_flight);
  }
  co_await all_sent(0);
}

asio::awaitable<void> conversation::all_sent(std::size_t but) {
  while (in_flight_ > but) co_await sent_.wait();
}

void conversation::refuse(const input_line& line) {
  ++refused_lines_;
  note(fmt::format("line {} of the input {}, and was not sent",
                   line.number,
                   line.problem == line_problem::not_utf8 ? "is not UTF-8" : "is over 16 MiB"));
}

// ── Receiving ─────────────────────────────────────────────────────────────────────────────

asio::awaitable<void> conversation::receive_messages() {
  message received;
  for (;;) {
    error_code ec;
    auto token = asio::redirect_error(asio::use_awaitable, ec);
    const receive_result result = co_await socket_.async_receive_message(received, token);
    if (ec) co_return;  // the record says why
    if (result.type == message_type::close) {
      co_await answer_close(result);
      co_return;
    }
    output_.write(show(received, show_));
    co_await output_.drained(most_unshown);
    if (output_.error() != 0) close_now();
  }
}

asio::awaitable<void> conversation::answer_close(const receive_result& close) {
  const close_status code = close.close_status.value_or(close_status::no_status_received);
  error_code ignored;  // ours may have passed before
  auto token = asio::redirect_error(asio::use_awaitable, ignored);
  co_await socket_.async_close_output(code, close.close_description, token);
}

// ── What the user and the clock say ───────────────────────────────────────────────────────

void conversation::close_now() {
  input_.stop();
  socket_.async_close(command_.close.code, command_.close.reason, [](error_code) {});
}

void conversation::start_timeout(std::chrono::milliseconds left) {
  timeout_.expires_after(left);
  timeout_.async_wait([this](error_code ec) {
    if (ec) return;
    timed_out_ = true;
    note(fmt::format("--timeout: {} s are over",
                     std::chrono::duration<double>(command_.timeout).count()));
    close_now();
    // A standard output that nobody reads must not hold us up for ever.
    timeout_.expires_after(command_.options.websocket.close_timeout);
    timeout_.async_wait([this](error_code cancelled) {
      if (!cancelled) output_.stop();
    });
  });
}

void conversation::wait_for_signal() {
  signals_.async_wait([this](error_code ec, int) {
    if (!ec) on_signal();
  });
}

// Once: a proper end. Twice: an end. After that the signal kills as it does any program.
void conversation::on_signal() {
  ++signals_seen_;
  if (!socket_) {
    give_up_connecting_.emit(asio::cancellation_type::terminal);
  } else if (signals_seen_ == 1) {
    close_now();
  } else {
    socket_.abort();
    output_.stop();
  }
  if (signals_seen_ == 1) {
    wait_for_signal();
  } else {
    signals_.clear();
  }
}

// ── What is said about it ─────────────────────────────────────────────────────────────────

void conversation::note(std::string_view text) const {
  if (command_.format == output_format::json) {
    fmt::print(stderr, "{{\"note\":{}}}\n", json_string(text));
  } else {
    fmt::print(stderr, "adieu: {}\n", printable(text));
  }
}

exit_code conversation::end_of_attempt(const error_code& ec) const {
  const disconnect_record record = socket_.record().value_or(disconnect_record{});
  const bool total =
      ec == errc::connect_timeout && command_.timeout.count() != 0 &&
      (command_.options.timeout.count() == 0 || command_.timeout < command_.options.timeout);
  if (command_.format == output_format::json) {
    fmt::print(stderr, "{}\n", to_json(record));
  } else if (record.connect) {
    const std::string& detail = record.connect->detail;
    fmt::print(stderr,
               "adieu: {}: {}{}\n",
               to_string(record.connect->step),
               printable(detail.empty() ? ec.message() : detail),
               total ? " (--timeout)" : "");
  } else {
    fmt::print(stderr, "adieu: connect: {}\n", printable(ec.message()));
  }
  return total ? exit_code::command_timeout : exit_code_for(ec, record);
}

exit_code conversation::verdict(const disconnect_record& record) const {
  const bool cut = signals_seen_ > 1 && output_.waiting() != 0;
  if (cut || record.cause == cause::local_abort) return exit_code::local_abort;
  if (timed_out_) return exit_code::command_timeout;
  if (no_subprotocol_) return exit_code::unsupported_subprotocol;
  const exit_code ended = exit_code_for(record);
  if (ended != exit_code::ok) return ended;
  if (output_.error() != 0 || input_.error() != 0) return exit_code::output_failed;
  return refused_lines_ != 0 ? exit_code::input_refused : exit_code::ok;
}

}  // namespace

exit_code run_connect(const connect_command& command) {
  // Never destroyed: its threads may still wait for standard input or output, or for DNS.
  static asio::io_context& loop = *new asio::io_context(1);
  conversation talk(loop, command);
  exit_code status = exit_code::internal_error;
  asio::co_spawn(loop, talk.run(), [&](std::exception_ptr error, exit_code ended) {
    if (error) std::rethrow_exception(error);
    status = ended;
    loop.stop();
  });
  loop.run();
  return status;
}

}  // namespace adieu::tool
