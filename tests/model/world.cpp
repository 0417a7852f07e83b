// Which moves are possible, and what each of them sets going.
#include "tests/model/world.hpp"

#include <algorithm>

namespace adieu::model {
namespace {

using namespace std::chrono_literals;

void fixed_mask(core::bytes out) {
  for (std::size_t i = 0; i < out.size(); ++i) out[i] = static_cast<std::byte>(0x11 * (i + 1));
}

core::settings_ptr settings_of(const menu& of, role self) {
  const bool client = self == role::client;
  return std::make_shared<const core::settings>(
      core::settings{self, client ? of.client : of.server, client ? fixed_mask : nullptr});
}

constexpr instant start = 1000s;
constexpr verb first_call = verb::send, last_call = verb::wait_closed;
constexpr verb first_fault = verb::fin, last_fault = verb::garbage;

bool is_call(verb what) { return what >= first_call && what <= last_call; }
bool is_fault(verb what) { return what >= first_fault && what <= last_fault; }

}  // namespace

world::world(const menu& of)
    : menu_(&of),
      now_(start),
      left_{static_cast<std::uint8_t>(of.operations),
            static_cast<std::uint8_t>(of.fault_count),
            static_cast<std::uint8_t>(of.cuts),
            static_cast<std::uint8_t>(of.blocks),
            static_cast<std::uint8_t>(of.waits),
            static_cast<std::uint8_t>(of.ticks)},
      ends_{end{core::connection(settings_of(of, role::client), start)},
            end{core::connection(settings_of(of, role::server), start)}} {
  for (end& e : ends_) e.seen.idle_since = e.seen.heard = e.seen.progress = start;
  if (of.server_shows) at(role::server).core.show_messages(true);
}

void world::list(std::vector<move>& out) const {
  out.clear();
  for (const role r : {role::client, role::server}) {
    const auto offer = [&](verb what, std::uint8_t which = 0) {
      const move next{what, r, which};
      if (possible(next)) out.push_back(next);
    };
    for (verb what = verb::deliver; what <= verb::confirm;
         what = static_cast<verb>(static_cast<int>(what) + 1)) {
      offer(what);
    }
    for (const verb what : {verb::tick, verb::tick_late, verb::halfway}) offer(what);
    if (left_.faults != 0) {
      for (const verb what : menu_->faults) offer(what);
    }
    if (left_.operations == 0) continue;
    for (const verb what : menu_->calls) {
      if (what != verb::cancel) offer(what);
    }
    if (std::ranges::find(menu_->calls, verb::cancel) == menu_->calls.end()) continue;
    for (std::size_t i = 0; i < at(r).waiting.size(); ++i) {
      offer(verb::cancel, static_cast<std::uint8_t>(i));
    }
  }
}

bool world::possible(const move& next) const {
  const end& e = at(next.whose);
  if (e.core.ended()) return false;
  const std::size_t readable = std::min(e.in.size(), e.core.read_allowance());
  switch (next.what) {
    case verb::deliver: return readable != 0;
    case verb::deliver_frame: return first_frame(e) < readable;
    case verb::deliver_byte: return left_.cuts != 0 && readable > 1;
    case verb::deliver_most: return left_.cuts != 0 && readable > 2;
    case verb::deliver_end:
      return e.in_end != mark::none && !e.in_end_given && e.core.read_allowance() != 0 &&
             (e.in.empty() || e.in_end == mark::reset);
    case verb::block: return left_.blocks != 0 && !e.blocked;
    case verb::unblock: return e.blocked;
    case verb::write_byte: return left_.cuts != 0 && e.blocked && e.seen.stuck && e.flying == 0;
    case verb::confirm: return e.flying != 0;
    case verb::tick:
    case verb::tick_late:
    case verb::halfway: {
      const auto due = e.core.deadline();
      const auto theirs = peer_of(e).core.deadline();
      if (!due || (theirs && *theirs<*due&& * due> now_)) return false;
      if (left_.ticks == 0) return false;
      if (next.what == verb::tick) return true;
      return left_.waits != 0 && *due > now_;
    }
    default: break;
  }
  if (is_fault(next.what)) {
    if (left_.faults == 0) return false;
    if (next.what == verb::fail_output) return !e.fails && !e.seen.output_lost;
    if (next.what == verb::reset) return e.in_end != mark::reset && !e.in_end_given;
    if (e.in_end != mark::none) return false;
    return next.what != verb::garbage || peer_of(e).seen.wrote.between_frames();
  }
  return is_call(next.what) && left_.operations != 0 && calls_possible(e, next.what, next.which);
}

bool world::calls_possible(const end& e, verb what, std::uint8_t which) const {
  const truth& seen = e.seen;
  if (seen.destroyed) return false;
  const bool sends = seen.may_send() && !seen.output_lost;
  const auto is_receive = [](const pending& p) {
    return p.what >= verb::receive && p.what <= verb::receive_message;
  };
  switch (what) {
    case verb::send:
    case verb::send_copy: return sends && !e.in_message;
    case verb::send_piece: return sends;
    case verb::send_last: return sends && e.in_message;
    case verb::reserve: return sends && e.writer == 0;
    case verb::write_piece:
    case verb::write_last: return sends && e.writer != 0;
    case verb::abandon: return e.writer != 0;
    case verb::ping: return sends && seen.state() == state::open;
    case verb::receive:
    case verb::receive_one:
    case verb::receive_some:
    case verb::receive_message:
    case verb::try_receive: return !seen.end_told && std::ranges::none_of(e.waiting, is_receive);
    case verb::cancel: return which < e.waiting.size();
    case verb::close:
    case verb::close_for: return !seen.failed && !seen.both();
    case verb::close_output: return !seen.failed && !seen.closing;
    default: return true;
  }
}

// How far the first frame of what is on its way reaches.
std::size_t world::first_frame(const end& e) const {
  if (e.in.empty() || e.seen.read.lost()) return e.in.size();
  frame_watch eyes = e.seen.read;
  std::string_view rest = e.in;
  frame_watch::sight found;
  while (eyes.next(rest, found)) {
    if (found.ends || found.wrong) break;
  }
  return e.in.size() - rest.size();
}

void world::spend(verb what) {
  if (is_call(what)) --left_.operations;
  if (is_fault(what)) --left_.faults;
  switch (what) {
    case verb::deliver_byte:
    case verb::deliver_most:
    case verb::write_byte: --left_.cuts; break;
    case verb::block: --left_.blocks; break;
    case verb::halfway: --left_.waits; break;
    case verb::tick_late: --left_.waits; [[fallthrough]];
    case verb::tick:
      if (menu_->ticks != unlimited) --left_.ticks;
      break;
    default: break;
  }
}

bool world::apply(const move& next) {
  if (!possible(next)) return false;
  spend(next.what);
  end& e = at(next.whose);
  happen(e, next);
  turn(e);
  e.core.rest();
  const bool ticked = next.what == verb::tick || next.what == verb::tick_late;
  if (!broken_) check(e, ticked);
  if (!broken_ && !peer_of(e).core.ended()) check(peer_of(e), false);
  if (!broken_ && over()) check_agreement();
  return true;
}

void world::happen(end& e, const move& next) {
  const std::size_t readable = std::min(e.in.size(), e.core.read_allowance());
  switch (next.what) {
    case verb::deliver: return deliver(e, readable);
    case verb::deliver_frame: return deliver(e, first_frame(e));
    case verb::deliver_byte: return deliver(e, 1);
    case verb::deliver_most: return deliver(e, readable - 1);
    case verb::deliver_end: return deliver_end(e);
    case verb::block: e.blocked = true; return say(e, "its writes stand still");
    case verb::unblock: e.blocked = false; return say(e, "its writes go on");
    case verb::write_byte: e.one_byte = true; return;
    case verb::confirm: {
      const std::size_t size = std::exchange(e.flying, 0);
      if (std::exchange(e.fails, false)) return fail_write(e, core::input_end::error);
      say(e, "what was in flight is written");
      for (pending& p : e.waiting) p.behind = false;
      if (!e.seen.linger && !e.seen.output_lost) {  // else it was given up, and the app told so
        e.seen.unsent -= e.flying_payload;
        e.seen.unsent_messages -= e.flying_messages;
      }
      e.seen.progress = now_;
      if (e.seen.closing && !e.seen.close_written && !e.seen.close_read) e.seen.idle_since = now_;
      const bool closes = e.seen.close_out && !e.seen.close_written;
      e.core.wrote(size, now_);
      if (closes) close_was_written(e);
      return;
    }
    case verb::tick_late: now_ = std::max(now_, *e.core.deadline()) + 3s; [[fallthrough]];
    case verb::tick: return tick(e);
    case verb::halfway: now_ += (*e.core.deadline() - now_) / 2; return say(e, "time goes by");
    default: break;
  }
  if (is_fault(next.what)) return fault(e, next.what);
  call(e, next.what, next.which);
}

core::fingerprint world::fingerprint() const {
  core::fingerprint_maker out(now_);
  out.add(left_.operations);
  out.add(std::uint64_t{left_.faults} << 32 | std::uint64_t{left_.cuts} << 24 |
          std::uint64_t{left_.blocks} << 16 | std::uint64_t{left_.waits} << 8 | left_.ticks);
  out.add(excused_);
  out.add(faulted_);
  for (const end& e : ends_) {
    const core::fingerprint inside = e.core.fingerprint(now_);
    out.add(inside.high);
    out.add(inside.low);
    e.seen.add_to(out);
    if (options(e).ping_interval.count() != 0 && e.seen.state() == state::open) {
      out.add(e.seen.heard);
    }
    out.add(e.in);
    const bool facts[] = {e.in_end_given,
                          e.gone,
                          e.dead,
                          e.blocked,
                          e.one_byte,
                          e.fails,
                          e.in_message,
                          e.writer_began};
    std::uint64_t bits = 0;
    for (const bool fact : facts) bits = bits << 1 | (fact ? 1 : 0);
    out.add(bits);
    out.add(e.in_end);
    out.add(e.flying);
    if (e.flying != 0) out.add(e.flying_payload << 8 | e.flying_messages);
    out.add(e.writer);
    out.add(e.last_writer);
    out.add(e.waiting.size());
    for (const pending& p : e.waiting) {
      out.add(p.owner);
      out.add(p.what);
      out.add(p.letter);
      out.add(std::uint64_t{p.size} << 16 | std::uint64_t{p.left} << 8 | p.from);
      out.add((p.first ? 1 : 0) | (p.ends ? 2 : 0) | (p.cancelled ? 4 : 0) | (p.behind ? 8 : 0));
    }
  }
  return out.made();
}

}  // namespace adieu::model
