// A Close and a header, as they stand on the command line.
#include "arguments.hpp"

#include <charconv>
#include <stdexcept>

#include "adieu/core/close_payload.hpp"
#include "adieu/core/handshake.hpp"

namespace adieu::tool {
namespace {

std::string_view trimmed(std::string_view text) {
  while (text.starts_with(' ') || text.starts_with('\t')) text.remove_prefix(1);
  while (text.ends_with(' ') || text.ends_with('\t')) text.remove_suffix(1);
  return text;
}

}  // namespace

close_argument parse_close(std::string_view text) {
  const std::string_view digits = text.substr(0, text.find(':'));
  std::uint16_t number = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
  if (error != std::errc() || end != digits.data() + digits.size()) {
    throw std::invalid_argument("takes CODE or CODE:REASON, such as 1000:bye");
  }
  close_argument out;
  out.code = close_status{number};
  if (digits.size() != text.size()) out.reason = text.substr(digits.size() + 1);
  if (const auto wrong = core::bad_close_argument(out.code, out.reason); !wrong.empty()) {
    throw std::invalid_argument(std::string(wrong));
  }
  return out;
}

std::pair<std::string, std::string> parse_header(std::string_view text) {
  const std::size_t colon = text.find(':');
  if (colon == std::string_view::npos || colon == 0) {
    throw std::invalid_argument("takes 'Name: value'");
  }
  const std::string_view name = text.substr(0, colon);
  const std::string_view value = trimmed(text.substr(colon + 1));
  if (!core::is_token(name)) throw std::invalid_argument("the name is not a header's");
  if (!core::is_field_value(value)) {
    throw std::invalid_argument("the value has control characters in it");
  }
  return {std::string(name), std::string(value)};
}

}  // namespace adieu::tool
