// What is written next: control frames, then data, then the Close.
#include "adieu/core/outbox.hpp"

#include <algorithm>

namespace adieu::core {
bool outbox::send_whole(opcode op, const_bytes payload, payload_memory memory) {
  if (packer_.busy()) return false;
  while (!controls_.empty() && writer_.accepts()) compose_control();
  if (!writer_.accepts()) return false;
  const send_queue::next_frame whole{0, op, true, payload, compression::as_agreed};
  if (packer_.in_use() && packer_.takes(whole)) {
    packer_.begin(whole);
    while (packer_.busy()) compose_packed();
    return true;
  }
  writer_.compose({op, true, payload}, {written_frame::what::data, 0}, memory);
  return true;
}

void outbox::push_control(opcode op, const_bytes payload, ticket owner) {
  if (op == opcode::ping && close_ == close_frame_is::committed) return;  // P1
  control& c = controls_.emplace_back();
  c.op = op;
  c.size = static_cast<std::uint8_t>(payload.size());
  std::ranges::copy(payload, c.payload.begin());
  c.owner = owner;
}

void outbox::push_pong(const_bytes payload, std::size_t most) {
  if (controls_.size() >= most) {
    const auto oldest = std::ranges::find(controls_, opcode::pong, &control::op);
    if (oldest != controls_.end()) controls_.erase(oldest);
  }
  push_control(opcode::pong, payload);
}

void outbox::push_close(std::string payload, std::vector<ticket>& dropped) {
  close_payload_ = std::move(payload);
  close_ = close_frame_is::waiting;
  data_.abandon_blocked(dropped);
}

void outbox::push_failure_close(std::string payload, std::vector<ticket>& dropped) {
  data_.drop_all(dropped);
  drop_packed(dropped);
  controls_.clear();
  if (close_ == close_frame_is::committed) return;  // a second Close is never sent
  close_payload_ = std::move(payload);
  close_ = close_frame_is::waiting;
}

std::span<const const_bytes> outbox::gather() {
  while (writer_.accepts() && compose_one()) {
  }
  return writer_.list();
}

bool outbox::compose_control() {
  using what = written_frame::what;
  if (controls_.empty()) return false;
  const control next = controls_.front();
  controls_.erase(controls_.begin());
  const bool ping = next.op == opcode::ping;
  if (ping && close_ == close_frame_is::committed) return true;  // P1: too late for it
  writer_.compose({next.op, true, const_bytes(next.payload).first(next.size)},
                  {ping ? what::ping : what::pong, next.owner},
                  frame_writer::payload_memory::temporary);
  return true;
}

bool outbox::compose_one() {
  using what = written_frame::what;
  if (compose_control()) return true;
  if (packer_.busy()) {
    compose_packed();
    return true;
  }
  if (const auto next = data_.take()) {
    if (packer_.takes(*next)) {
      packer_.begin(*next);
      compose_packed();
      return true;
    }
    writer_.compose({next->op, next->fin, next->payload},
                    {what::data, next->owner},
                    frame_writer::payload_memory::callers);
    return true;
  }
  if (close_ == close_frame_is::waiting) {
    writer_.compose({opcode::close, true, as_bytes(close_payload_)},
                    {what::close, 0},
                    frame_writer::payload_memory::temporary);
    close_ = close_frame_is::committed;
    return true;
  }
  return false;
}

void outbox::compose_packed() {
  const packer::packed next = packer_.next_frame();
  writer_.compose(
      next.frame, {written_frame::what::data, next.owner}, frame_writer::payload_memory::temporary);
}

bool outbox::idle() const noexcept {
  return controls_.empty() && close_ == close_frame_is::absent && data_.idle() && writer_.idle() &&
         !packer_.in_use() && lost_.messages == 0 && lost_.bytes == 0;
}

std::span<const written_frame> outbox::wrote(std::size_t size) {
  told_.clear();
  writer_.wrote(size, told_);
  return told_;
}

std::span<const written_frame> outbox::committed() {
  told_.clear();
  writer_.committed(told_);
  return told_;
}

unsent outbox::left() const noexcept {
  const unsent queued = data_.left();
  const unsent packed = packer_.left();
  const unsent committed = writer_.left();
  return {lost_.messages + queued.messages + packed.messages + committed.messages,
          lost_.bytes + queued.bytes + packed.bytes + committed.bytes};
}

void outbox::lose(const unsent& what) noexcept {
  lost_.messages += what.messages;
  lost_.bytes += what.bytes;
}

void outbox::drop_packed(std::vector<ticket>& dropped) {
  lose(packer_.left());
  packer_.drop(dropped);
}

void outbox::drop_all(std::vector<ticket>& dropped) {
  data_.drop_all(dropped);
  drop_packed(dropped);
  controls_.clear();
  close_ = close_ == close_frame_is::waiting ? close_frame_is::absent : close_;
  lose(writer_.drop_all(dropped));
}

}  // namespace adieu::core
