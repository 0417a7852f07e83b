// Counts the system calls of another process with strace, exactly between two moments.
//
// strace slows the process down, so nothing else is measured meanwhile; how much is queued up while
// it is slow also changes how many messages share a call, which favours whoever batches.
#pragma once

#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>

#include "../support.hpp"

namespace bench::load {

class system_call_count {
 public:
  /// Returns once strace is attached to all threads.
  void begin(std::uint64_t process) {
    report_ = std::filesystem::temp_directory_path() / ("calls-" + std::to_string(::getpid()));
    std::array<int, 2> said{};
    checked(::pipe(said.data()), "pipe");
    const auto target = std::to_string(process);
    tracer_ = checked(::fork(), "fork");
    if (tracer_ == 0) {
      ::dup2(said[1], STDERR_FILENO);
      ::execlp(
          "strace", "strace", "-c", "-f", "-o", report_.c_str(), "-p", target.c_str(), nullptr);
      ::_exit(127);
    }
    ::close(said[1]);
    std::string text;
    std::array<char, 256> part{};
    while (text.find("attached") == std::string::npos) {
      const auto got = ::read(said[0], part.data(), part.size());
      if (got <= 0) {
        fail("strace: " + text);
      }
      text.append(part.data(), static_cast<std::size_t>(got));
    }
    ::close(said[0]);
    ::usleep(100'000);  // we send nothing meanwhile: the server falls idle, and strace catches it
  }

  /// How many calls there were since `begin`.
  std::uint64_t end() {
    ::kill(tracer_, SIGINT);
    ::waitpid(tracer_, nullptr, 0);
    std::ifstream report(report_);
    std::uint64_t total = 0;
    for (std::string line; std::getline(report, line);) {
      // "% time, seconds, usecs/call, calls[, errors], syscall"; the last line is the total.
      std::istringstream fields(line);
      std::string share, seconds, each;
      std::uint64_t calls = 0;
      if (fields >> share >> seconds >> each >> calls && line.ends_with("total")) {
        total = calls;
      }
    }
    report.close();
    std::filesystem::remove(report_);
    return total;
  }

 private:
  int tracer_ = 0;
  std::filesystem::path report_;
};

/// The private memory of a process (PSS: shared pages count by their share), in KiB.
inline std::uint64_t memory_kib(std::uint64_t process) {
  std::ifstream rollup("/proc/" + std::to_string(process) + "/smaps_rollup");
  for (std::string line; std::getline(rollup, line);) {
    if (line.starts_with("Pss:")) {
      return std::stoull(line.substr(4));
    }
  }
  fail("no memory to read for process " + std::to_string(process));
}

}  // namespace bench::load
