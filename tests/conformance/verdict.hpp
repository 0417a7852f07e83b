// What the suite says of a case: how the endpoint behaved, how it closed, what was measured, and
// the frames that show it.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "wire.hpp"

namespace adieu::conformance {

enum class behaviour : std::uint8_t {
  ok,
  non_strict,  // right, but not as early or as fully as it could be
  failed,
  informational,  // no rule says what is right
  unimplemented,  // the extension was not agreed
  skipped,
};

enum class closing : std::uint8_t {
  ok,
  wrong_code,
  unclean,         // a Close is missing, or TCP stayed open
  failed,          // the wrong side began
  failed_by_peer,  // the server did not drop TCP
};

struct outcome {
  behaviour behaved = behaviour::ok;
  closing closed = closing::ok;
  std::vector<std::string> notes;                        // why, in sentences
  std::vector<std::pair<std::string, double>> measured;  // milliseconds, or what the name says
  std::vector<wire_log::line> log;
  double took = 0;  // seconds

  [[nodiscard]] bool perfect() const {
    return (behaved == behaviour::ok || behaved == behaviour::informational) &&
           closed == closing::ok;
  }

  /// A worse verdict replaces a better one.
  void fail(std::string why) {
    behaved = behaviour::failed;
    notes.push_back(std::move(why));
  }
  void weaken(std::string why) {
    if (behaved != behaviour::failed) behaved = behaviour::non_strict;
    notes.push_back(std::move(why));
  }
  void close_wrongly(closing how, std::string why) {
    if (closed == closing::ok) closed = how;
    notes.push_back(std::move(why));
  }
  void measure(std::string what, double value) { measured.emplace_back(std::move(what), value); }
};

std::string_view to_string(behaviour) noexcept;
std::string_view to_string(closing) noexcept;

}  // namespace adieu::conformance
