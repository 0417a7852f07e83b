// The load generator's command line.
#pragma once

#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "../support.hpp"

namespace bench::load {

enum class protocol { websocket, raw_tcp };
enum class security { none, tls };
enum class payload_kind { binary, ascii_text, mixed_text, json };
enum class compression { none, each_alone, takeover };

struct options {
  std::uint16_t port = 0;
  std::size_t connections = 64;
  std::size_t in_flight = 1;
  std::size_t size = 16;
  payload_kind kind = payload_kind::binary;
  protocol speaks = protocol::websocket;
  load::security security = load::security::none;
  compression deflate = compression::none;
  std::uint64_t milliseconds = 2000;
  std::uint64_t warm_up_milliseconds = 300;
  /// Messages a second over all connections; 0 answers every reply with the next message.
  std::uint64_t rate = 0;
  /// The server's process, or our own: its CPU time is read at both ends of the measured window.
  std::uint64_t server_process = 0;
  /// Attach strace to that process for the measured window.
  bool counts_calls = false;
};

inline constexpr const char* usage =
    "bench_load --port PORT [--connections N] [--inflight M] [--size BYTES]\n"
    "           [--kind binary|text|mixed|json] [--deflate alone|takeover] [--raw|--tls]\n"
    "           [--ms DURATION] [--warmup-ms DURATION] [--rate MESSAGES_PER_SECOND]\n"
    "           [--pid SERVER|self [--count-calls]]\n";

inline payload_kind kind_named(std::string_view name) {
  if (name == "binary") {
    return payload_kind::binary;
  }
  if (name == "text") {
    return payload_kind::ascii_text;
  }
  if (name == "mixed") {
    return payload_kind::mixed_text;
  }
  if (name == "json") {
    return payload_kind::json;
  }
  fail("--kind is binary, text, mixed or json");
}

inline compression compression_named(std::string_view name) {
  if (name == "alone") {
    return compression::each_alone;
  }
  if (name == "takeover") {
    return compression::takeover;
  }
  fail("--deflate is alone or takeover");
}

inline options read_options(int argc, char** argv) {
  options chosen;
  for (int i = 1; i < argc; ++i) {
    const std::string_view name = argv[i];
    if (name == "--raw") {
      chosen.speaks = protocol::raw_tcp;
      continue;
    }
    if (name == "--tls") {
      chosen.security = security::tls;
      continue;
    }
    if (name == "--count-calls") {
      chosen.counts_calls = true;
      continue;
    }
    if (i + 1 == argc) {
      fail(std::string("an unknown option or one without its value: ") + argv[i] + "\n" + usage);
    }
    const char* value = argv[++i];
    if (name == "--port") {
      chosen.port = port_argument(argc, argv, i);
    } else if (name == "--connections") {
      chosen.connections = number(value, "--connections");
    } else if (name == "--inflight") {
      chosen.in_flight = number(value, "--inflight");
    } else if (name == "--size") {
      chosen.size = number(value, "--size");
    } else if (name == "--kind") {
      chosen.kind = kind_named(value);
    } else if (name == "--deflate") {
      chosen.deflate = compression_named(value);
    } else if (name == "--ms") {
      chosen.milliseconds = number(value, "--ms");
    } else if (name == "--warmup-ms") {
      chosen.warm_up_milliseconds = number(value, "--warmup-ms");
    } else if (name == "--rate") {
      chosen.rate = number(value, "--rate");
    } else if (name == "--pid") {
      const bool own = std::string_view(value) == "self";
      chosen.server_process = own ? static_cast<std::uint64_t>(::getpid()) : number(value, "--pid");
    } else {
      fail(std::string("unknown option ") + argv[i - 1] + "\n" + usage);
    }
  }
  if (chosen.counts_calls && chosen.server_process == 0) {
    fail("--count-calls needs --pid");
  }
  if (chosen.port == 0 || chosen.connections == 0 || chosen.in_flight == 0 || chosen.size == 0) {
    fail(std::string("a port, a connection, a message and a byte are the least there is\n") +
         usage);
  }
  return chosen;
}

}  // namespace bench::load
