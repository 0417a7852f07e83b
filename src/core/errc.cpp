// The errors in words: what happened, whose fault it was, what to do.
#include "adieu/errc.hpp"

namespace adieu {

std::string_view to_string(errc value) noexcept {
  switch (value) {
    case errc::success: return "success";
    case errc::invalid_message_type: return "invalid_message_type";
    case errc::faulted: return "faulted";
    case errc::native_error: return "native_error";
    case errc::not_a_websocket: return "not_a_websocket";
    case errc::unsupported_version: return "unsupported_version";
    case errc::unsupported_protocol: return "unsupported_protocol";
    case errc::header_error: return "header_error";
    case errc::connection_closed_prematurely: return "connection_closed_prematurely";
    case errc::invalid_state: return "invalid_state";
    case errc::aborted: return "aborted";
    case errc::close_timeout: return "close_timeout";
    case errc::keepalive_timeout: return "keepalive_timeout";
    case errc::peer_not_reading: return "peer_not_reading";
    case errc::operation_in_progress: return "operation_in_progress";
    case errc::invalid_argument: return "invalid_argument";
    case errc::message_too_big: return "message_too_big";
    case errc::message_abandoned: return "message_abandoned";
    case errc::too_much_buffered: return "too_much_buffered";
    case errc::invalid_url: return "invalid_url";
    case errc::resolve_failed: return "resolve_failed";
    case errc::connect_failed: return "connect_failed";
    case errc::tls_failed: return "tls_failed";
    case errc::certificate_rejected: return "certificate_rejected";
    case errc::connect_timeout: return "connect_timeout";
  }
  return "unknown error";
}

std::string_view explain(errc value) noexcept {
  switch (value) {
    case errc::success: return "Nothing went wrong.";
    case errc::invalid_message_type:
      return "The call cannot carry a message of this type, which is a mistake of the caller: send "
             "text or binary, and end the connection with async_close or async_close_output.";
    case errc::faulted:
      return "One side broke RFC 6455 and the connection was failed; the record says which rule, "
             "and whether the peer broke it or says that we did. Fix that side, then connect anew.";
    case errc::native_error:
      return "The operating system failed a read or a write; neither WebSocket endpoint is to "
             "blame. The record has the errno. Connect anew.";
    case errc::not_a_websocket:
      return "The server answered with HTTP, but did not switch to WebSocket: usually a wrong "
             "path, a missing login, or a proxy without WebSocket. Look at the HTTP status.";
    case errc::unsupported_version:
      return "The other side speaks another version of the protocol than 13, the only one of "
             "RFC 6455: it has to be brought up to date.";
    case errc::unsupported_protocol:
      return "The two sides have no subprotocol in common, or the server chose one that was not "
             "offered: compare the lists of both sides.";
    case errc::header_error:
      return "A header of the opening handshake is missing, wrong or too large; the side that sent "
             "it, or a proxy between, has to be fixed.";
    case errc::connection_closed_prematurely:
      return "TCP ended without a closing handshake: the peer's process, its machine or the "
             "network gave up. The record says in which way. What was in flight may be lost; "
             "connect anew.";
    case errc::invalid_state:
      return "The call is not valid in this state, which is a mistake of the caller or a race with "
             "the end of the connection: look at state() and at the record.";
    case errc::aborted:
      return "We ended the connection ourselves, with abort() or by destroying the websocket, "
             "while the call was pending: close it first where that is not wanted.";
    case errc::close_timeout:
      return "The peer did not finish the closing handshake in time, so TCP was reset; the record "
             "says what was waited for. A peer that is slow and not broken needs a longer "
             "close_timeout.";
    case errc::keepalive_timeout:
      return "The peer was silent and answered no Ping: its machine or the network is gone. "
             "Connect anew.";
    case errc::peer_not_reading:
      return "Nothing could be written for the length of write_timeout, because the peer does not "
             "read: it is stuck or overloaded. Connect anew, or send less.";
    case errc::operation_in_progress:
      return "A receive is already pending, which is a mistake of the caller: start the next one "
             "when the last has completed.";
    case errc::invalid_argument:
      return "An argument is wrong, which is a mistake of the caller; nothing was sent. A Close "
             "takes a code that may travel, and at most 123 bytes of UTF-8.";
    case errc::message_too_big:
      return "The peer's message is larger than max_message_size, and was refused with Close 1009: "
             "raise the limit, receive in pieces, or let the peer send less.";
    case errc::message_abandoned:
      return "The message could not be ended before our Close, because its writer was destroyed or "
             "the connection closed: end messages before closing.";
    case errc::too_much_buffered:
      return "The peer reads more slowly than we send, and more than max_buffered_amount waits for "
             "it; nothing of this message was sent. Leave it out, or wait with async_send.";
    case errc::invalid_url:
      return "The URL is not one of a WebSocket, which is a mistake of the caller: it begins with "
             "ws:// or wss://, has a host, and has no fragment.";
    case errc::resolve_failed:
      return "The host's name has no address: check the name and the machine's DNS.";
    case errc::connect_failed:
      return "No address of the host accepted a TCP connection: check that the server runs, and "
             "the port and firewalls.";
    case errc::tls_failed:
      return "The TLS handshake failed: check that the port speaks TLS, and the versions and "
             "ciphers of both sides.";
    case errc::certificate_rejected:
      return "The server's certificate was not accepted: it is expired, for another name, or of an "
             "authority that this machine does not trust.";
    case errc::connect_timeout:
      return "The connection did not open in time: the server or the network is too slow, or drops "
             "what we send. Try again, or raise the limit.";
  }
  return "This error is not known to this version.";
}

}  // namespace adieu
