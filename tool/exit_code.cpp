// The one table of exit statuses.
#include "exit_code.hpp"

#include <boost/asio/error.hpp>
#include <fmt/format.h>

#include <array>

namespace adieu::tool {
namespace {

constexpr std::array rows{
    exit_row{exit_code::ok, "ok", "the connection ended cleanly"},
    exit_row{exit_code::internal_error, "internal_error", "a bug of this program"},
    exit_row{exit_code::usage, "usage", "wrong arguments; nothing was sent"},
    exit_row{exit_code::peer_closed_with_error,
             "peer_closed_with_error",
             "clean, but the peer's Close has another code than 1000, 1001, none or ours"},
    exit_row{exit_code::input_refused,
             "input_refused",
             "clean, but lines of the input could not be sent"},
    exit_row{exit_code::output_failed,
             "output_failed",
             "standard input or output failed; what was received is not all shown"},
    exit_row{exit_code::cannot_listen,
             "cannot_listen",
             "serve: the address or the TLS files can't be used"},
    exit_row{exit_code::bad_url, "bad_url", "the URL is not one of a WebSocket"},
    exit_row{exit_code::resolve_failed, "resolve_failed", "the host's name has no address"},
    exit_row{exit_code::connect_failed,
             "connect_failed",
             "no address accepted TCP: refused, unreachable"},
    exit_row{exit_code::tls_failed, "tls_failed", "the TLS handshake failed"},
    exit_row{exit_code::certificate_rejected,
             "certificate_rejected",
             "the server's certificate was not accepted"},
    exit_row{exit_code::http_refused, "http_refused", "the server's HTTP status is not 101"},
    exit_row{exit_code::bad_handshake,
             "bad_handshake",
             "the server's answer is not HTTP, is too large, or has a wrong header"},
    exit_row{exit_code::unsupported_subprotocol,
             "unsupported_subprotocol",
             "the server chose none of the subprotocols that were offered"},
    exit_row{exit_code::connect_timeout,
             "connect_timeout",
             "the connection did not open within --connect-timeout"},
    exit_row{exit_code::handshake_cut,
             "handshake_cut",
             "TCP ended before the opening handshake was complete"},
    exit_row{exit_code::peer_vanished, "peer_vanished", "the peer ended TCP without a Close"},
    exit_row{exit_code::peer_reset, "peer_reset", "the peer reset TCP"},
    exit_row{exit_code::tls_truncated,
             "tls_truncated",
             "TCP ended without TLS's close_notify and without a Close"},
    exit_row{exit_code::protocol_error_by_peer,
             "protocol_error_by_peer",
             "the peer broke a rule of RFC 6455"},
    exit_row{exit_code::protocol_error_by_us,
             "protocol_error_by_us",
             "the peer's Close says that we did (1002, 1003, 1007, 1009, 1010)"},
    exit_row{exit_code::over_limit, "over_limit", "the peer went over a limit of ours"},
    exit_row{exit_code::keepalive_timeout,
             "keepalive_timeout",
             "the peer fell silent and answered no Ping"},
    exit_row{exit_code::peer_not_reading, "peer_not_reading", "the peer stopped reading"},
    exit_row{
        exit_code::close_timeout, "close_timeout", "the closing handshake did not finish in time"},
    exit_row{exit_code::transport_error,
             "transport_error",
             "the operating system failed a read or a write"},
    exit_row{exit_code::local_abort,
             "local_abort",
             "interrupted twice, or while connecting: cut off by us"},
    exit_row{exit_code::command_timeout,
             "command_timeout",
             "--timeout was over; the connection was then closed"},
};

// What the peer's Close says, given that both Closes passed.
bool peer_says_error(const disconnect_record& record) {
  if (!record.received || !record.received->code) return false;
  const auto code = *record.received->code;
  if (code == 1000 || code == 1001) return false;
  const bool echo =
      record.initiator == initiator::local && record.sent && record.sent->code == code;
  return !echo;
}

}  // namespace

std::span<const exit_row> exit_table() noexcept { return rows; }

std::string exit_help() {
  std::string out = "Exit status:\n";
  for (const exit_row& row : rows) {
    out += fmt::format("  {:>2}  {:<24}{}\n", static_cast<int>(row.code), row.name, row.meaning);
  }
  return out;
}

exit_code exit_code_for(const disconnect_record& record) noexcept {
  if (record.clean) {
    return peer_says_error(record) ? exit_code::peer_closed_with_error : exit_code::ok;
  }
  switch (record.cause) {
    case cause::peer_vanished: return exit_code::peer_vanished;
    case cause::peer_reset: return exit_code::peer_reset;
    case cause::tls_truncated: return exit_code::tls_truncated;
    case cause::protocol_error_by_peer: return exit_code::protocol_error_by_peer;
    case cause::protocol_error_by_us: return exit_code::protocol_error_by_us;
    case cause::message_too_big:
    case cause::frame_too_big:
    case cause::too_many_fragments:
    case cause::inflated_too_much:
    case cause::too_many_control_frames: return exit_code::over_limit;
    case cause::keepalive_timeout: return exit_code::keepalive_timeout;
    case cause::peer_not_reading:
    case cause::too_much_buffered: return exit_code::peer_not_reading;
    case cause::close_timeout: return exit_code::close_timeout;
    case cause::transport_error: return exit_code::transport_error;
    case cause::local_abort: return exit_code::local_abort;
    case cause::connect_failed: return exit_code::connect_failed;
    case cause::handshake:
    case cause::disposed:
    case cause::handler_error: return exit_code::internal_error;
  }
  return exit_code::internal_error;
}

exit_code exit_code_for(const error_code& ec, const disconnect_record& record) noexcept {
  if (ec == boost::asio::error::operation_aborted) return exit_code::local_abort;
  if (ec == errc::invalid_argument) return exit_code::usage;
  if (ec == errc::invalid_url) return exit_code::bad_url;
  if (ec == errc::resolve_failed) return exit_code::resolve_failed;
  if (ec == errc::connect_failed) return exit_code::connect_failed;
  if (ec == errc::tls_failed) return exit_code::tls_failed;
  if (ec == errc::certificate_rejected) return exit_code::certificate_rejected;
  if (ec == errc::connect_timeout) return exit_code::connect_timeout;
  if (ec == errc::unsupported_protocol) return exit_code::unsupported_subprotocol;
  if (ec == errc::header_error || ec == errc::unsupported_version) return exit_code::bad_handshake;
  if (ec == errc::not_a_websocket) {
    const unsigned status = record.connect ? record.connect->http_status : 0;
    return status == 0 || status == 101 ? exit_code::bad_handshake : exit_code::http_refused;
  }
  if (ec == errc::connection_closed_prematurely || ec == errc::native_error) {
    return exit_code::handshake_cut;
  }
  return exit_code::internal_error;
}

}  // namespace adieu::tool
