// Two connections, a client and a server, joined by a network with virtual time: bytes can be held,
// delivered all at once or n at a time; FIN and RST travel behind the bytes, as with TCP.
#pragma once

#include <algorithm>
#include <string>
#include <utility>

#include "tests/core/endpoint.hpp"

namespace adieu::test {

class pair {
 public:
  explicit pair(const websocket_options& of_client = {}, const websocket_options& of_server = {})
      : client(role::client, of_client), server(role::server, of_server) {}

  endpoint client;
  endpoint server;
  std::size_t piece = no_limit;  // how much one delivery carries

  endpoint& side(role r) { return r == role::client ? client : server; }
  endpoint& peer_of(endpoint& e) { return &e == &client ? server : client; }

  /// Carries at most `most` bytes to `to`, then what follows them: a FIN or a RST. False when
  /// nothing moved.
  bool deliver(endpoint& to, std::size_t most) {
    endpoint& from = peer_of(to);
    if (to.cut()) {
      // Nobody is there: what still arrives is answered with a reset.
      const bool arrived = !from.out.empty();
      from.out.clear();
      if (arrived && !from.cut()) from.input_ended(input_end::reset);
      if (arrived) note_kernel();
      return arrived;
    }
    std::size_t size = std::min({most, from.out.size(), to.core.read_allowance()});
    if (size != 0) {
      const std::string bytes = from.out.substr(0, size);
      from.out.erase(0, size);
      note_kernel();
      to.feed(bytes);
      note_kernel();
      return true;
    }
    if (!from.out.empty()) return false;  // held back, or the window is full
    input_end how = input_end::fin;
    if (from.cut() && (from.obeyed.back() == command::reset || from.facts.unread_in_kernel)) {
      how = input_end::reset;
    } else if (!from.cut() && !from.fin_sent) {
      return false;
    }
    bool& told = &to == &client ? client_told_ : server_told_;
    if (std::exchange(told, true)) return false;
    to.input_ended(how);
    note_kernel();
    return true;
  }

  /// Until nothing moves any more.
  void settle() {
    client.pump();
    server.pump();
    note_kernel();
    for (bool moved = true; moved;) {
      moved = deliver(server, piece);
      moved = deliver(client, piece) || moved;
    }
  }

  /// Time passes for both, every deadline is met on time, and the network is quick.
  void run(duration length) {
    const instant end = std::max(client.now, server.now) + length;
    for (int guard = 0; guard < 100000; ++guard) {
      settle();
      const auto a = client.core.deadline(), b = server.core.deadline();
      instant next = end + 1ns;
      if (a) next = std::min(next, *a);
      if (b) next = std::min(next, *b);
      if (next > end) break;
      set_time(std::max(next, client.now));
      if (a && *a <= client.now) client.tick();
      if (b && *b <= server.now) server.tick();
    }
    set_time(end);
  }
  void set_time(instant to) { client.now = server.now = to; }

  [[nodiscard]] bool both_ended() const { return client.core.ended() && server.core.ended(); }

  /// The kernel's view of each side, for whoever is cut next: unread bytes make it send a reset.
  void note_kernel() {
    for (endpoint* e : {&client, &server}) {
      if (e->cut()) continue;
      e->facts.unread_in_kernel = !peer_of(*e).out.empty();
      e->facts.unacknowledged = e->out.size();
    }
  }

 private:
  bool client_told_ = false;
  bool server_told_ = false;
};

}  // namespace adieu::test
