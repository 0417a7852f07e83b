// .NET as it was found: System.Net.WebSockets' ManagedWebSocket, whose reading goes on only while
// somebody waits, and which has a read-ahead of 125 bytes for headers.
//
// A waiting reader is tried anew from its beginning whenever something comes. That is the same as
// going on where it stood, since nothing is consumed before all that is needed is there.
#pragma once

#include <deque>

#include "tests/oracle/model.hpp"
#include "tests/oracle/model_parts.hpp"

namespace oracle {

class dotnet_model {
 public:
  dotnet_model(const script& all, const std::set<std::size_t>& unanswered_by_adieu)
      : how_(all), server_(all.role == adieu::role::server), unanswered_(unanswered_by_adieu) {}

  facts play(const step& one, std::size_t number, std::string_view bytes);

 private:
  enum class after : std::uint8_t { nothing, deliver_close, fault };
  struct reader {
    std::size_t number;
    std::size_t size;
    bool is_close;
    after fin = after::nothing;  // what follows once the server's FIN has come (N10)
    row why = 0;
    bool entered = false;  // a close: it waits for its receive, not for a look
  };
  enum class result : std::uint8_t { blocked, done, more };

  /// From here on the two are in different situations, and `why` is the reason.
  void depart(row why) { because_ = because_ != 0 ? because_ : why; }

  // ── What is told ────────────────────────────────────────────────────────────────────────────
  void tell(std::size_t number, const std::string& what, row why = 0);
  void write(unsigned first, std::string_view payload, row why = 0);

  // ── Calls ───────────────────────────────────────────────────────────────────────────────────
  void send(const step& one, std::size_t number);
  static bool bad_arguments(const step& one);

  /// False: it could not be written.
  bool send_close(int code, const std::string& reason, row why = 0);
  void close(const step& one, std::size_t number);
  void close_output(const step& one, std::size_t number);

  /// Both Closes have passed in a call: TCP is dropped, by a client after the server's FIN (N10).
  void end_with_fin(std::size_t number, row why);

  /// A receive that waits for its turn only goes; one that reads takes the connection with it.
  void cancel();
  void cancel_sends();
  void unstall();
  void abort();
  void dispose();
  void wait(std::size_t time);

  // ── Reading ─────────────────────────────────────────────────────────────────────────────────
  void pump();

  /// The first reader: the others wait for it.
  bool advance();
  void finish_close();

  /// The first reader has its result. A close goes on until the peer's Close, behind the others.
  void give(const std::string& what);
  void fail(const std::string& error, row why = 0);
  [[nodiscard]] bool fin_or_enough() const;
  bool ensure(std::size_t size);
  void consume(std::size_t size);
  result starve();
  result read();

  std::string unmasked(std::string piece);
  [[nodiscard]] std::string words(const std::string& piece, bool frame_ends) const;
  [[nodiscard]] bool bad(const frame_head& head) const;
  result read_control(const frame_head& head);
  result on_close(const std::string& payload);

  /// N8, and where the bad data was itself a Close.
  result violate(int code);

  /// N10, inside a receive: both Closes have passed. Whatever comes will do.
  result wait_for_fin();

  const script& how_;
  const bool server_;
  const std::set<std::size_t>& unanswered_;
  std::size_t pings_ = 0;
  std::string state_ = "open";
  std::string status_ = "-";
  bool sent_close_ = false;
  bool received_close_ = false;
  bool disposed_ = false;
  bool stalled_ = false;  // the first send is larger than what the kernel takes
  std::vector<std::pair<std::size_t, std::string>> blocked_;  // sends, and their frames
  bool patience_over_ = false;
  bool in_message_out_ = false;
  bool close_is_cut_ = false;
  row because_ = 0;

  std::string in_;         // arrived and not consumed
  std::size_t ahead_ = 0;  // of it, in the read-ahead
  bool fin_ = false;
  bool reset_ = false;
  std::size_t payload_left_ = 0;
  std::size_t mask_at_ = 0;
  bool header_is_new_ = false;  // nothing of its frame was given yet: it is lost with its receive
  frame_head head_;             // of the frame whose payload is being read
  bool text_ = true;
  bool in_message_ = false;
  utf8_check utf8_{utf8_check::judges::whole_code_points};

  std::deque<reader> readers_;
  std::deque<reader> fin_waiters_;
  facts seen_;
};

}  // namespace oracle
