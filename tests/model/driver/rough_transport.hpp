// A transport whose every step is somebody else's whim: reads and writes move as many bytes as they
// are allowed to, late, in pieces, or fail. It wakes nobody by itself: kick() does.
#pragma once

#include <boost/asio/post.hpp>

#include <string>

#include "adieu/net/transport.hpp"

namespace adieu::model {

/// What flows towards one end.
struct rough_pipe {
  std::string bytes;
  bool fin = false;
  bool reset = false;
  bool reader_gone = false;
};

class rough_transport final : public net::transport {
 public:
  enum class style : std::uint8_t { at_once, in_flight };

  rough_transport(boost::asio::any_io_executor executor,
                  std::shared_ptr<rough_pipe> in,
                  std::shared_ptr<rough_pipe> out,
                  style how)
      : executor_(std::move(executor)), in_(std::move(in)), out_(std::move(out)), how_(how) {}

  // What the schedule allows until the next kick.
  std::size_t may_read = 0;
  std::size_t may_write = 0;
  std::optional<core::input_end> input_fails;
  std::optional<core::input_end> output_fails;
  bool closed = false;
  bool* gone = nullptr;  // is set when this is destroyed

  ~rough_transport() override {
    if (gone != nullptr) *gone = true;
  }

  void kick() {
    if (auto to = listener_.lock()) {
      boost::asio::post(executor_, [to = std::move(to)] { to->on_event(); });
    }
  }
  [[nodiscard]] bool waits() const noexcept { return !flying_.empty() || blocked_; }

  void start(const std::shared_ptr<net::transport_listener>& listener) override {
    listener_ = listener;
  }

  [[nodiscard]] bool pump() override {
    const auto to = listener_.lock();
    if (!to) return false;
    if (!flying_.empty()) land(*to);
    if (closed || input_ended_) return false;
    const std::size_t allowed = to->read_allowance();
    if (allowed == 0) return false;
    if (input_fails || (in_->reset && in_->bytes.empty())) {
      const core::input_end how = input_fails.value_or(core::input_end::reset);
      input_ended_ = true;
      to->on_input_end(how, how == core::input_end::error ? 5 : 0);
      return false;
    }
    const std::size_t size = std::min({allowed, may_read, in_->bytes.size()});
    if (size != 0) {
      std::string bytes = in_->bytes.substr(0, size);
      in_->bytes.erase(0, size);
      may_read -= size;
      to->on_bytes(std::as_writable_bytes(std::span(bytes)));
      return may_read != 0 && !closed;
    }
    if (in_->bytes.empty() && in_->fin && may_read != 0) {
      input_ended_ = true;
      to->on_input_end(core::input_end::fin, 0);
    }
    return false;
  }

  [[nodiscard]] net::write_result write(std::span<const core::const_bytes> list, urgency) override {
    using outcome = net::write_result::outcome;
    if (!flying_.empty()) return {};
    if (shut_) wrote_after_fin = true;
    if (output_fails || in_->reset) {
      return {outcome::failed, 0, output_fails.value_or(core::input_end::reset), 104};
    }
    std::string bytes;
    for (const core::const_bytes piece : list) bytes += core::as_text(piece);
    if (how_ == style::in_flight) {
      flying_ = bytes;
      return {outcome::in_flight, bytes.size()};
    }
    bytes.resize(std::min(bytes.size(), may_write));
    may_write -= bytes.size();
    blocked_ = bytes.empty();
    give(bytes);
    return {outcome::written, bytes.size()};
  }

  void shut_output() override {
    shut_ = true;
    out_->fin = true;
  }

  core::closing_facts close(ending how) override {
    closed = true;
    core::closing_facts facts;
    facts.was_reset = how == ending::reset;
    facts.unread_in_kernel = !facts.was_reset && !in_->bytes.empty();
    facts.unacknowledged = out_->bytes.size();
    in_->reader_gone = true;
    if (facts.was_reset || facts.unread_in_kernel) {
      out_->reset = true;
      out_->bytes.clear();
    }
    out_->fin = true;
    return facts;
  }

  [[nodiscard]] bool peer_gone() override { return in_->fin || in_->reset; }

  bool wrote_after_fin = false;

 private:
  void give(const std::string& bytes) {
    if (bytes.empty()) return;
    if (out_->reader_gone) {
      in_->reset = true;
    } else {
      out_->bytes += bytes;
    }
  }
  void land(net::transport_listener& to) {
    if (output_fails) {
      flying_.clear();
      return to.on_output_failed(*output_fails, 104);
    }
    const std::size_t size = std::min(may_write, flying_.size() - landed_);
    may_write -= size;
    give(flying_.substr(landed_, size));
    landed_ += size;
    if (landed_ < flying_.size()) return;
    const std::size_t all = std::exchange(landed_, 0);
    flying_.clear();
    to.on_written(all);
  }

  boost::asio::any_io_executor executor_;
  std::shared_ptr<rough_pipe> in_, out_;
  style how_;
  std::weak_ptr<net::transport_listener> listener_;
  std::string flying_;
  std::size_t landed_ = 0;
  bool blocked_ = false;
  bool input_ended_ = false;
  bool shut_ = false;
};

}  // namespace adieu::model
