// Frames, FINs and resets out of the passing bytes, with times.
#include "wire_log.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "adieu/core/close_payload.hpp"

namespace adieu::tool::demo {
namespace {

std::string describe_data(const core::frame_header& header, std::string_view payload) {
  std::string out = header.op == core::opcode::text     ? "text"
                    : header.op == core::opcode::binary ? "binary"
                                                        : "continued";
  if (header.op == core::opcode::binary) {
    out += fmt::format(", {} bytes", payload.size());
  } else {
    out += fmt::format(" \"{}\"", printable(payload));
  }
  return header.fin ? out : out + " …";
}

std::string describe_close(const close_frame& frame) {
  std::string out = frame.code ? fmt::format("Close {}", *frame.code) : "Close, no code";
  return frame.reason.empty() ? out : fmt::format("{} \"{}\"", out, printable(frame.reason));
}

}  // namespace

std::size_t wire_log::bytes(end from, std::string_view chunk) {
  const std::lock_guard lock(mutex_);
  const std::size_t first = events_.size();
  direction& in = directions_[static_cast<std::size_t>(from)];
  in.pending += chunk;
  while (!in.broken && (in.head_done ? take_frame(from, in) : take_head(from, in))) continue;
  return first;
}

void wire_log::passed_on(end from, std::size_t first) {
  const std::lock_guard lock(mutex_);
  const auto now = clock::now() - began_;
  for (std::size_t i = first; i < events_.size(); ++i) {
    if (events_[i].from == from && events_[i].what != sort::note) events_[i].arrived = now;
  }
}

void wire_log::fin(end from) {
  const std::lock_guard lock(mutex_);
  add(sort::fin, from, "FIN");
}

void wire_log::reset(end from) {
  const std::lock_guard lock(mutex_);
  add(sort::reset, from, "RST");
}

void wire_log::note(end at, std::string text) {
  const std::lock_guard lock(mutex_);
  add(sort::note, at, std::move(text));
}

bool wire_log::saw(end from, sort what) const {
  const std::lock_guard lock(mutex_);
  return std::ranges::any_of(events_,
                             [&](const wire_event& e) { return e.from == from && e.what == what; });
}

std::vector<wire_event> wire_log::events() const {
  const std::lock_guard lock(mutex_);
  return events_;
}

void wire_log::add(sort what, end from, std::string label, std::optional<close_frame> close) {
  wire_event& event = events_.emplace_back();
  event.what = what;
  event.from = from;
  event.at = event.arrived = clock::now() - began_;
  event.label = std::move(label);
  event.close = std::move(close);
}

// "GET / HTTP/1.1" or "HTTP/1.1 101 Switching Protocols", and the fields behind it.
bool wire_log::take_head(end from, direction& in) {
  const std::size_t size = in.pending.find("\r\n\r\n");
  if (size == std::string::npos) return false;
  std::string line = in.pending.substr(0, in.pending.find("\r\n"));
  if (from == end::client) {
    line = line.substr(0, line.rfind(' '));
  } else {
    line = "HTTP " + line.substr(line.find(' ') + 1, 3);
  }
  add(sort::http, from, printable(line));
  in.pending.erase(0, size + 4);
  in.head_done = true;
  return true;
}

bool wire_log::take_frame(end from, direction& in) {
  const core::frame_rules rules{from == end::client ? role::server : role::client, false};
  const auto parsed = core::parse_header(core::as_bytes(in.pending), rules);
  if (parsed.result == core::parsed_header::outcome::incomplete) return false;
  if (parsed.result == core::parsed_header::outcome::wrong) {
    in.broken = true;
    add(sort::broken, from, fmt::format("a bad frame: {}", core::to_string(parsed.wrong)));
    return false;
  }
  if (in.pending.size() - parsed.size < parsed.header.length) return false;
  std::string payload = in.pending.substr(parsed.size, parsed.header.length);
  if (parsed.header.masked) {
    core::apply_mask(std::as_writable_bytes(std::span(payload)), parsed.header.key);
  }
  in.pending.erase(0, parsed.size + parsed.header.length);
  add_frame(from, parsed.header, payload);
  return true;
}

void wire_log::add_frame(end from, const core::frame_header& header, std::string_view payload) {
  switch (header.op) {
    case core::opcode::continuation:
    case core::opcode::text:
    case core::opcode::binary: return add(sort::data, from, describe_data(header, payload));
    case core::opcode::ping: return add(sort::ping, from, "Ping");
    case core::opcode::pong: return add(sort::pong, from, "Pong");
    case core::opcode::close: {
      const core::close_payload said = core::decode_close_payload(core::as_bytes(payload));
      close_frame close{said.code, said.reason, {}};
      std::string label = describe_close(close);
      return add(sort::close, from, std::move(label), std::move(close));
    }
  }
}

}  // namespace adieu::tool::demo
