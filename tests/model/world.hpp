// Two real cores, joined by two byte channels, with an app on each side, and what really happened.
// A world can be copied and compared by its fingerprint; a move takes it to the next one. Here the
// explorer plays the driver (connection.hpp, top), the kernels and the network:
//   - a FIN travels behind the bytes; a reset overtakes them, or is read after them;
//   - who closes with unread bytes sends a reset; who writes to nobody gets one back;
//   - a write that meets a reset takes the error with it: the next read only says "the end".
// After every move every invariant is checked; the first that does not hold is in broken().
#pragma once

#include <array>
#include <optional>
#include <string>
#include <vector>

#include "adieu/core/connection.hpp"
#include "tests/model/menu.hpp"
#include "tests/model/truth.hpp"

namespace adieu::model {

struct violation {
  std::string_view name;  // of the invariant, see invariants()
  std::string what;
};

struct invariant {
  std::string_view name;
  std::string_view says;
};
[[nodiscard]] std::span<const invariant> invariants();

/// Who wants to know what happens inside a move: the diagram.
class audience {
 public:
  virtual ~audience() = default;
  virtual void says(role who, std::string text) = 0;    // at its lifeline
  virtual void arrives(role at, std::string text) = 0;  // an arrow to it
};

class world {
 public:
  explicit world(const menu& of);

  /// The moves that are possible here.
  void list(std::vector<move>& out) const;
  /// False when the move is not possible.
  bool apply(const move& next);
  /// For a state in which list() named no move of the network, of a transport or of time.
  void judge_rest();

  [[nodiscard]] bool over() const noexcept {
    return ends_[0].core.ended() && ends_[1].core.ended();
  }
  [[nodiscard]] const std::optional<violation>& broken() const noexcept { return broken_; }
  [[nodiscard]] core::fingerprint fingerprint() const;
  [[nodiscard]] instant now() const noexcept { return now_; }
  [[nodiscard]] const core::connection& core(role r) const { return ends_[index(r)].core; }
  void listen(audience* who) noexcept { audience_ = who; }

 private:
  enum class mark : std::uint8_t { none, fin, reset, truncated, error };

  struct pending {
    core::ticket owner = 0;
    verb what = verb::send;
    char letter = 0;        // of a send's payload
    std::uint8_t size = 0;  // of it
    std::uint8_t left = 0;  // of it, not written yet
    bool first = false;     // piece of its message
    bool ends = true;
    core::sender from = 0;
    bool cancelled = false;
    bool behind = false;  // other output that nothing of was written since
  };

  struct end {
    explicit end(core::connection made) : core(std::move(made)) {}
    core::connection core;
    truth seen;
    // What flows towards this side.
    std::string in;
    mark in_end = mark::none;
    bool in_end_given = false;
    bool gone = false;  // nobody reads any more
    bool dead = false;  // a reset of the network's killed the socket: closing it tells nobody
    // Its transport.
    bool blocked = false;
    bool one_byte = false;  // is taken although it is blocked
    bool fails = false;     // the next write does
    std::size_t flying = 0;
    std::uint64_t flying_payload = 0, flying_messages = 0;  // in it, of the app's
    // Its app.
    std::vector<pending> waiting;
    bool in_message = false;
    core::sender writer = 0;  // its place is held
    bool writer_began = false;
    core::sender last_writer = 0;
  };

  static std::size_t index(role r) noexcept { return r == role::client ? 0 : 1; }
  end& at(role r) noexcept { return ends_[index(r)]; }
  [[nodiscard]] const end& at(role r) const noexcept { return ends_[index(r)]; }
  end& peer_of(const end& e) noexcept { return ends_[&e == &ends_[0] ? 1 : 0]; }
  [[nodiscard]] const end& peer_of(const end& e) const noexcept {
    return ends_[&e == &ends_[0] ? 1 : 0];
  }
  [[nodiscard]] const websocket_options& options(const end& e) const noexcept {
    return e.core.self() == role::client ? menu_->client : menu_->server;
  }

  // world.cpp: the moves
  [[nodiscard]] bool possible(const move& next) const;
  [[nodiscard]] bool calls_possible(const end& e, verb what, std::uint8_t which) const;
  [[nodiscard]] std::size_t first_frame(const end& e) const;
  void spend(verb what);
  void happen(end& e, const move& next);

  // world_network.cpp: bytes, ends and time
  void turn(end& e);
  void show(end& e);
  bool write(end& e);
  void fail_write(end& e, core::input_end how);
  void hand_over(end& e, std::string_view bytes);
  void obey(end& e);
  void deliver(end& e, std::size_t size);
  void deliver_end(end& e);
  void fault(end& e, verb what);

  // world_notes.cpp: what became of it
  void tick(end& e);
  void saw_written(end& e, const frame_watch::sight& frame);
  void saw_read(end& e, const frame_watch::sight& frame);
  void close_was_written(end& e);
  void close_was_read(end& e, const std::string& payload);
  [[nodiscard]] bool takes_whole(const end& e) const;
  [[nodiscard]] bool takes_next_whole(const end& e) const;
  static void throw_away(end& e, std::size_t from = 0);
  void rule_was_broken(end& e, cause why);
  void output_was_lost(end& e, core::input_end how);
  void start_linger(end& e);

  // world_calls.cpp: the apps
  void call(end& e, verb what, std::uint8_t which);
  core::ticket new_call(end& e, verb what);
  void send(end& e, verb what);
  void receive(end& e, verb what);
  void cancel(end& e, std::uint8_t which);
  void app_closes(end& e);
  void collect(end& e);
  void complete(end& e, const core::completion& done);
  void received(end& e, verb what, const core::completion& done);
  void sent(end& e, const pending& what, const core::completion& done);
  void take(end& e, std::string_view text, bool end_of_message);
  void end_was_told(end& e);

  // world_checks.cpp: the invariants
  void check(end& e, bool ticked);
  void check_refusals(end& e);
  void check_record(end& e);
  void check_afterlife(const end& e);
  void check_agreement();
  void fail(std::string_view name, const end* e, std::string what);
  void say(const end& e, std::string text) {
    if (audience_ != nullptr) audience_->says(e.core.self(), std::move(text));
  }

  struct budget {
    std::uint8_t operations, faults, cuts, blocks, waits, ticks;
  };

  const menu* menu_;
  instant now_;
  budget left_;
  bool excused_ = false;  // a timeout or an abort() may divide the two sides
  bool faulted_ = false;
  std::array<end, 2> ends_;
  std::optional<violation> broken_;
  audience* audience_ = nullptr;
};

}  // namespace adieu::model
