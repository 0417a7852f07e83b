// All combinations, less those that a rule leaves out; the first rule that fits names the reason.
#include "tests/faults/matrix_cell.hpp"

#include <fmt/format.h>

#include <array>

namespace adieu::test {
namespace {

using namespace std::chrono_literals;

bool has_amounts(place where) noexcept {
  return where == place::mid_payload || where == place::between_fragments ||
         where == place::unread_data;
}

bool after_both(place where) noexcept {
  return where == place::closes_crossing || where == place::both_closes_ours ||
         where == place::both_closes_peers;
}

struct rule {
  std::string_view name;
  bool (*leaves_out)(const cell&);
};

constexpr std::array rules{
    rule{"a Unix socket has no packets to drop, and no reset",
         [](const cell& c) {
           return !c.is_ip() && (c.how == fault::black_hole || c.how == fault::reset);
         }},
    rule{"only TLS has a handshake, records and close_notify",
         [](const cell& c) {
           return c.over != carrier::tls &&
                  (c.where == place::in_tls || c.how == fault::no_close_notify ||
                   c.how == fault::broken_record);
         }},
    rule{"a server has no peer before the connection is there",
         [](const cell& c) { return c.where == place::connecting && c.we == role::server; }},
    rule{"who is not connected yet can only refuse, or not answer",
         [](const cell& c) {
           if (c.where != place::connecting) return false;
           const bool refuses = c.how == (c.is_ip() ? fault::reset : fault::killed);
           return !refuses && c.how != fault::black_hole && c.how != fault::stopped;
         }},
    rule{"before TLS stands, its records can't be broken nor its farewell left out",
         [](const cell& c) {
           return c.where == place::in_tls &&
                  (c.how == fault::no_close_notify || c.how == fault::broken_record);
         }},
    rule{"a window closes only when we have something to send",
         [](const cell& c) {
           return c.how == fault::zero_window && (!c.opens() || after_both(c.where));
         }},
    rule{"close(2) over unread data sends a reset, and so is the reset's cell",
         [](const cell& c) {
           const bool unread = c.where == place::unsent_data || c.where == place::closes_crossing;
           return c.how == fault::fin && unread;
         }},
    rule{"no data is under way: one amount",
         [](const cell& c) { return !has_amounts(c.where) && c.much == amount::large; }},
    rule{"unread and unsent data is an app's that does not receive",
         [](const cell& c) {
           const bool stuck = c.where == place::unread_data || c.where == place::unsent_data;
           return stuck && c.ours == app::receiving;
         }},
    rule{"an app that answers the peer's Close receives",
         [](const cell& c) { return c.where == place::both_closes_peers && c.ours == app::busy; }},
    rule{"before it is open, nothing is received and no Ping sent",
         [](const cell& c) {
           return !c.opens() && (c.ours == app::receiving || c.keepalive == pings::on);
         }},
};

template <typename Enum>
std::vector<Enum> up_to(Enum last) {
  std::vector<Enum> out;
  for (int i = 0; i <= static_cast<int>(last); ++i) out.push_back(static_cast<Enum>(i));
  return out;
}

}  // namespace

matrix all_cells() {
  matrix out;
  const auto consider = [&](const cell& c) {
    for (const rule& each : rules) {
      if (!each.leaves_out(c)) continue;
      ++out.left_out[each.name];
      return;
    }
    out.cells.push_back(c);
  };
  for (const fault how : up_to(fault::stopped))
    for (const place where : up_to(place::both_closes_peers))
      for (const carrier over : up_to(carrier::unix_socket))
        for (const role we : {role::client, role::server})
          for (const amount much : {amount::small, amount::large})
            for (const app ours : {app::receiving, app::busy})
              for (const pings keepalive : {pings::off, pings::on})
                consider({over, we, where, how, much, ours, keepalive});
  return out;
}

bool is_silent(fault how) noexcept { return how == fault::black_hole || how == fault::stopped; }

bool is_paused(const cell& in) noexcept {
  return in.where == place::unread_data && in.much == amount::large;
}

bool app_must_close(const cell& in) noexcept {
  const bool open = in.where >= place::idle && in.where <= place::unread_data;
  if (in.how == fault::trickle) return open || in.where == place::our_close_output;
  if (!open) return false;
  // Behind a full window nothing is seen, and nobody is accused.
  const bool hidden = in.how == fault::garbage || in.how == fault::broken_record;
  if (is_paused(in) && (hidden || is_silent(in.how))) return true;
  return is_silent(in.how) && in.keepalive == pings::off;
}

websocket_options options_of(const cell& in) {
  constexpr auto long_enough = 8s;
  const bool waits = is_silent(in.how) || in.how == fault::trickle || in.how == fault::zero_window;
  websocket_options out;
  out.close_timeout = waits ? std::chrono::milliseconds(400) : long_enough;
  out.linger = waits ? std::chrono::milliseconds(200) : long_enough;
  out.write_timeout = waits ? std::chrono::milliseconds(600) : long_enough;
  out.ping_interval = in.keepalive == pings::on ? 200ms : 0ms;
  out.pong_timeout = waits ? std::chrono::milliseconds(500) : long_enough;
  out.probe_interval = 100ms;
  // What ends these is our own answer, one close_timeout later (D11) …
  if (in.where == place::peers_close && !waits) out.close_timeout = 700ms;
  if (in.where == place::peers_close && in.how == fault::zero_window) out.close_timeout = 4s;
  // … and what ends this is our Close 1002, which the peer does not take.
  if (in.where == place::unsent_data && in.how == fault::garbage) out.close_timeout = 400ms;
  return out;
}

std::chrono::milliseconds handshake_limit(const cell& in) noexcept {
  const bool waits = is_silent(in.how) || in.how == fault::trickle;
  return !in.opens() && waits ? 600ms : 8000ms;
}

std::string_view to_string(carrier value) noexcept {
  constexpr std::array<std::string_view, 3> names{"tcp", "tls", "unix"};
  return names[static_cast<std::size_t>(value)];
}

std::string_view to_string(place value) noexcept {
  constexpr std::array<std::string_view, 15> names{"connecting",
                                                   "in_tls",
                                                   "in_http",
                                                   "idle",
                                                   "mid_header",
                                                   "mid_payload",
                                                   "between_fragments",
                                                   "unread_data",
                                                   "unsent_data",
                                                   "our_close",
                                                   "our_close_output",
                                                   "peers_close",
                                                   "closes_crossing",
                                                   "both_closes_ours",
                                                   "both_closes_peers"};
  return names[static_cast<std::size_t>(value)];
}

std::string_view to_string(fault value) noexcept {
  constexpr std::array<std::string_view, 11> names{"fin",
                                                   "reset",
                                                   "half_close",
                                                   "black_hole",
                                                   "zero_window",
                                                   "trickle",
                                                   "garbage",
                                                   "no_close_notify",
                                                   "broken_record",
                                                   "killed",
                                                   "stopped"};
  return names[static_cast<std::size_t>(value)];
}

std::string to_string(const cell& in) {
  return fmt::format("{}, {}, {}, {}, {}, {}, pings {}",
                     to_string(in.over),
                     in.we == role::client ? "client" : "server",
                     to_string(in.where),
                     to_string(in.how),
                     in.much == amount::small ? "small" : "large",
                     in.ours == app::receiving ? "receiving" : "busy",
                     in.keepalive == pings::on ? "on" : "off");
}

}  // namespace adieu::test
