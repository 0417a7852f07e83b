// What a call was answered with, as callbacks write it down: `socket.async_close(…, to(answer))`.
#pragma once

#include <boost/asio/buffer.hpp>

#include <array>
#include <string>

#include "adieu/adieu.hpp"

namespace adieu::test {

struct answer {
  int times = 0;  // exactly once is right
  error_code ec;
  receive_result received;
  core::duration round_trip{};
  disconnect_record record;

  [[nodiscard]] bool come() const noexcept { return times != 0; }
  [[nodiscard]] bool good() const noexcept { return times == 1 && !ec; }
  [[nodiscard]] bool is(errc code) const noexcept { return times == 1 && ec == code; }
  [[nodiscard]] bool cancelled() const noexcept {
    return times == 1 && ec == boost::asio::error::operation_aborted;
  }
  [[nodiscard]] bool is_close(std::uint16_t code, std::string_view reason = {}) const {
    return good() && received.type == message_type::close && received.end_of_message &&
           received.count == 0 && received.close_status &&
           static_cast<std::uint16_t>(*received.close_status) == code &&
           received.close_description == reason;
  }
};

inline void take(answer&) {}
inline void take(answer& to, receive_result result) { to.received = std::move(result); }
inline void take(answer& to, core::duration round_trip) { to.round_trip = round_trip; }
inline void take(answer& to, disconnect_record record) { to.record = std::move(record); }

[[nodiscard]] inline auto to(answer& where) {
  return [&where](error_code ec, auto... results) {
    ++where.times;
    where.ec = ec;
    take(where, std::move(results)...);
  };
}

/// A receive with a buffer of its own.
struct reading : answer {
  std::array<char, 8192> space{};
  [[nodiscard]] std::string_view text() const { return {space.data(), received.count}; }
  [[nodiscard]] bool is_text(std::string_view expected) const {
    return good() && received.type == message_type::text && text() == expected;
  }
};

inline void receive(websocket& from, reading& into) {
  from.async_receive(boost::asio::buffer(into.space), to(into));
}

}  // namespace adieu::test
