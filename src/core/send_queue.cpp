// Whose piece is next: messages in the order of their first calls, never mixed.
#include "adieu/core/send_queue.hpp"

#include <algorithm>

namespace adieu::core {

void send_queue::push(const send_piece& next) {
  entries_.push_back({next});
  if (next.ends_message) {
    finished(next.from);
  } else if (!in_message(next.from)) {
    unfinished_.push_back({next.from, next.compress});
  }
}

void send_queue::reserve(sender from) {
  entry place;
  place.from = from;
  place.placeholder = true;
  entries_.push_back(place);
}

bool send_queue::release(sender from) {
  if (in_message(from)) return false;
  if (!waits(from)) forget_place(from);  // else its message is whole, and keeps the place
  return true;
}

bool send_queue::waits(sender from) const noexcept {
  return std::ranges::any_of(waiting(),
                             [&](const entry& e) { return e.from == from && !e.placeholder; });
}

void send_queue::forget_place(sender from) {
  for (std::size_t i = first_; i < entries_.size(); ++i) {
    if (entries_[i].from == from && entries_[i].placeholder) return remove(i);
  }
  if (open_ && !continues_ && open_sender_ == from) open_ = false;
}

bool send_queue::in_message(sender from) const noexcept {
  return std::ranges::find(unfinished_, from, &unfinished_message::from) != unfinished_.end();
}

bool send_queue::changes_compression(const send_piece& next) const noexcept {
  const auto found = std::ranges::find(unfinished_, next.from, &unfinished_message::from);
  return found != unfinished_.end() && found->compress != next.compress;
}

void send_queue::finished(sender from) {
  std::erase_if(unfinished_, [&](const unfinished_message& m) { return m.from == from; });
}

std::optional<std::size_t> send_queue::turn() const noexcept {
  if (!open_) return empty() ? std::nullopt : std::optional(first_);
  for (std::size_t i = first_; i < entries_.size(); ++i) {
    if (entries_[i].from == open_sender_ && !entries_[i].placeholder) return i;
  }
  return std::nullopt;
}

std::optional<send_queue::next_frame> send_queue::take() {
  while (const std::optional<std::size_t> index = turn()) {
    const entry next = entries_[*index];
    remove(*index);
    open_ = true;
    open_sender_ = next.from;
    if (next.placeholder) continue;
    const opcode first = next.type == message_type::text ? opcode::text : opcode::binary;
    const next_frame out{next.owner,
                         continues_ ? opcode::continuation : first,
                         next.ends_message,
                         next.payload,
                         next.compress};
    open_ = continues_ = !next.ends_message;
    return out;
  }
  return std::nullopt;
}

bool send_queue::withdraw(ticket owner) {
  std::size_t mine = first_;
  while (mine < entries_.size() && (entries_[mine].owner != owner || entries_[mine].placeholder)) {
    ++mine;
  }
  if (mine == entries_.size()) return false;
  const sender from = entries_[mine].from;

  // Is it the first piece of its message, and the only one so far?
  bool first = !(continues_ && open_sender_ == from);
  for (std::size_t i = first_; i < mine; ++i) {
    if (entries_[i].from == from && !entries_[i].placeholder) first = entries_[i].ends_message;
  }
  if (!first) return false;
  if (!entries_[mine].ends_message) {
    for (std::size_t i = mine + 1; i < entries_.size(); ++i) {
      if (entries_[i].from == from && !entries_[i].placeholder) return false;
    }
    finished(from);
  }
  const bool whole = entries_[mine].ends_message;
  remove(mine);
  if (whole && !waits(from)) forget_place(from);  // nobody else may be left to give it up
  return true;
}

// P1: what was accepted goes out before the Close, except what stands behind a message that has
// begun on the wire and can't end. One that has not begun makes way, and so does an empty place.
void send_queue::abandon_blocked(std::vector<ticket>& dropped) {
  for (std::size_t i = first_; i < entries_.size();) {
    if (entries_[i].placeholder && !waits(entries_[i].from)) {
      remove(i);
      i = first_;
    } else {
      ++i;
    }
  }
  if (open_ && !continues_ && !waits(open_sender_)) open_ = false;

  while (true) {
    send_queue rehearsal = *this;
    while (rehearsal.take()) {
    }
    if (rehearsal.empty()) return;
    const sender stuck = rehearsal.open_sender_;
    std::size_t begin = first_;  // of the message that can't end
    for (std::size_t i = first_; i < entries_.size(); ++i) {
      if (entries_[i].from == stuck && entries_[i].ends_message && !entries_[i].placeholder) {
        begin = i + 1;
      }
    }
    const bool has_begun = begin == first_ && continues_ && open_sender_ == stuck;
    std::vector<entry> kept;
    for (std::size_t i = first_; i < entries_.size(); ++i) {
      const entry& e = entries_[i];
      const bool of_stuck = e.from == stuck && !e.placeholder;
      if (has_begun ? !of_stuck : of_stuck && i >= begin) {
        drop(e, dropped);
      } else if (!(e.placeholder && e.from == stuck)) {
        kept.push_back(e);
      }
    }
    entries_ = std::move(kept);
    first_ = 0;
    if (open_ && !continues_ && !waits(open_sender_)) open_ = false;
  }
}

void send_queue::drop_all(std::vector<ticket>& dropped) {
  for (const entry& gone : std::span(entries_).subspan(first_)) drop(gone, dropped);
  entries_.clear();
  first_ = 0;
}

void send_queue::drop(const entry& gone, std::vector<ticket>& dropped) {
  if (gone.placeholder) return;
  dropped.push_back(gone.owner);
  lost_.bytes += gone.payload.size();
  if (gone.ends_message) ++lost_.messages;
}

unsent send_queue::left() const noexcept {
  unsent out = lost_;
  for (const entry& waiting : std::span(entries_).subspan(first_)) {
    if (waiting.placeholder) continue;
    out.bytes += waiting.payload.size();
    if (waiting.ends_message) ++out.messages;
  }
  out.messages += unfinished_.size();
  return out;
}

void send_queue::remove(std::size_t index) {
  if (index == first_) {
    ++first_;
  } else {
    entries_.erase(entries_.begin() + static_cast<std::ptrdiff_t>(index));
  }
  if (empty()) {
    entries_.clear();
    first_ = 0;
    if (entries_.capacity() > 64) entries_ = {};
  } else if (first_ > 32 && first_ > entries_.size() / 2) {
    entries_.erase(entries_.begin(), entries_.begin() + static_cast<std::ptrdiff_t>(first_));
    first_ = 0;
  }
}

}  // namespace adieu::core
