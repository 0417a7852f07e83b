// fork, exec, /proc.
#include "fuzz/soak/server_process.hpp"

#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <fstream>
#include <stdexcept>

namespace adieu::soak {
namespace {

std::string read_line(int from) {
  std::string line;
  for (char c = 0; ::read(from, &c, 1) == 1 && c != '\n';) line += c;
  return line;
}

}  // namespace

server_process::server_process(const std::string& program) {
  int pipe[2];
  if (::pipe(pipe) != 0) throw std::runtime_error("no pipe");
  pid_ = ::fork();
  if (pid_ == 0) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);  // it does not outlive whoever watches it
    ::dup2(pipe[1], STDOUT_FILENO);
    ::close(pipe[0]);
    ::close(pipe[1]);
    ::execl(program.c_str(), program.c_str(), "serve", "--json", "--deflate", nullptr);
    ::_exit(127);
  }
  ::close(pipe[1]);
  const std::string line = read_line(pipe[0]);
  const std::size_t colon = line.rfind(':');
  if (line.find("listening") == std::string::npos || colon == std::string::npos) {
    throw std::runtime_error("the server does not listen: " + line);
  }
  port_ = static_cast<unsigned short>(std::stoi(line.substr(colon + 1)));
  reader_ = std::thread([this, from = pipe[0]] { read_lines(from); });
}

server_process::~server_process() {
  if (pid_ > 0) {
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
  }
  if (reader_.joinable()) reader_.join();
}

void server_process::read_lines(int from) {
  char space[65536];
  std::string line;
  for (;;) {
    const ssize_t size = ::read(from, space, sizeof space);
    if (size <= 0) break;
    for (const char c : std::string_view(space, static_cast<std::size_t>(size))) {
      if (c != '\n') {
        line += c;
        continue;
      }
      if (line.starts_with("{\"role\"")) ++lines_;
      last_line_.swap(line);
      line.clear();
    }
  }
  ::close(from);
}

server_process::footprint server_process::look() const {
  const std::string folder = "/proc/" + std::to_string(pid_);
  footprint out;
  std::ifstream rollup(folder + "/smaps_rollup");
  for (std::string word; rollup >> word;) {
    if (word == "Pss:") {
      rollup >> out.kib;
      break;
    }
  }
  for (const auto& each : std::filesystem::directory_iterator(folder + "/fd")) {
    out.descriptors += each.exists() || each.is_symlink() ? 1 : 0;
  }
  return out;
}

int server_process::shut_down() {
  ::kill(pid_, SIGTERM);
  int status = 0;
  ::waitpid(pid_, &status, 0);
  pid_ = -1;
  reader_.join();
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

}  // namespace adieu::soak
