// `adieu connect`: lines of standard input become messages, received messages go to standard
// output, and one line on standard error says how the connection ended.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

#include "adieu/connect.hpp"
#include "arguments.hpp"
#include "exit_code.hpp"
#include "show.hpp"

namespace adieu::tool {

/// What happens when the input has ended.
enum class at_end_of_input : std::uint8_t { close, stay };

struct connect_command {
  connect_command() = default;

  std::string url;
  connect_options options;
  close_argument close;
  /// For everything together; 0: for ever.
  std::chrono::milliseconds timeout{0};
  output_format format = output_format::text;
  binary_format binary = binary_format::hex;
  message_type send_as = message_type::text;
  at_end_of_input then = at_end_of_input::close;
};

/// Runs to the end of the connection.
[[nodiscard]] exit_code run_connect(const connect_command& command);

}  // namespace adieu::tool
