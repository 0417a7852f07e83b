// What follows from the facts.
#include "tests/model/truth.hpp"

#include <algorithm>

namespace adieu::model {

adieu::state truth::state() const noexcept {
  if (disposed) return adieu::state::closed;
  if (failed) return adieu::state::aborted;
  if (both()) return adieu::state::closed;
  if (close_written) return adieu::state::close_sent;
  return close_read ? adieu::state::close_received : adieu::state::open;
}

std::optional<instant> truth::due(const websocket_options& options) const noexcept {
  std::optional<instant> out;
  const auto at_latest = [&](std::optional<instant> when) {
    if (when && (!out || *when < *out)) out = when;
  };
  if (linger) return linger;
  at_latest(total);
  at_latest(answer);
  if (may_idle()) at_latest(idle_since + options.close_timeout);
  if (stuck && !output_lost && !both() && options.write_timeout.count() != 0) {
    at_latest(progress + options.write_timeout);
  }
  return out;
}

void truth::add_to(core::fingerprint_maker& out) const {
  wrote.add_to(out);
  read.add_to(out);
  const bool facts[] = {close_called,
                        closing,
                        close_out,
                        close_written,
                        close_read,
                        failed,
                        over_now,
                        output_lost,
                        destroyed,
                        disposed,
                        owes_failure_close,
                        fin_sent,
                        fin_read,
                        reset_read,
                        linger_passed,
                        end_told,
                        stuck,
                        smooth,
                        paused,
                        by_reset};
  std::uint64_t bits = 0;
  for (const bool fact : facts) bits = bits << 1 | (fact ? 1 : 0);
  out.add(bits);
  out.add(sent);
  out.add(received);
  out.add(first);
  out.add(why);
  out.add(lost_how);
  out.add(end_error);
  out.add(tcp);
  out.add(unread);
  out.add(thrown_away);
  out.add(unsent);
  out.add(unsent_messages);
  out.add(arriving);
  out.add(largest);
  out.add(last_letter);
  out.add(total);
  out.add(linger);
  out.add(answer);
  if (may_idle()) out.add(idle_since);
  if (stuck) out.add(progress);
}

std::size_t letters_in(std::string_view unread) noexcept {
  return static_cast<std::size_t>(
      std::ranges::count_if(unread, [](char c) { return c != '|' && c != ','; }));
}

std::optional<std::uint16_t> code_of(std::string_view payload) noexcept {
  if (payload.size() < 2) return std::nullopt;
  const auto high = static_cast<unsigned char>(payload[0]);
  const auto low = static_cast<unsigned char>(payload[1]);
  return static_cast<std::uint16_t>(high << 8 | low);
}

cause cause_of(core::input_end how) noexcept {
  switch (how) {
    case core::input_end::fin: return cause::peer_vanished;
    case core::input_end::reset: return cause::peer_reset;
    case core::input_end::truncated: return cause::tls_truncated;
    case core::input_end::error: return cause::transport_error;
  }
  return cause::transport_error;
}

std::string name_of(const frame_watch::sight& frame) {
  std::string out;
  switch (frame.op) {
    case 0: out = "more data"; break;
    case 1: out = "text"; break;
    case 2: out = "data"; break;
    case 8: {
      const auto code = code_of(frame.payload);
      return code ? "Close " + std::to_string(*code) : "Close";
    }
    case 9: return "Ping";
    case 10: return "Pong";
    default: return "a wrong frame";
  }
  out += " \"" + frame.payload + '"';
  return frame.ends && frame.fin ? out : out + " …";
}

errc error_of(std::optional<cause> why) noexcept {
  switch (why.value_or(cause::handshake)) {
    case cause::handshake:
    case cause::peer_vanished:
    case cause::peer_reset:
    case cause::tls_truncated:
    case cause::connect_failed: return errc::connection_closed_prematurely;
    case cause::too_many_control_frames:
    case cause::protocol_error_by_peer:
    case cause::protocol_error_by_us:
    case cause::handler_error: return errc::faulted;
    case cause::message_too_big:
    case cause::frame_too_big:
    case cause::too_many_fragments:
    case cause::inflated_too_much: return errc::message_too_big;
    case cause::keepalive_timeout: return errc::keepalive_timeout;
    case cause::peer_not_reading: return errc::peer_not_reading;
    case cause::too_much_buffered: return errc::too_much_buffered;
    case cause::close_timeout: return errc::close_timeout;
    case cause::local_abort:
    case cause::disposed: return errc::aborted;
    case cause::transport_error: return errc::native_error;
  }
  return errc::faulted;
}

}  // namespace adieu::model
