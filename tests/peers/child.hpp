// A program that a test starts: its lines in and out, and its certain end. It leads a process group
// of its own, which the destructor kills; if the test itself dies, the kernel kills the program.
#pragma once

#include <fcntl.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

namespace peers {

/// For every wait of these tests: far longer than anything takes on a busy machine.
inline constexpr std::chrono::seconds patience{25};

class child {
 public:
  /// What the program writes to stderr goes to ours, or into the file of this name.
  explicit child(std::vector<std::string> command, const std::string& errors_to = {}) {
    int in[2], out[2];
    if (::pipe2(in, O_CLOEXEC) != 0 || ::pipe2(out, O_CLOEXEC) != 0) fail("pipe2");
    std::vector<char*> arguments;
    for (std::string& word : command) arguments.push_back(word.data());
    arguments.push_back(nullptr);
    const pid_t parent = ::getpid();
    pid_ = ::fork();
    if (pid_ < 0) fail("fork");
    if (pid_ == 0) {  // only async-signal-safe calls from here: other threads may hold locks
      ::setpgid(0, 0);
      ::prctl(PR_SET_PDEATHSIG, SIGKILL);
      if (::getppid() != parent) ::_exit(126);
      ::dup2(in[0], STDIN_FILENO);
      ::dup2(out[1], STDOUT_FILENO);
      if (!errors_to.empty()) {
        const int file = ::open(errors_to.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0644);
        if (file >= 0) ::dup2(file, STDERR_FILENO);
      }
      ::execvp(arguments[0], arguments.data());
      ::_exit(127);
    }
    ::setpgid(pid_, pid_);  // whoever of the two comes first
    ::close(in[0]);
    ::close(out[1]);
    in_ = in[1];
    out_ = out[0];
    ::signal(SIGPIPE, SIG_IGN);
  }
  child(const child&) = delete;
  child& operator=(const child&) = delete;
  ~child() {
    kill();
    ::close(in_);
    ::close(out_);
  }

  void write_line(std::string line) {
    line += '\n';
    for (std::string_view rest = line; !rest.empty();) {
      const ssize_t size = ::write(in_, rest.data(), rest.size());
      if (size < 0 && errno != EINTR) fail("write to a child");
      if (size > 0) rest.remove_prefix(static_cast<std::size_t>(size));
    }
  }

  /// The next line, or nothing when the program has closed its stdout. Throws at the deadline.
  [[nodiscard]] std::optional<std::string> read_line(
      std::chrono::steady_clock::time_point deadline) {
    for (;;) {
      if (const auto end = read_.find('\n'); end != std::string::npos) {
        std::string line = read_.substr(0, end);
        read_.erase(0, end + 1);
        return line;
      }
      const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(
          deadline - std::chrono::steady_clock::now());
      pollfd waited{out_, POLLIN, 0};
      if (left.count() <= 0 || ::poll(&waited, 1, static_cast<int>(left.count())) == 0) {
        throw std::runtime_error("the program wrote no line in time; it wrote: " + read_);
      }
      char buffer[4096];
      const ssize_t size = ::read(out_, buffer, sizeof buffer);
      if (size == 0) return std::nullopt;
      if (size < 0 && errno != EINTR) fail("read from a child");
      if (size > 0) read_.append(buffer, static_cast<std::size_t>(size));
    }
  }

  /// SIGKILL for the whole group, and its leader is reaped. Its TCP connections are the kernel's
  /// now.
  void kill() {
    if (pid_ <= 0) return;
    ::kill(-pid_, SIGKILL);
    reap();
  }

  /// Waits for the program's own end. Its exit status; 128 and the signal's number when killed.
  int wait() {
    while (read_line(std::chrono::steady_clock::now() + patience)) {
    }
    return reap();
  }

 private:
  [[noreturn]] static void fail(const char* what) {
    throw std::system_error(errno, std::generic_category(), what);
  }

  int reap() {
    int status = 0;
    while (::waitpid(pid_, &status, 0) < 0 && errno == EINTR) {
    }
    pid_ = -1;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  }

  pid_t pid_ = -1;
  int in_ = -1;
  int out_ = -1;
  std::string read_;
};

/// A new empty folder, and its end.
class temporary_folder {
 public:
  temporary_folder() {
    std::string name = "/tmp/adieu-peers-XXXXXX";
    if (::mkdtemp(name.data()) == nullptr) {
      throw std::system_error(errno, std::generic_category(), "mkdtemp");
    }
    path = name;
  }
  temporary_folder(const temporary_folder&) = delete;
  temporary_folder& operator=(const temporary_folder&) = delete;
  ~temporary_folder() { child({"rm", "-rf", path}).wait(); }

  std::string path;
};

}  // namespace peers
