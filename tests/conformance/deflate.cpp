#include "deflate.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <sstream>
#include <stdexcept>

namespace adieu::conformance {
namespace {

constexpr std::string_view name = "permessage-deflate";
constexpr std::string_view tail("\x00\x00\xff\xff", 4);

std::string trimmed(std::string_view text) {
  while (text.starts_with(' ')) text.remove_prefix(1);
  while (text.ends_with(' ')) text.remove_suffix(1);
  return std::string(text);
}

std::vector<std::string> split(std::string_view text, char at) {
  std::vector<std::string> out;
  std::istringstream in{std::string(text)};
  for (std::string each; std::getline(in, each, at);) out.push_back(trimmed(each));
  return out;
}

void read_parameter(const std::string& text, deflate_terms& into) {
  const std::size_t equals = text.find('=');
  const std::string key = trimmed(text.substr(0, equals));
  std::optional<int> bits;
  if (equals != std::string::npos) {
    std::string digits = trimmed(text.substr(equals + 1));
    if (digits.size() > 2 && digits.front() == '"') digits = digits.substr(1, digits.size() - 2);
    bits = std::stoi(digits);
    if (*bits < 8 || *bits > 15) throw std::runtime_error("a window of 2^" + digits + " bytes");
  }
  if (key == "server_no_context_takeover") {
    into.server_alone = true;
  } else if (key == "client_no_context_takeover") {
    into.client_alone = true;
  } else if (key == "server_max_window_bits" && bits) {
    into.server_bits = bits;
  } else if (key == "client_max_window_bits") {
    into.client_bits_named = true;
    into.client_bits = bits;
  } else {
    throw std::runtime_error("no parameter of permessage-deflate: " + text);
  }
}

}  // namespace

std::vector<deflate_terms> read_deflate(std::string_view extensions) {
  std::vector<deflate_terms> out;
  for (const std::string& element : split(extensions, ',')) {
    const std::vector<std::string> parts = split(element, ';');
    if (parts.empty() || parts.front() != name) continue;
    deflate_terms terms;
    for (std::size_t i = 1; i < parts.size(); ++i) read_parameter(parts[i], terms);
    out.push_back(terms);
  }
  return out;
}

std::string to_offer(std::string_view from_table) {
  std::string out;
  for (const std::string& each : split(from_table, ',')) {
    if (!out.empty()) out += ", ";
    out += fmt::format("{}; client_no_context_takeover; client_max_window_bits", name);
    if (each != "plain") out += "; " + each;
  }
  return out;
}

std::string to_answer(std::string_view from_table, std::string_view offered) {
  for (const deflate_terms& offer : read_deflate(offered)) {
    for (const std::string& each : split(from_table, ',')) {
      std::string out(name);
      if (each != "plain") out += "; " + each;
      const deflate_terms chosen = read_deflate(out).at(0);
      if (chosen.client_bits && !offer.client_bits_named) continue;  // RFC 7692 §7.1.2.2
      if (offer.server_alone) out += "; server_no_context_takeover";
      if (offer.server_bits) out += fmt::format("; server_max_window_bits={}", *offer.server_bits);
      return out;
    }
  }
  return {};
}

std::string wrong_answer(std::string_view offer, std::string_view answer) {
  const std::vector<deflate_terms> answered = read_deflate(answer);
  if (answered.size() != 1) return "it does not name permessage-deflate once";
  const deflate_terms& got = answered.front();
  if (got.client_bits_named && !got.client_bits) return "client_max_window_bits without a value";
  for (const deflate_terms& each : read_deflate(offer)) {  // RFC 7692 §7.1: one of the offers
    if (each.server_alone && !got.server_alone) continue;
    if (each.server_bits && got.server_bits.value_or(15) > *each.server_bits) continue;
    return {};
  }
  return "it promises less than every offer demands";
}

deflater::deflater(int bits, bool alone) : alone_(alone) {
  const int window = std::max(bits, 9);  // raw deflate with 8 is not in zlib
  if (::deflateInit2(&z_, Z_DEFAULT_COMPRESSION, Z_DEFLATED, -window, 8, Z_DEFAULT_STRATEGY) !=
      Z_OK) {
    throw std::runtime_error("deflateInit2");
  }
}

std::string deflater::compress(std::string_view message) {
  if (alone_) ::deflateReset(&z_);
  std::string out(::deflateBound(&z_, message.size()) + 16, '\0');
  z_.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(message.data()));
  z_.avail_in = static_cast<uInt>(message.size());
  z_.next_out = reinterpret_cast<Bytef*>(out.data());
  z_.avail_out = static_cast<uInt>(out.size());
  ::deflate(&z_, Z_SYNC_FLUSH);
  out.resize(out.size() - z_.avail_out);
  if (out.ends_with(tail)) out.resize(out.size() - tail.size());  // RFC 7692 §7.2.1
  if (out.empty()) out.assign(1, '\0');                           // §7.2.3.6: an empty message
  return out;
}

inflater::inflater(int bits, bool alone) : bits_(-bits), alone_(alone) {
  if (::inflateInit2(&z_, bits_) != Z_OK) throw std::runtime_error("inflateInit2");
}

bool inflater::decompress(std::string& message) {
  if (alone_) ::inflateReset2(&z_, bits_);
  message += tail;  // RFC 7692 §7.2.2
  std::string out;
  std::string space(256 * 1024, '\0');
  z_.next_in = reinterpret_cast<Bytef*>(message.data());
  z_.avail_in = static_cast<uInt>(message.size());
  do {
    z_.next_out = reinterpret_cast<Bytef*>(space.data());
    z_.avail_out = static_cast<uInt>(space.size());
    const int done = ::inflate(&z_, Z_SYNC_FLUSH);
    if (done == Z_STREAM_END) ::inflateReset2(&z_, bits_);  // §7.2.3.4: a final block may come
    if (done != Z_OK && done != Z_BUF_ERROR && done != Z_STREAM_END) return false;
    out.append(space, 0, space.size() - z_.avail_out);
  } while (z_.avail_out == 0 || z_.avail_in != 0);
  message = std::move(out);
  return true;
}

}  // namespace adieu::conformance
