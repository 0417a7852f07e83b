// Programs of the tests: started, fed, read with a deadline, killed.
#include "process.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <stdexcept>
#include <system_error>

namespace tool_test {
namespace {

constexpr auto patience = std::chrono::seconds(30);

int checked(int outcome, const char* what) {
  if (outcome < 0) throw std::system_error(errno, std::generic_category(), what);
  return outcome;
}

void close_one(int& descriptor) {
  if (descriptor >= 0) ::close(descriptor);
  descriptor = -1;
}

struct pipe_ends {
  int read = -1;
  int write = -1;
};

pipe_ends make_pipe() {
  int ends[2];
  checked(::pipe2(ends, O_CLOEXEC), "pipe2");
  return {ends[0], ends[1]};
}

// The master to read from, and the slave in raw mode to write to.
pipe_ends make_terminal() {
  const int master = checked(::posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC), "posix_openpt");
  checked(::grantpt(master), "grantpt");
  checked(::unlockpt(master), "unlockpt");
  const int slave = checked(::open(::ptsname(master), O_RDWR | O_NOCTTY | O_CLOEXEC), "open pty");
  termios settings{};
  checked(::tcgetattr(slave, &settings), "tcgetattr");
  ::cfmakeraw(&settings);
  checked(::tcsetattr(slave, TCSANOW, &settings), "tcsetattr");
  return {master, slave};
}

}  // namespace

process::process(std::vector<std::string> arguments,
                 stdout_is kind,
                 const std::string& stdin_path) {
  std::signal(SIGPIPE, SIG_IGN);
  pipe_ends in;
  if (stdin_path.empty()) {
    in = make_pipe();
  } else {
    in.read = checked(::open(stdin_path.c_str(), O_RDONLY | O_CLOEXEC), "open");
  }
  pipe_ends out = kind == stdout_is::pipe ? make_pipe() : make_terminal();
  pipe_ends err = make_pipe();
  std::string tool = ADIEU_TOOL;
  std::vector<char*> argv{tool.data()};
  for (std::string& argument : arguments) argv.push_back(argument.data());
  argv.push_back(nullptr);

  pid_ = checked(::fork(), "fork");
  if (pid_ == 0) {
    ::dup2(in.read, STDIN_FILENO);
    ::dup2(out.write, STDOUT_FILENO);
    ::dup2(err.write, STDERR_FILENO);
    std::signal(SIGPIPE, SIG_DFL);
    ::execv(argv[0], argv.data());
    ::_exit(127);
  }
  ::close(in.read);
  ::close(out.write);
  ::close(err.write);
  in_ = in.write;
  if (in_ >= 0) checked(::fcntl(in_, F_SETFL, O_NONBLOCK), "fcntl");
  out_.descriptor = out.read;
  err_.descriptor = err.read;
  pidfd_ = checked(static_cast<int>(::syscall(SYS_pidfd_open, pid_, 0)), "pidfd_open");
}

process::~process() {
  if (!status_) {
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
  }
  close_one(in_);
  close_one(out_.descriptor);
  close_one(err_.descriptor);
  close_one(pidfd_);
}

void process::write(const std::string& bytes) {
  to_write_ += bytes;
  write_some();
}

void process::end_input() {
  end_input_ = true;
  write_some();
}

void process::write_some() {
  if (in_ < 0) return;
  while (unread_input() != 0) {
    const ssize_t put = ::write(in_, to_write_.data() + written_, unread_input());
    if (put < 0) {
      if (errno != EAGAIN) close_one(in_);  // nobody reads any more
      return;
    }
    written_ += static_cast<std::size_t>(put);
  }
  if (end_input_) close_one(in_);
}

void process::read_from(stream& from) {
  char space[65536];
  const ssize_t got = ::read(from.descriptor, space, sizeof space);
  if (got > 0) {
    from.all.append(space, static_cast<std::size_t>(got));
  } else {  // the end, or EIO of a terminal that nobody holds any more
    close_one(from.descriptor);
  }
}

// Waits for one thing to happen.
void process::pump(deadline until, reads what) {
  const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(
      until - std::chrono::steady_clock::now());
  if (left.count() <= 0) {
    throw std::runtime_error("nothing happened in time; out: " + out_.all + "; err: " + err_.all);
  }
  pollfd events[4] = {{unread_input() == 0 && !end_input_ ? -1 : in_, POLLOUT, 0},
                      {what == reads::everything ? out_.descriptor : -1, POLLIN, 0},
                      {err_.descriptor, POLLIN, 0},
                      {status_ ? -1 : pidfd_, POLLIN, 0}};
  ::poll(events, 4, static_cast<int>(left.count()));
  if (events[0].revents != 0) write_some();
  if (events[1].revents != 0) read_from(out_);
  if (events[2].revents != 0) read_from(err_);
  if (events[3].revents != 0) {
    int status = 0;
    checked(::waitpid(pid_, &status, 0), "waitpid");
    status_ = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  }
}

std::string process::line_of(stream& from, const char* name) {
  const auto until = std::chrono::steady_clock::now() + patience;
  for (;;) {
    const std::size_t newline = from.all.find('\n', from.taken);
    if (newline != std::string::npos) {
      std::string line = from.all.substr(from.taken, newline - from.taken);
      from.taken = newline + 1;
      return line;
    }
    if (from.descriptor < 0) {
      throw std::runtime_error(std::string("no further line on ") + name + "; out: " + out_.all +
                               "; err: " + err_.all);
    }
    pump(until);
  }
}

std::string process::out_line() { return line_of(out_, "standard output"); }
std::string process::err_line() { return line_of(err_, "standard error"); }

void process::close_output() { close_one(out_.descriptor); }

void process::signal(int number) const { checked(::kill(pid_, number), "kill"); }

process::result process::wait() {
  const auto until = std::chrono::steady_clock::now() + patience;
  while (!status_ || out_.descriptor >= 0 || err_.descriptor >= 0) pump(until);
  return {*status_, out_.all, err_.all};
}

process::result process::wait_unread() {
  const auto until = std::chrono::steady_clock::now() + patience;
  while (!status_) pump(until, reads::not_output);
  return wait();
}

process::result process::finish(const std::string& input) {
  write(input);
  end_input();
  return wait();
}

process::result run(std::vector<std::string> arguments, const std::string& input) {
  process program(std::move(arguments));
  return program.finish(input);
}

namespace {
std::vector<std::string> with_serve(std::vector<std::string> options) {
  options.insert(options.begin(), "serve");
  return options;
}
}  // namespace

echo_server::echo_server(std::vector<std::string> options)
    : program(with_serve(std::move(options))) {
  const std::string line = program.out_line();
  const std::string words = "listening on ";
  if (!line.starts_with(words)) throw std::runtime_error("the first line is: " + line);
  url = line.substr(words.size());
}

temporary_directory::temporary_directory() {
  std::string pattern = std::filesystem::temp_directory_path() / "adieu-test-XXXXXX";
  if (::mkdtemp(pattern.data()) == nullptr) checked(-1, "mkdtemp");
  path_ = pattern;
}

temporary_directory::~temporary_directory() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

}  // namespace tool_test
