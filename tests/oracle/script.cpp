// The text of a script, both ways, and the bytes of the peer's frames.
#include "tests/oracle/script.hpp"

#include <fmt/format.h>

#include <array>
#include <charconv>
#include <stdexcept>

namespace oracle {
namespace {

constexpr std::array<std::string_view, 14> verbs{"send",
                                                 "receive",
                                                 "close",
                                                 "close_output",
                                                 "cancel",
                                                 "cancel_send",
                                                 "abort",
                                                 "dispose",
                                                 "wait",
                                                 "peer",
                                                 "fin",
                                                 "rst",
                                                 "stall",
                                                 "go"};

[[noreturn]] void refuse(std::string_view what) {
  throw std::invalid_argument(fmt::format("not a script: \"{}\"", what));
}

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
  while (!text.empty() && text.back() == ' ') text.remove_suffix(1);
  return text;
}

/// Cuts off what stands before `mark`, or all.
std::string_view cut(std::string_view& rest, char mark) {
  const std::size_t at = rest.find(mark);
  const std::string_view head = rest.substr(0, at);
  rest = at == std::string_view::npos ? std::string_view() : rest.substr(at + 1);
  return trimmed(head);
}

template <typename Number>
Number number(std::string_view text, int base = 10) {
  Number value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, base);
  if (error != std::errc() || end != text.data() + text.size()) refuse(text);
  return value;
}

step parse_step(std::string_view text) {
  std::string_view rest = text;
  const std::string_view name = cut(rest, ' ');
  rest = trimmed(rest);
  step out;
  std::size_t index = 0;
  while (index < verbs.size() && verbs[index] != name) ++index;
  if (index == verbs.size()) refuse(text);
  out.what = static_cast<verb>(index);
  switch (out.what) {
    case verb::send: {
      const std::string_view type = cut(rest, ' ');
      out.binary = type == "binary";
      out.as_close = type == "close";
      out.more = cut(rest, ' ') == "more";
      out.size = number<std::size_t>(rest);
      break;
    }
    case verb::receive:
    case verb::wait: out.size = number<std::size_t>(rest); break;
    case verb::close:
    case verb::close_output:
      out.code = number<int>(cut(rest, ' '));
      out.text = rest;
      break;
    case verb::peer: out.text = rest; break;
    case verb::cancel:
    case verb::cancel_send:
    case verb::abort:
    case verb::dispose:
    case verb::fin:
    case verb::rst:
    case verb::stall:
    case verb::go: break;
  }
  return out;
}

int hex_digit(char letter) {
  if (letter >= '0' && letter <= '9') return letter - '0';
  if (letter >= 'a' && letter <= 'f') return letter - 'a' + 10;
  if (letter >= 'A' && letter <= 'F') return letter - 'A' + 10;
  refuse(std::string_view(&letter, 1));
}

std::string from_hex(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i + 1 < text.size(); i += 2) {
    out += static_cast<char>(hex_digit(text[i]) * 16 + hex_digit(text[i + 1]));
  }
  return out;
}

void append_big_endian(std::string& out, std::uint64_t value, int bytes) {
  for (int shift = 8 * (bytes - 1); shift >= 0; shift -= 8) {
    out += static_cast<char>((value >> static_cast<unsigned>(shift)) & 0xFFU);
  }
}

unsigned opcode_of(std::string_view kind) {
  constexpr std::array<std::string_view, 3> data{"cont", "text", "binary"};
  constexpr std::array<std::string_view, 3> control{"close", "ping", "pong"};
  for (unsigned i = 0; i < 3; ++i) {
    if (kind == data[i]) return i;
    if (kind == control[i]) return 8 + i;
  }
  if (!kind.starts_with("op")) refuse(kind);
  return number<unsigned>(kind.substr(2));
}

std::string frame(std::string_view text, adieu::role to) {
  std::string_view payload_text = text;
  std::string_view flags = cut(payload_text, ':');
  const std::string_view kind = cut(flags, '!');
  if (kind == "raw") return from_hex(payload_text);

  unsigned first = opcode_of(kind) | 0x80U;
  bool masked = to == adieu::role::server;
  int width = 0;
  while (!flags.empty()) {
    const std::string_view flag = cut(flags, '!');
    if (flag == "more")
      first &= ~0x80U;
    else if (flag == "rsv1")
      first |= 0x40U;
    else if (flag == "rsv2")
      first |= 0x20U;
    else if (flag == "rsv3")
      first |= 0x10U;
    else if (flag == "bare")
      masked = !masked;
    else if (flag == "wide")
      width = 2;
    else if (flag == "wider")
      width = 8;
    else
      refuse(text);
  }

  std::string payload;
  if (kind == "close" && !payload_text.empty()) {
    append_big_endian(payload, number<std::uint64_t>(cut(payload_text, ' ')), 2);
  }
  payload += unescaped(payload_text);

  std::string out(1, static_cast<char>(first));
  const unsigned mask_bit = masked ? 0x80U : 0U;
  if (width == 0) width = payload.size() < 126 ? 0 : payload.size() < 65536 ? 2 : 8;
  const auto size = static_cast<unsigned>(payload.size());
  out += static_cast<char>(mask_bit | (width == 0 ? size : width == 2 ? 126U : 127U));
  append_big_endian(out, payload.size(), width);
  if (masked) {
    constexpr std::string_view key = "\x01\x02\x03\x04";
    out += key;
    for (std::size_t i = 0; i < payload.size(); ++i) {
      payload[i] = static_cast<char>(payload[i] ^ key[i % 4]);
    }
  }
  return out + payload;
}

}  // namespace

script parse(std::string_view line) {
  script out;
  std::string_view rest = line;
  std::string_view head = cut(rest, ':');
  const std::string_view role = cut(head, ' ');
  if (role != "client" && role != "server") refuse(line);
  out.role = role == "client" ? adieu::role::client : adieu::role::server;
  while (!head.empty()) {
    std::string_view value = cut(head, ' ');
    const std::string_view name = cut(value, '=');
    if (name == "keep_alive")
      out.keep_alive = number<int>(value);
    else if (name == "pong_timeout")
      out.pong_timeout = number<int>(value);
    else if (name == "close_timeout")
      out.close_timeout = number<int>(value);
    else
      refuse(line);
  }
  while (!rest.empty()) {
    if (const std::string_view text = cut(rest, ';'); !text.empty()) {
      out.steps.push_back(parse_step(text));
    }
  }
  return out;
}

std::string to_line(const step& one) {
  std::string out(verbs[static_cast<std::size_t>(one.what)]);
  switch (one.what) {
    case verb::send:
      return fmt::format("{} {} {} {}",
                         out,
                         one.as_close ? "close"
                         : one.binary ? "binary"
                                      : "text",
                         one.more ? "more" : "end",
                         one.size);
    case verb::receive:
    case verb::wait: return fmt::format("{} {}", out, one.size);
    case verb::close:
    case verb::close_output: out += fmt::format(" {}", one.code); [[fallthrough]];
    case verb::peer: return one.text.empty() ? out : out + " " + one.text;
    case verb::cancel:
    case verb::cancel_send:
    case verb::abort:
    case verb::dispose:
    case verb::fin:
    case verb::rst:
    case verb::stall:
    case verb::go: break;
  }
  return out;
}

std::string to_line(const script& all) {
  std::string out(adieu::to_string(all.role));
  if (all.keep_alive != 0) out += fmt::format(" keep_alive={}", all.keep_alive);
  if (all.pong_timeout != 0) out += fmt::format(" pong_timeout={}", all.pong_timeout);
  if (all.close_timeout != 0) out += fmt::format(" close_timeout={}", all.close_timeout);
  std::string_view before = ": ";
  for (const step& one : all.steps) {
    out += before;
    out += to_line(one);
    before = "; ";
  }
  return out;
}

std::string unescaped(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    if (text.starts_with("\\x") && text.size() >= 4) {
      out += from_hex(text.substr(2, 2));
      text.remove_prefix(4);
    } else if (text.front() == '{') {
      text.remove_prefix(1);
      out += letters(number<std::size_t>(cut(text, '}')));
    } else {
      out += text.front();
      text.remove_prefix(1);
    }
  }
  return out;
}

std::string wire_bytes(std::string_view frames, adieu::role to) {
  std::string out;
  while (!frames.empty()) out += frame(cut(frames, ','), to);
  return out;
}

std::string letters(std::size_t size) {
  std::string out(size, 'a');
  for (std::size_t i = 0; i < size; ++i) out[i] = static_cast<char>('a' + i % 26);
  return out;
}

}  // namespace oracle
