// The CPU time of another process, in nanoseconds.
//
// /proc/PID/schedstat counts nanoseconds where /proc/PID/stat counts clock ticks of 10 ms; the
// scheduler keeps both from the same sum. A running thread's share is up to one tick old.
#pragma once

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <string>
#include <system_error>

#include "../support.hpp"

namespace bench::load {

inline std::uint64_t cpu_nanoseconds(std::uint64_t process) {
  std::uint64_t sum = 0;
  bool seen = false;
  std::error_code error;
  const std::filesystem::path tasks = "/proc/" + std::to_string(process) + "/task";
  for (const auto& task : std::filesystem::directory_iterator(tasks, error)) {
    std::ifstream file(task.path() / "schedstat");
    std::uint64_t run_time = 0;
    if (file >> run_time) {
      sum += run_time;
      seen = true;
    }
  }
  if (error || !seen) {
    fail("no CPU time to read for process " + std::to_string(process));
  }
  return sum;
}

}  // namespace bench::load
