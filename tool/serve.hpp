// `adieu serve`: a server that sends every message back, and says how each connection ended.
#pragma once

#include <string>

#include "adieu/server.hpp"
#include "exit_code.hpp"
#include "show.hpp"

namespace adieu::tool {

struct serve_command {
  serve_command() { options.websocket.max_buffered_amount = 1024 * 1024; }

  std::string host = "127.0.0.1";
  std::uint16_t port = 0;
  std::string unix_path;  ///< set: instead of host and port
  server_options options;
  output_format format = output_format::text;
};

/// Runs until SIGINT or SIGTERM, then shuts down gracefully.
[[nodiscard]] exit_code run_serve(const serve_command& command);

}  // namespace adieu::tool
