// What a search may order: which calls, which faults, how many of each, over what kind of
// transport. A search visits every order of what one menu allows. Deliveries, unblocking and
// deadlines are free.
#pragma once

#include <span>
#include <string_view>
#include <vector>

#include "adieu/options.hpp"
#include "tests/model/move.hpp"

namespace adieu::model {

inline constexpr unsigned unlimited = 255;

struct menu {
  std::string_view name;
  std::string_view about;
  std::vector<verb> calls;   // of either side
  std::vector<verb> faults;  // towards either side
  unsigned operations = 2;   // calls in all
  unsigned fault_count = 0;
  unsigned cuts = 0;           // deliveries and writes of one byte, or all but one
  unsigned blocks = 0;         // writes that stand still
  unsigned waits = 0;          // halfway and late: time that is not a deadline's
  unsigned ticks = unlimited;  // deadlines
  websocket_options client;
  websocket_options server;
  std::size_t capacity = 64;  // bytes that a direction of the network holds
  unsigned message_size = 2;  // of a message or a piece
  bool in_flight = false;     // the client's transport takes everything, and confirms it later
  bool server_shows = false;  // the server is in message mode
};

/// All of them, each with the bound of operations at which CI stops.
[[nodiscard]] std::span<const menu> menus();
[[nodiscard]] const menu* find_menu(std::string_view name);

}  // namespace adieu::model
