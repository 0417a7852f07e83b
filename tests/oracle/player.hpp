// Plays a script with one of the two implementations, and tells what it did after each step.
//
// A step is over when the side is at rest: all that was started has completed, or waits for the
// peer. So no result depends on who ran faster, nothing sleeps, and a call that hangs is a call
// that is not in `done`. A run that was held up for so long that timers of the side may have fired
// is void, unless it waits on purpose.
#pragma once

#include <chrono>
#include <memory>

#include "tests/net/raw_peer.hpp"
#include "tests/oracle/outcome.hpp"
#include "tests/oracle/script.hpp"

namespace oracle {

/// What the peer has put on the wire so far.
struct peer_facts {
  std::uint64_t sent = 0;
  bool fin = false;
  bool reset = false;
};

/// What a side answers when it is at rest.
struct at_rest {
  std::vector<std::string> done;
  std::string state;
  std::string status;
  std::uint64_t written = 0;  ///< bytes that the peer has to see, if not `over`
  bool over = false;          ///< our output has ended: the peer sees an end
};

class side {
 public:
  side() = default;
  side(const side&) = delete;
  side& operator=(const side&) = delete;
  virtual ~side() = default;
  /// Connects to the peer's port, as a websocket without a handshake (N19).
  virtual void open(const script& how, std::uint16_t port) = 0;
  /// Does the step, if it is the side's, and comes to rest.
  [[nodiscard]] virtual at_rest play(const step& one,
                                     std::size_t number,
                                     const peer_facts& peer) = 0;
};

struct run {
  std::vector<outcome> steps;
  bool in_time = true;
};

/// One thread's: it can be used for one script after the other.
class player {
 public:
  explicit player(std::unique_ptr<side> whose) : side_(std::move(whose)) {}
  [[nodiscard]] run play(const script& all);

 private:
  void catch_up(adieu::test::raw_socket& peer,
                std::uint64_t before,
                std::size_t number,
                const peer_facts& facts,
                at_rest& all);

  std::unique_ptr<side> side_;
  adieu::test::raw_listener listener_;
};

[[nodiscard]] std::unique_ptr<side> make_adieu_side();

}  // namespace oracle
