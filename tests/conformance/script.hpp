// What a scripted case has at hand: connections to the endpoint, its verdict, and judgements that
// many cases share.
#pragma once

#include <string>
#include <string_view>

#include "endings.hpp"

namespace adieu::conformance {

class script {
 public:
  script(const ending& what, target& endpoint, const conditions& given)
      : id(what.id), at(endpoint), how(given) {}

  /// Opens a connection, which replaces the one before. Throws std::runtime_error.
  wire& open(const std::string& control = {});
  wire& open(const opening& with);
  [[nodiscard]] wire& w() { return *wire_; }
  [[nodiscard]] bool has_wire() const { return wire_ != nullptr; }
  [[nodiscard]] bool is_client() const { return how.suite == side::client; }
  /// A URL's query that gives this connection a name, so that report() can ask for it.
  [[nodiscard]] std::string named(const std::string& query = {}) const;
  /// What the endpoint says about the connection of that name; empty if it can't.
  std::string report();

  void text(const std::string& payload) { w().put(frame(op_text, payload)); }
  /// Sends a text and wants its echo, within the patience.
  void echo(const std::string& payload);
  /// Closes with 1000 and judges as the table's "tester 1000 clean".
  void close_cleanly() {
    w().put_close(1000);
    finish(w(), out, {.codes = {1000}, .clean = true}, how);
  }
  /// Our FIN, without a Close, and what the peer makes of it.
  void end_tcp();
  /// Waits for the peer's Close. False: it ended otherwise, which is told.
  bool peer_close(double within);
  /// Waits, at most for the endpoint's own deadline, until it gives up; `since` its beginning.
  void measure_giving_up(std::string_view what, clock::time_point since);
  void measure(std::string what, clock::time_point from, clock::time_point to) {
    out.measure(std::move(what), milliseconds(to - from));
  }
  /// No rule says what is right: only told.
  void tell(std::string what) {
    if (out.behaved == behaviour::ok) out.behaved = behaviour::informational;
    out.notes.push_back(std::move(what));
  }
  [[nodiscard]] clock::time_point soon() const { return in(how.patience); }

  const std::string id;
  target& at;
  const conditions& how;
  outcome out;
  std::string agreed;  // Sec-WebSocket-Extensions of the connection

 private:
  std::unique_ptr<wire> wire_;
};

}  // namespace adieu::conformance
