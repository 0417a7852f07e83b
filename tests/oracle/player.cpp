// The raw peer's part of a script, and what it gets to see.
#include "tests/oracle/player.hpp"

#include <netinet/tcp.h>

#include <algorithm>

namespace oracle {
namespace {

using adieu::test::raw_socket;
using clock = std::chrono::steady_clock;
using namespace std::chrono_literals;

/// The shortest timer that runs in a script which does not wait is 1 s (N10, D9).
constexpr auto held_up = 500ms;

/// Reads until all that the side wrote is here, or its output has ended.
raw_socket::end read(raw_socket& peer, std::uint64_t before, const at_rest& side) {
  const auto latest = clock::now() + 10s;
  for (;;) {
    const raw_socket::end end = peer.read_now();
    if (end != raw_socket::end::none) return end;
    if (!side.over && before + peer.got.size() >= side.written) return end;
    pollfd ask{peer.descriptor(), POLLIN, 0};
    if (clock::now() > latest) throw std::runtime_error("the peer waits in vain for the side");
    ::poll(&ask, 1, 100);
  }
}

}  // namespace

/// The side was blocked: what the peer reads makes room for more.
void player::catch_up(raw_socket& peer,
                      std::uint64_t before,
                      std::size_t number,
                      const peer_facts& facts,
                      at_rest& all) {
  step again;
  again.what = verb::go;
  for (bool more_came = true; more_came;) {
    const std::size_t seen = peer.got.size();
    at_rest more = side_->play(again, number, facts);
    more.done.insert(more.done.begin(), all.done.begin(), all.done.end());
    all = std::move(more);
    (void)read(peer, before, all);
    more_came = peer.got.size() != seen;
  }
}

run player::play(const script& all) {
  run out;
  side_->open(all, listener_.port());
  raw_socket peer = listener_.accept();
  const int yes = 1;
  ::setsockopt(peer.descriptor(), IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
  frame_log frames(all.role);
  peer_facts facts;
  std::uint64_t got = 0;
  bool ended = false;
  bool waits = false;
  bool stalled = false;
  const auto from = clock::now();

  for (std::size_t i = 0; i < all.steps.size(); ++i) {
    const step& one = all.steps[i];
    waits = waits || one.what == verb::wait;
    if (one.what == verb::peer && !facts.fin && !facts.reset) {
      const std::string bytes = wire_bytes(one.text, all.role);
      peer.send(bytes);
      facts.sent += bytes.size();
    } else if (one.what == verb::fin && !facts.reset) {
      peer.fin();
      facts.fin = true;
    } else if (one.what == verb::rst && !facts.reset) {
      peer.reset();
      facts.reset = true;
    }
    if (one.what == verb::stall || one.what == verb::go) stalled = one.what == verb::stall;
    at_rest rest = side_->play(one, i, facts);

    outcome seen;
    if (!facts.reset && !ended && !stalled) {
      const raw_socket::end end = read(peer, got, rest);
      if (one.what == verb::go && end == raw_socket::end::none) catch_up(peer, got, i, facts, rest);
      got += peer.got.size();
      seen.wire = frames.take(peer.got);
      peer.got.clear();
      ended = end != raw_socket::end::none;
      if (ended) seen.tcp = end == raw_socket::end::fin ? "fin" : "reset";
      if (one.what == verb::wait) {  // how many of the same a time brings is not told
        seen.wire.erase(std::unique(seen.wire.begin(), seen.wire.end()), seen.wire.end());
      }
      if (frames.left() != 0) seen.wire.push_back("part of a frame");
    }
    std::sort(rest.done.begin(), rest.done.end());
    seen.done = std::move(rest.done);
    seen.state = std::move(rest.state);
    seen.status = std::move(rest.status);
    out.steps.push_back(std::move(seen));
  }
  out.in_time = waits || clock::now() - from < held_up;
  peer.reset();
  return out;
}

}  // namespace oracle
