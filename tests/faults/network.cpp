// Namespaces by system calls; everything in them by ip, nft and tc.
#include "tests/faults/network.hpp"

#include <fcntl.h>
#include <sched.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <stdexcept>

namespace adieu::test {
namespace {

[[noreturn]] void fail(const std::string& what) {
  throw std::runtime_error(what + ": " + std::strerror(errno));
}

int own_space() {
  const int out = ::open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
  if (out < 0) fail("/proc/thread-self/ns/net");
  return out;
}

/// A new namespace; the thread stays where it is.
int new_space() {
  const int home = own_space();
  if (::unshare(CLONE_NEWNET) != 0) {
    ::close(home);
    fail("unshare");
  }
  const int out = own_space();
  if (::setns(home, CLONE_NEWNET) != 0) std::terminate();  // this thread is lost
  ::close(home);
  return out;
}

std::string find_program(const std::string& name) {
  for (const char* folder : {"/usr/sbin/", "/sbin/", "/usr/bin/", "/bin/"}) {
    if (::access((folder + name).c_str(), X_OK) == 0) return folder + name;
  }
  return {};
}

constexpr const char* device = "cable";

// Dropped before TCP sees it. In what a host sends, a drop would be an error that its TCP knows.
constexpr const char* filter =
    "add table inet faults;"
    "add set inet faults ports { type inet_service; };"
    "add chain inet faults everything;"
    "add chain inet faults arriving { type filter hook prerouting priority raw; };"
    "add rule inet faults arriving iifname != cable accept;"
    "add rule inet faults arriving tcp dport @ports drop;"
    "add rule inet faults arriving tcp sport @ports drop;"
    "add rule inet faults arriving jump everything";

}  // namespace

std::optional<std::string> network::missing() {
  if (const char* const ci = std::getenv("CI"); ci != nullptr && *ci != '\0') return std::nullopt;
  if (::geteuid() != 0) return "network namespaces need root";
  for (const char* program : {"ip", "nft", "tc"}) {
    if (find_program(program).empty()) {
      return std::string("no ") + program + " here (apt install iproute2 nftables)";
    }
  }
  const int home = own_space();
  const bool allowed = ::unshare(CLONE_NEWNET) == 0;
  if (allowed && ::setns(home, CLONE_NEWNET) != 0) std::terminate();
  ::close(home);
  if (!allowed) return std::string("no network namespaces: ") + std::strerror(errno);
  return std::nullopt;
}

network::network() : near_(new_space()), far_(new_space()) {
  const std::string far_path =
      "/proc/" + std::to_string(::getpid()) + "/fd/" + std::to_string(far_);
  try {
    run(host::near,
        {"ip", "link", "add", device, "type", "veth", "peer", "name", device, "netns", far_path});
    for (const host each : {host::near, host::far}) {
      run(each, {"ip", "link", "set", "lo", "up"});
      // Addresses of IPv4 alone: nothing has to settle, and packets of TCP's are all there is.
      run(each, {"ip", "link", "set", device, "addrgenmode", "none"});
      run(each, {"ip", "address", "add", address(each) + "/24", "dev", device});
      run(each, {"ip", "link", "set", device, "up"});
      run(each, {"nft", filter});
    }
  } catch (...) {
    ::close(near_);
    ::close(far_);
    throw;
  }
}

network::~network() {
  ::close(near_);
  ::close(far_);
}

std::string network::address(host of) { return of == host::near ? "10.77.0.1" : "10.77.0.2"; }

network::visit::visit(const network& in, host where) : home_(own_space()) {
  if (::setns(in.space(where), CLONE_NEWNET) != 0) {
    ::close(home_);
    fail("setns");
  }
}

network::visit::~visit() {
  if (::setns(home_, CLONE_NEWNET) != 0) std::terminate();
  ::close(home_);
}

void network::drop_all(host to) const {
  run(to, {"nft", "flush chain inet faults everything; add rule inet faults everything drop"});
}
void network::pass_all(host to) const { run(to, {"nft", "flush chain inet faults everything"}); }
void network::drop_port(host to, std::uint16_t port) const {
  run(to, {"nft", "add element inet faults ports { " + std::to_string(port) + " }"});
}
void network::pass_port(host to, std::uint16_t port) const {
  run(to, {"nft", "delete element inet faults ports { " + std::to_string(port) + " }"});
}

void network::limit(host from, unsigned kilobits_a_second, unsigned packets) const {
  const std::string rate = std::to_string(kilobits_a_second) + "kbit";
  // One packet is one frame of Ethernet's: no segment of 64 KiB that HTB would let pass whole.
  run(from, {"ip", "link", "set", device, "gso_max_segs", "1"});
  run(from,
      {"tc", "qdisc", "replace", "dev", device, "root", "handle", "1:", "htb", "default", "1"});
  run(from,
      {"tc",
       "class",
       "replace",
       "dev",
       device,
       "parent",
       "1:",
       "classid",
       "1:1",
       "htb",
       "rate",
       rate,
       "burst",
       "1600",
       "cburst",
       "1600",
       "quantum",
       "1514"});
  run(from,
      {"tc",
       "qdisc",
       "replace",
       "dev",
       device,
       "parent",
       "1:1",
       "handle",
       "10:",
       "pfifo",
       "limit",
       std::to_string(packets)});
}

void network::unlimit(host from) const {
  run(from, {"tc", "qdisc", "delete", "dev", device, "root"});
  run(from, {"ip", "link", "set", device, "gso_max_segs", "65535"});
}

void network::run(host where, const std::vector<std::string>& command) const {
  const visit here(*this, where);
  std::vector<char*> arguments;
  std::string line;
  for (const std::string& each : command) {
    arguments.push_back(const_cast<char*>(each.c_str()));
    line += each + ' ';
  }
  arguments.push_back(nullptr);
  pid_t child = 0;
  errno = ::posix_spawn(
      &child, find_program(command.front()).c_str(), nullptr, nullptr, arguments.data(), environ);
  if (errno != 0) fail(line);
  int status = 0;
  while (::waitpid(child, &status, 0) < 0) {
    if (errno != EINTR) fail(line);
  }
  if (status != 0) throw std::runtime_error(line + "failed: it says why on standard error");
}

}  // namespace adieu::test
