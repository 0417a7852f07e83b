// A program under test: started with pipes, fed and watched with a deadline for everything, killed
// at the end of the test at the latest. Nothing sleeps: it waits for lines, ends of files and the
// exit.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <vector>

namespace tool_test {

enum class stdout_is { pipe, terminal };

class process {
 public:
  struct result {
    int status = -1;  ///< of exit(); 128 + the number when a signal killed it
    std::string out;
    std::string err;
  };

  /// Starts the tool with these arguments. Standard input is a pipe, or `stdin_path` when given.
  explicit process(std::vector<std::string> arguments,
                   stdout_is kind = stdout_is::pipe,
                   const std::string& stdin_path = {});
  ~process();
  process(const process&) = delete;
  process& operator=(const process&) = delete;

  /// Queues bytes for standard input; they are written while something is waited for.
  void write(const std::string& bytes);
  /// Standard input ends behind what was queued.
  void end_input();

  /// The next line of standard output or error, without its newline. Throws when none comes.
  std::string out_line();
  std::string err_line();

  void signal(int number) const;

  /// Nobody reads standard output any more.
  void close_output();

  /// Waits for the exit, without ending standard input. Throws when it does not come.
  result wait();
  /// The same, reading standard output only after the exit.
  result wait_unread();
  /// Ends standard input, then waits for the exit.
  result finish(const std::string& input = {});

  /// Bytes of standard input that the program did not take yet.
  [[nodiscard]] std::size_t unread_input() const { return to_write_.size() - written_; }

 private:
  using deadline = std::chrono::steady_clock::time_point;
  struct stream {
    int descriptor = -1;
    std::string all;
    std::size_t taken = 0;
  };

  enum class reads { everything, not_output };
  void pump(deadline until, reads what = reads::everything);
  std::string line_of(stream& from, const char* name);
  static void read_from(stream& from);
  void write_some();

  int pid_ = -1;
  int pidfd_ = -1;
  int in_ = -1;
  bool end_input_ = false;
  std::string to_write_;
  std::size_t written_ = 0;
  stream out_;
  stream err_;
  std::optional<int> status_;
};

/// Starts, ends the input, waits.
process::result run(std::vector<std::string> arguments, const std::string& input = {});

/// `adieu serve` with these options, and the URL that it printed.
class echo_server {
 public:
  explicit echo_server(std::vector<std::string> options = {});
  process program;
  std::string url;
};

/// A directory that goes away with the object.
class temporary_directory {
 public:
  temporary_directory();
  ~temporary_directory();
  temporary_directory(const temporary_directory&) = delete;
  temporary_directory& operator=(const temporary_directory&) = delete;
  [[nodiscard]] std::string file(const std::string& name) const { return path_ + "/" + name; }

 private:
  std::string path_;
};

}  // namespace tool_test
