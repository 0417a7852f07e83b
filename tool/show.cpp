// Messages as lines, safe for a terminal.
#include "show.hpp"

#include <fmt/format.h>
#include <openssl/evp.h>

#include <iterator>

#include "adieu/record.hpp"

namespace adieu::tool {
namespace {

std::string hex(std::string_view bytes) {
  std::string out;
  out.reserve(bytes.size() * 2 + 1);
  for (const char c : bytes) {
    fmt::format_to(std::back_inserter(out), "{:02x}", static_cast<unsigned char>(c));
  }
  return out;
}

std::string base64(std::string_view bytes) {
  std::string out((bytes.size() + 2) / 3 * 4, '\0');
  if (bytes.empty()) return out;
  out.push_back('\0');  // EVP_EncodeBlock ends its text with one
  const int size = EVP_EncodeBlock(reinterpret_cast<unsigned char*>(out.data()),
                                   reinterpret_cast<const unsigned char*>(bytes.data()),
                                   static_cast<int>(bytes.size()));
  out.resize(static_cast<std::size_t>(size));
  return out;
}

}  // namespace

std::string show(const message& received, const show_options& how) {
  const bool is_text = received.type == message_type::text;
  if (how.format == output_format::json) {
    return fmt::format("{{\"type\":\"{}\",\"data\":{}}}\n",
                       to_string(received.type),
                       json_string(is_text ? received.payload : base64(received.payload)));
  }
  const bool terminal = how.to == destination::terminal;
  if (is_text) return (terminal ? printable(received.payload) : received.payload) + "\n";
  if (how.binary == binary_format::hex) return hex(received.payload) + "\n";
  return terminal ? printable(received.payload) + "\n" : received.payload;
}

}  // namespace adieu::tool
