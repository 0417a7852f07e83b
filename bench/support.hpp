// What every benchmark server shares: a listening socket on a port the kernel chooses, announced
// as `listening PORT` on stdout, and loud failure.
//
// Rules of this file: set-up only, nothing that runs once a message.
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>

namespace bench {

[[noreturn]] inline void fail(const std::string& what) {
  std::fprintf(stderr, "bench: %s\n", what.c_str());
  std::exit(1);
}

[[noreturn]] inline void fail_errno(const char* call) {
  fail(std::string(call) + ": " + std::strerror(errno));
}

/// The value of a system call, or the end of the program with its name.
inline int checked(int result, const char* call) {
  if (result < 0) {
    fail_errno(call);
  }
  return result;
}

/// A decimal argument, or the end of the program.
inline std::uint64_t number(const char* text, const char* meaning) {
  char* end = nullptr;
  errno = 0;
  const auto value = std::strtoull(text, &end, 10);
  if (errno != 0 || end == text || *end != '\0') {
    fail(std::string(meaning) + " is not a number: " + text);
  }
  return value;
}

/// argv[index] as a port; 0 (the kernel chooses) when it is not there.
inline std::uint16_t port_argument(int argc, char** argv, int index = 1) {
  if (argc <= index) {
    return 0;
  }
  const auto value = number(argv[index], "port");
  if (value > 65535) {
    fail("port is larger than 65535");
  }
  return static_cast<std::uint16_t>(value);
}

/// How a server is asked to play a scenario.
struct server_arguments {
  server_arguments(int argc, char** argv) {
    for (int i = 1; i < argc; ++i) {
      const std::string name = argv[i];
      if (name == "--broadcast") {
        broadcasts = true;
      } else if (name == "--deflate") {
        deflates = true;
      } else if (name == "--idle") {
        pings = true;
      } else if (name == "--tls" && i + 1 < argc) {
        certificate = argv[++i];
      } else if (name == "--key" && i + 1 < argc) {
        key = argv[++i];
      } else {
        fail("[--broadcast] [--deflate] [--idle] [--tls CERTIFICATE --key KEY], not " + name);
      }
    }
  }

  bool broadcasts = false;  ///< what one sends, all get
  bool deflates = false;
  bool pings = false;       ///< after 20 s of silence, where it is not the default
  std::string certificate;  ///< PEM files; empty: no TLS
  std::string key;
};

inline sockaddr_in loopback(std::uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

/// A non-blocking listening socket on 127.0.0.1.
inline int listen_on(std::uint16_t port) {
  const int listener =
      checked(::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), "socket");
  const int on = 1;
  checked(::setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on), "SO_REUSEADDR");
  const sockaddr_in address = loopback(port);
  checked(::bind(listener, reinterpret_cast<const sockaddr*>(&address), sizeof address), "bind");
  checked(::listen(listener, 4096), "listen");
  return listener;
}

/// Prints `listening PORT`, which is what run.sh waits for.
inline void announce(int listener) {
  sockaddr_in address{};
  socklen_t length = sizeof address;
  checked(::getsockname(listener, reinterpret_cast<sockaddr*>(&address), &length), "getsockname");
  std::printf("listening %u\n", static_cast<unsigned>(ntohs(address.sin_port)));
  std::fflush(stdout);
}

inline void no_delay(int socket) {
  const int on = 1;
  checked(::setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on), "TCP_NODELAY");
}

}  // namespace bench
