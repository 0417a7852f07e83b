// How received messages look on standard output. Rules: a terminal never gets a byte of the peer
// that is not printable; a pipe gets text as it is, and nothing that could not be taken apart again
// when JSON was asked for.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "adieu/message.hpp"

namespace adieu::tool {

enum class output_format : std::uint8_t { text, json };
enum class binary_format : std::uint8_t {
  hex,  ///< a line of hexadecimal digits
  raw,  ///< the bytes, without a newline
};
enum class destination : std::uint8_t { pipe, terminal };

struct show_options {
  output_format format = output_format::text;
  binary_format binary = binary_format::hex;
  destination to = destination::pipe;
};

[[nodiscard]] std::string show(const message& received, const show_options& how);

}  // namespace adieu::tool
