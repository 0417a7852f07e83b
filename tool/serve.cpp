// The first signal shuts down gracefully; from then on a signal kills as it does any program. Lines
// that nobody reads do not hold up connections: past a bound they are dropped and counted.
#include "serve.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <fmt/format.h>

#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <map>
#include <optional>
#include <sstream>
#include <stdexcept>

#include "output.hpp"
#include "wakeup.hpp"

namespace adieu::tool {
namespace {

// Straight from the reader, so that an answer is on its way before the next frame is judged. When
// the client does not take its answers, the one that is too much is awaited, and meanwhile nothing
// is read: then the client's own sends have to wait.
asio::awaitable<void> echo(websocket& socket, const request&) {
  wakeup news(socket.get_executor());
  std::optional<message> too_much;
  bool over = false;
  socket.on_end([&](const disconnect_record&) {
    over = true;
    news.wake();
  });
  for (;;) {
    socket.on_message([&](const message_view& received) {
      if (socket.try_send(received) != errc::too_much_buffered) return;
      too_much.emplace();
      too_much->type = received.type;
      too_much->payload = core::as_text(received.bytes);
      socket.on_message(nullptr);
      news.wake();
    });
    while (!too_much && !over) co_await news.wait();
    if (over) co_return;
    error_code ignored;  // the end is told by itself
    co_await socket.async_send(*too_much, asio::redirect_error(asio::use_awaitable, ignored));
    too_much.reset();
  }
}

class echo_server {
 public:
  echo_server(asio::io_context& loop, const serve_command& command)
      : command_(command),
        output_(loop.get_executor(), STDOUT_FILENO),
        signals_(loop, SIGINT, SIGTERM),
        server_(loop.get_executor(), command.options) {
    server_.on_connection(echo);
    server_.on_end([this](const disconnect_record& record) { ended(record); });
  }

  void listen();
  asio::awaitable<void> run();

 private:
  void ended(const disconnect_record& record);
  void say(const std::string& line);
  [[nodiscard]] std::string counts() const;
  [[nodiscard]] bool json() const { return command_.format == output_format::json; }

  const serve_command& command_;
  output output_;
  asio::signal_set signals_;
  server server_;
  std::size_t clean_ = 0;
  std::size_t unclean_ = 0;
  std::map<cause, std::size_t> causes_;
  std::size_t unshown_lines_ = 0;
};

void echo_server::listen() {
  std::ostringstream where;
  if (command_.unix_path.empty()) {
    where << (command_.options.tls ? "wss://" : "ws://")
          << server_.listen(command_.host, command_.port);
  } else {
    // listen_unix replaces what nobody listens on: only ever a socket, never a user's file.
    struct stat there {};
    if (::lstat(command_.unix_path.c_str(), &there) == 0 && !S_ISSOCK(there.st_mode)) {
      throw std::runtime_error("the file exists, and is not a socket");
    }
    server_.listen_unix(command_.unix_path);
    where << "ws+unix:" << command_.unix_path;
  }
  say(json() ? fmt::format("{{\"listening\":{}}}", json_string(where.str()))
             : "listening on " + printable(where.str()));
}

asio::awaitable<void> echo_server::run() {
  error_code ignored;
  auto token = asio::redirect_error(asio::use_awaitable, ignored);
  co_await signals_.async_wait(token);
  signals_.clear();
  co_await server_.async_shutdown(
      close_status::endpoint_unavailable, "the server shuts down", std::chrono::seconds(10), token);
  if (!command_.unix_path.empty()) ::unlink(command_.unix_path.c_str());
  say(counts());
  co_await output_.drained();
}

void echo_server::ended(const disconnect_record& record) {
  ++(record.clean ? clean_ : unclean_);
  if (!record.clean) ++causes_[record.cause];
  say(json() ? to_json(record) : to_line(record));
}

void echo_server::say(const std::string& line) {
  constexpr std::size_t most_waiting = 1024 * 1024;
  if (output_.waiting() > most_waiting) {
    ++unshown_lines_;
    return;
  }
  output_.write(line + "\n");
}

std::string echo_server::counts() const {
  std::string causes;
  for (const auto& [why, count] : causes_) {
    if (!causes.empty()) causes += json() ? "," : ", ";
    causes += json() ? fmt::format("\"{}\":{}", to_string(why), count)
                     : fmt::format("{} {}", count, to_string(why));
  }
  if (json()) {
    return fmt::format("{{\"clean\":{},\"unclean\":{},\"causes\":{{{}}},\"unshown_lines\":{}}}",
                       clean_,
                       unclean_,
                       causes,
                       unshown_lines_);
  }
  std::string out = fmt::format("{} clean, {} not clean", clean_, unclean_);
  if (!causes.empty()) out += " (" + causes + ")";
  if (unshown_lines_ != 0) out += fmt::format("; {} lines were not shown", unshown_lines_);
  return out;
}

exit_code refuse(const serve_command& command, const char* why) {
  const std::string where = command.unix_path.empty()
                                ? command.host + " port " + std::to_string(command.port)
                                : command.unix_path;
  fmt::print(stderr, "adieu: listen: {}: {}\n", printable(where), printable(why));
  return exit_code::cannot_listen;
}

// Each connection is a descriptor, and a process has few of them unless it asks for more.
void ask_for_descriptors() {
  rlimit allowed{};
  if (::getrlimit(RLIMIT_NOFILE, &allowed) != 0) return;
  allowed.rlim_cur = allowed.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &allowed);
}

}  // namespace

exit_code run_serve(const serve_command& command) {
  ask_for_descriptors();
  // Never destroyed: its threads may still wait for standard output.
  static asio::io_context& loop = *new asio::io_context(1);
  std::unique_ptr<echo_server> server;
  try {
    server = std::make_unique<echo_server>(loop, command);
    server->listen();
  } catch (const system_error& error) {
    return refuse(command, error.code().message().c_str());
  } catch (const std::invalid_argument& error) {
    fmt::print(stderr, "adieu: {} (adieu serve --help)\n", printable(error.what()));
    return exit_code::usage;
  } catch (const std::runtime_error& error) {
    return refuse(command, error.what());
  }
  asio::co_spawn(loop, server->run(), [&](std::exception_ptr error) {
    if (error) std::rethrow_exception(error);
    loop.stop();
  });
  loop.run();
  return exit_code::ok;
}

}  // namespace adieu::tool
