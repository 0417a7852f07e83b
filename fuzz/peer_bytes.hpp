// Whatever a peer may send after the handshake, to a connection whose app receives in some way and
// closes at some time. The same bytes, however they are cut, bring the same data, the same end, the
// same Close and the same record; and the record is consistent.
//
// What may differ with the cuts, by the rules: Pongs to Pings in front of something that ends the
// connection (D14 drops what is not committed); and which of two things came first for an app that
// takes whole messages, when one was too large. Neither is compared.
#pragma once

#include "adieu/core/handshake.hpp"
#include "fuzz/record_checks.hpp"
#include "tests/core/endpoint.hpp"

namespace adieu::fuzz {

using namespace std::chrono_literals;

/// How the app behaves, from the first bytes of the input.
struct app_choices {
  enum class receiving : std::uint8_t { pieces, some, messages, shown, tried };
  enum class closing : std::uint8_t { answers, closes_first, half_closes_first, leaves, never };
  receiving receives = receiving::pieces;
  closing closes = closing::answers;
  std::size_t buffer = 4096;
  core::input_end end = core::input_end::fin;
  websocket_options options;
  std::size_t seed = 0;

  static constexpr std::size_t size = 4;  // bytes of the input
  explicit app_choices(input& in) {
    static constexpr std::size_t buffers[] = {4096, 1, 7, 125, 0};
    static constexpr core::input_end ends[] = {core::input_end::fin,
                                               core::input_end::reset,
                                               core::input_end::truncated,
                                               core::input_end::error};
    const std::size_t how = in.choose(256);
    receives = static_cast<receiving>(how % 5);
    closes = static_cast<closing>(how / 5 % 5);
    const std::size_t limits = in.choose(256);
    buffer = buffers[limits % 5];
    if (buffer == 0 && receives != receiving::some) buffer = 64;
    end = ends[limits / 5 % 4];
    const std::size_t more = in.choose(256);
    if ((more & 1) != 0) options.deflate.emplace();
    // P4: what async_close throws away depends on who was quicker.
    if ((more & 2) != 0 && closes != closing::closes_first) options.receive_window = 100;
    // P3: so does what try_receive takes of a frame that the window is too small for.
    if (receives == receiving::tried) buffer = std::min<std::size_t>(buffer, 64);
    if ((more & 4) != 0) options.max_frame_size = 50;
    if ((more & 8) != 0) options.max_fragments = 3;
    if ((more & 16) != 0) options.max_control_frames_per_second = 4;
    if ((more & 32) != 0 && receives == receiving::shown) options.max_message_size = 60;
    if ((more & 64) != 0) options.deflate.emplace().client_context_takeover = false;
    seed = in.choose(256);
  }
};

/// What came of it.
struct outcome {
  std::string received;  // a line for each thing that a receive brought
  std::vector<test::frame> sent;
  std::string record;
};

class connection_under_bytes {
 public:
  connection_under_bytes(role self, const app_choices& app) : app_(app), e_(self, app.options) {
    e_.core.show_messages(app.receives == app_choices::receiving::shown);
    if (app.closes == app_choices::closing::closes_first) e_.close(1000, "bye");
    if (app.closes == app_choices::closing::half_closes_first) e_.close_output(1001);
    receive();
  }

  [[nodiscard]] outcome play(std::string_view bytes, cuts where) {
    while (!bytes.empty() && !e_.cut()) {
      const std::size_t allowed = std::min(e_.core.read_allowance(), bytes.size());
      EXPECT_NE(allowed, 0U) << "reading stands still, and the app receives";
      const std::size_t size = where.next(allowed);
      e_.feed(bytes.substr(0, size));
      bytes.remove_prefix(size);
      receive();
    }
    if (app_.closes == app_choices::closing::leaves) e_.destroy();
    if (!e_.cut()) e_.input_ended(app_.end, app_.end == core::input_end::error ? 110 : 0);
    receive();
    e_.advance(1h);
    if (!e_.core.ended()) e_.abort();  // a peer that vanished while nobody closes: half open
    receive();
    EXPECT_TRUE(e_.core.ended());
    expect_consistent(e_.record());
    if (app_.closes == app_choices::closing::leaves) {
      for (core::ticket t = 1; t <= e_.last(); ++t) EXPECT_FALSE(e_.pending(t));
    } else {
      EXPECT_TRUE(over_) << "nobody told the app of the end";
    }
    for (const std::string& message : e_.shown) out_.received += "shown " + message + '\n';
    out_.sent = e_.frames();
    out_.record = told(e_.record());
    return out_;
  }

 private:
  using receiving = app_choices::receiving;

  /// Receives until nothing is there, and answers the peer's Close.
  void receive() {
    for (int guard = 0; !over_; ++guard) {
      ASSERT_LT(guard, 100000) << "receives that bring nothing";
      if (app_.receives == receiving::tried) {
        std::string space(app_.buffer, '?');
        const auto got = e_.core.try_receive(std::as_writable_bytes(std::span(space)), e_.now);
        if (!got) return e_.pump();
        note(*got, space.substr(0, got->received.count));
        continue;
      }
      if (pending_ == 0) {
        if (app_.closes == app_choices::closing::leaves && e_.core.ended()) return;
        pending_ = app_.receives == receiving::messages
                       ? e_.receive_message()
                       : e_.receive(space(),
                                    app_.receives == receiving::some ? core::receive_kind::some
                                                                     : core::receive_kind::piece);
      }
      if (e_.pending(pending_)) return;
      const core::ticket done = std::exchange(pending_, 0);
      note(e_.done.at(done), e_.data(done));
    }
    e_.pump();  // a try may have found what ends the connection
  }

  static std::string told(disconnect_record record) {
    // How much of a message had arrived when it turned out to be too large is the network's affair.
    if (record.cause == cause::message_too_big) record.lost.discarded_bytes = 0;
    return test::timeless(record);
  }

  [[nodiscard]] std::size_t space() const { return waited_ ? 64 : app_.buffer; }

  void note(const core::completion& done, const std::string& data) {
    const receive_result& got = done.received;
    if (done.error != errc::success || got.type == message_type::close) {
      out_.received += "end " + std::string(to_string(done.error));
      if (got.close_status) {
        out_.received += std::to_string(static_cast<unsigned>(*got.close_status));
        out_.received += got.close_description;
      }
      out_.received += '\n';
      over_ = true;
      if (got.close_status && app_.closes == app_choices::closing::answers) {
        e_.close_output(static_cast<unsigned>(*got.close_status), got.close_description);
      }
      return;
    }
    if (space() == 0 && app_.receives == receiving::some) {
      EXPECT_EQ(got.count, 0U);
      if (!got.end_of_message) waited_ = true;  // N12: for data, which is there now
    } else {
      waited_ = false;
    }
    out_.received += data;
    // Eager pieces depend on the cuts, but not their sum.
    if (got.end_of_message) out_.received += std::string(to_string(got.type)) + '\n';
    // So do pieces of what is decompressed: its last byte may be known before the end is.
    const bool borders = app_.receives == receiving::pieces && !app_.options.deflate;
    if (borders && !got.end_of_message) out_.received += '|';
  }

  app_choices app_;
  test::endpoint e_;
  core::ticket pending_ = 0;
  bool waited_ = false;
  bool over_ = false;
  outcome out_;
};

inline std::vector<test::frame> without_pongs(std::vector<test::frame> frames) {
  std::erase_if(frames, [](const test::frame& f) { return f.op == test::pong_op; });
  return frames;
}

inline void play_peer_bytes(role self, input in) {
  const app_choices app(in);
  const std::string_view bytes = in.rest();
  const outcome whole = connection_under_bytes(self, app).play(bytes, cuts::none());
  for (const cuts& where : {cuts::everywhere(), cuts::by(app.seed)}) {
    const outcome cut = connection_under_bytes(self, app).play(bytes, where);
    EXPECT_EQ(cut.received, whole.received);
    EXPECT_TRUE(without_pongs(cut.sent) == without_pongs(whole.sent));
    EXPECT_EQ(cut.record, whole.record);
  }
}

}  // namespace adieu::fuzz
