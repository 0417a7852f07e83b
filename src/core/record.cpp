// The disconnect record in words, as one English line and as JSON (docs/closing.md).
//
// Nothing is invented: what the record does not have does not appear. Every byte of the peer that
// is shown is made printable first.
#include "adieu/record.hpp"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <iterator>
#include <system_error>

#include "core/printable.hpp"

namespace adieu {
namespace {

double seconds(core::duration length) { return std::chrono::duration<double>(length).count(); }

// ── The English line ──────────────────────────────────────────────────────────────────────

std::string say(const close_frame& frame) {
  std::string out = frame.code ? fmt::format("{}", *frame.code) : "no code";
  if (!frame.reason.empty()) out += " " + core::quoted(frame.reason);
  return out;
}

std::string_view say(tcp_end how) {
  switch (how) {
    case tcp_end::not_connected: return "never connected";
    case tcp_end::our_fin_first: return "our FIN first";
    case tcp_end::peer_fin_first: return "the peer's FIN first";
    case tcp_end::reset_sent: return "we sent a reset";
    case tcp_end::reset_received: return "the peer sent a reset";
    case tcp_end::timed_out: return "the peer's FIN did not come in time";
  }
  return "unknown";
}

std::string_view say(connect_step where, role self) {
  switch (where) {
    case connect_step::url: return "reading the URL";
    case connect_step::resolve: return "looking up the host";
    case connect_step::connect: return "connecting TCP";
    case connect_step::tls: return "the TLS handshake";
    case connect_step::request:
      return self == role::server ? "the client's HTTP request" : "sending the HTTP request";
    case connect_step::response: return "the HTTP response";
  }
  return "an unknown step";
}

std::string why(const disconnect_record& record) {
  switch (record.cause) {
    case cause::handshake: return "the closing handshake was not finished";
    case cause::peer_vanished:
      return record.received ? "the peer vanished (FIN before our Close could be sent)"
                             : "the peer vanished (FIN without a Close)";
    case cause::peer_reset: return "the peer reset the connection";
    case cause::tls_truncated: return "TLS was cut off (neither close_notify nor a Close came)";
    case cause::protocol_error_by_peer:
      return fmt::format("the peer broke a rule: {} ({}), at byte {}",
                         core::to_string(record.broken_rule),
                         core::section(record.broken_rule),
                         record.broken_at);
    case cause::protocol_error_by_us: return "the peer says that we broke a rule";
    case cause::message_too_big: return "the peer's message was larger than the limit";
    case cause::frame_too_big: return "a frame of the peer was larger than the limit";
    case cause::too_many_fragments: return "a message of the peer had more frames than the limit";
    case cause::inflated_too_much: return "a message of the peer swelled more than the limit";
    case cause::too_many_control_frames: return "the peer sent more control frames than the limit";
    case cause::keepalive_timeout: return "the peer fell silent and answered no Ping";
    case cause::peer_not_reading: return "the peer stopped reading";
    case cause::too_much_buffered:
      return "the peer read too slowly, more than the limit waited to be sent";
    case cause::close_timeout:
      if (record.timeout_phase == close_phase::sending_close) {
        return "the close timed out before our Close could be sent";
      }
      return "the close timed out while we waited for the peer's Close";
    case cause::local_abort: return "we aborted";
    case cause::disposed: return "the websocket was destroyed before it was closed";
    case cause::handler_error: return "our handler failed";
    case cause::transport_error:
      if (record.os_error == 0) return "the transport failed";
      return fmt::format("the transport failed: {} (error {})",
                         std::generic_category().message(record.os_error),
                         record.os_error);
    case cause::connect_failed: {
      std::string out = "the connection was not opened";
      if (!record.connect) return out;
      out += fmt::format(", it failed at {}", say(record.connect->step, record.local_role));
      if (record.connect->http_status != 0) {
        out += fmt::format(" (HTTP {})", record.connect->http_status);
      }
      if (!record.connect->detail.empty()) out += ": " + printable(record.connect->detail);
      return out;
    }
  }
  return "for an unknown reason";
}

std::string closes(const disconnect_record& record) {
  if (!record.sent && !record.received) return "no Close passed";
  if (!record.received) return fmt::format("we closed with {}, no Close came", say(*record.sent));
  if (!record.sent)
    return fmt::format("the peer closed with {}, unanswered", say(*record.received));
  if (record.initiator == initiator::remote) {
    return fmt::format(
        "the peer closed first with {}, we answered {}", say(*record.received), say(*record.sent));
  }
  return fmt::format(
      "we closed first with {}, the peer with {}", say(*record.sent), say(*record.received));
}

std::string count(std::uint64_t messages, std::uint64_t bytes, std::string_view what) {
  if (messages == 0) return fmt::format("{} {} {}", bytes, bytes == 1 ? "byte" : "bytes", what);
  return fmt::format("{} {} ({} {}) {}",
                     messages,
                     messages == 1 ? "message" : "messages",
                     bytes,
                     bytes == 1 ? "byte" : "bytes",
                     what);
}

// What is lost for certain, and what only may be: each with its own word.
std::string losses_of(const losses& lost) {
  std::string out;
  auto add = [&, heading = std::string_view()](std::string_view under,
                                               std::uint64_t messages,
                                               std::uint64_t bytes,
                                               std::string_view what) mutable {
    if (messages == 0 && bytes == 0) return;
    out += under == heading ? ", " : fmt::format("; {}: ", under);
    heading = under;
    out += count(messages, bytes, what);
  };
  add("lost", lost.unsent_messages, lost.unsent_bytes, "not sent");
  add("lost", lost.discarded_messages, lost.discarded_bytes, "received and thrown away");
  add("maybe lost",
      0,
      lost.unacknowledged_bytes.value_or(0),
      "not acknowledged by the peer's kernel");
  add("left", lost.unread_messages, lost.unread_bytes, "received and not read yet");
  return out;
}

std::string say_length(core::duration length) {
  const double milliseconds = std::chrono::duration<double, std::milli>(length).count();
  return milliseconds < 1000 ? fmt::format("{:.1f} ms", milliseconds)
                             : fmt::format("{:.1f} s", milliseconds / 1000);
}

// ── JSON ──────────────────────────────────────────────────────────────────────────────────

// Writes the members of one object after each other.
class json_object {
 public:
  explicit json_object(std::string& out) : out_(out) { out_ += '{'; }

  std::string& key(std::string_view name) {
    if (out_.back() != '{') out_ += ',';
    out_ += '"';
    out_ += name;
    out_ += "\":";
    return out_;
  }
  void text(std::string_view name, std::string_view value) { key(name) += json_string(value); }
  void number(std::string_view name, std::uint64_t value) { key(name) += fmt::format("{}", value); }
  void flag(std::string_view name, bool value) { key(name) += value ? "true" : "false"; }
  void milliseconds(std::string_view name, core::duration value) {
    key(name) += fmt::format("{:.3f}", seconds(value) * 1000);
  }
  void end() { out_ += '}'; }

 private:
  std::string& out_;
};

void put(json_object& into, std::string_view name, const std::optional<close_frame>& frame) {
  if (!frame) return;
  json_object close(into.key(name));
  if (frame->code) close.number("code", *frame->code);
  if (!frame->reason.empty()) close.text("reason", frame->reason);
  close.milliseconds("at_ms", frame->at);
  close.end();
}

std::string iso_8601(std::chrono::system_clock::time_point when) {
  const auto whole = std::chrono::floor<std::chrono::seconds>(when);
  const auto rest = std::chrono::floor<std::chrono::milliseconds>(when - whole).count();
  return fmt::format("{:%Y-%m-%dT%H:%M:%S}.{:03}Z",
                     fmt::gmtime(std::chrono::system_clock::to_time_t(whole)),
                     rest);
}

}  // namespace

close_status disconnect_record::derived_code() const noexcept {
  if (!received) return close_status::abnormal_closure;
  return received->code ? close_status{*received->code} : close_status::no_status_received;
}

std::string to_line(const disconnect_record& record) {
  std::string out = record.clean ? "clean: " + closes(record) : "not clean: " + why(record);
  if (!record.clean && record.cause != cause::connect_failed) out += "; " + closes(record);
  out += losses_of(record.lost);
  if (record.cause != cause::connect_failed) {
    out += "; TCP: ";
    out += say(record.tcp);
    if (record.close_notify_missing) out += ", without close_notify";
  }
  if (record.receive_paused) out += "; reading stood still, the app did not take data";
  return out + "; " + say_length(record.ended);
}

std::string to_json(const disconnect_record& record) {
  std::string out;
  json_object json(out);
  json.text("role", to_string(record.local_role));
  json.flag("clean", record.clean);
  json.text("initiator", to_string(record.initiator));
  json.text("cause", to_string(record.cause));
  put(json, "sent", record.sent);
  put(json, "received", record.received);
  if (record.broken_rule != core::violation::none) {
    json.text("broken_rule", core::to_string(record.broken_rule));
    json.text("section", core::section(record.broken_rule));
    json.number("broken_at", record.broken_at);
  }
  if (record.timeout_phase) json.text("timeout_phase", to_string(*record.timeout_phase));
  if (record.os_error != 0) json.key("os_error") += fmt::format("{}", record.os_error);
  if (record.connect) {
    json_object connect(json.key("connect"));
    connect.text("step", to_string(record.connect->step));
    if (record.connect->http_status != 0)
      connect.number("http_status", record.connect->http_status);
    if (!record.connect->detail.empty()) connect.text("detail", record.connect->detail);
    connect.end();
  }
  if (record.cause != cause::connect_failed) json.text("tcp", to_string(record.tcp));
  if (record.teardown_timed_out) json.flag("teardown_timed_out", true);
  if (record.close_notify_missing) json.flag("close_notify_missing", true);

  json_object lost(json.key("lost"));
  lost.number("unsent_messages", record.lost.unsent_messages);
  lost.number("unsent_bytes", record.lost.unsent_bytes);
  if (record.lost.unacknowledged_bytes) {
    lost.number("unacknowledged_bytes", *record.lost.unacknowledged_bytes);
  }
  lost.number("discarded_messages", record.lost.discarded_messages);
  lost.number("discarded_bytes", record.lost.discarded_bytes);
  lost.number("unread_messages", record.lost.unread_messages);
  lost.number("unread_bytes", record.lost.unread_bytes);
  lost.end();

  json.text("opened", iso_8601(record.opened));
  if (record.last_byte_received) {
    json.milliseconds("last_byte_received_ms", *record.last_byte_received);
  }
  if (record.last_byte_sent) json.milliseconds("last_byte_sent_ms", *record.last_byte_sent);
  json.milliseconds("ended_ms", record.ended);
  if (record.round_trip) json.milliseconds("round_trip_ms", *record.round_trip);
  if (record.receive_paused) json.flag("receive_paused", true);
  json.end();
  return out;
}

std::string_view to_string(initiator value) noexcept {
  switch (value) {
    case initiator::nobody: return "nobody";
    case initiator::local: return "local";
    case initiator::remote: return "remote";
  }
  return "unknown initiator";
}

std::string_view to_string(cause value) noexcept {
  switch (value) {
    case cause::handshake: return "handshake";
    case cause::peer_vanished: return "peer_vanished";
    case cause::peer_reset: return "peer_reset";
    case cause::tls_truncated: return "tls_truncated";
    case cause::protocol_error_by_peer: return "protocol_error_by_peer";
    case cause::protocol_error_by_us: return "protocol_error_by_us";
    case cause::message_too_big: return "message_too_big";
    case cause::frame_too_big: return "frame_too_big";
    case cause::too_many_fragments: return "too_many_fragments";
    case cause::inflated_too_much: return "inflated_too_much";
    case cause::too_many_control_frames: return "too_many_control_frames";
    case cause::keepalive_timeout: return "keepalive_timeout";
    case cause::peer_not_reading: return "peer_not_reading";
    case cause::too_much_buffered: return "too_much_buffered";
    case cause::close_timeout: return "close_timeout";
    case cause::local_abort: return "local_abort";
    case cause::disposed: return "disposed";
    case cause::handler_error: return "handler_error";
    case cause::transport_error: return "transport_error";
    case cause::connect_failed: return "connect_failed";
  }
  return "unknown cause";
}

std::string_view to_string(close_phase value) noexcept {
  switch (value) {
    case close_phase::sending_close: return "sending_close";
    case close_phase::awaiting_peer_close: return "awaiting_peer_close";
  }
  return "unknown phase";
}

std::string_view to_string(tcp_end value) noexcept {
  switch (value) {
    case tcp_end::not_connected: return "not_connected";
    case tcp_end::our_fin_first: return "our_fin_first";
    case tcp_end::peer_fin_first: return "peer_fin_first";
    case tcp_end::reset_sent: return "reset_sent";
    case tcp_end::reset_received: return "reset_received";
    case tcp_end::timed_out: return "timed_out";
  }
  return "unknown end";
}

std::string_view to_string(connect_step value) noexcept {
  switch (value) {
    case connect_step::url: return "url";
    case connect_step::resolve: return "resolve";
    case connect_step::connect: return "connect";
    case connect_step::tls: return "tls";
    case connect_step::request: return "request";
    case connect_step::response: return "response";
  }
  return "unknown step";
}

}  // namespace adieu
