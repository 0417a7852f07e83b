// The table of cases (cases.txt) and its notation. A row is taken apart when its case is played:
// the payloads of group 9 together are far larger than the table.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "wire.hpp"

namespace adieu::conformance {

// ── What the suite sends ─────────────────────────────────────────────────────────────────────────
struct send_frame {
  frame what;
  std::size_t chop = 0;  // 0: whole
  bool flush = false;
};
struct send_header {
  frame what;
  std::size_t size = 0;
};
struct send_piece {
  std::string bytes;
};
struct pause {
  double length = 0;
  std::string tag;
};
using act = std::variant<send_frame, send_header, send_piece, pause>;

// ── What has to come back ────────────────────────────────────────────────────────────────────────
enum class comparison : bool { all, type_and_length };

struct closing_rule {
  bool by_peer = false;
  std::vector<std::uint16_t> codes;
  bool clean = false;
  bool exact = false;
  bool fatal = false;
};

struct table_case {
  std::vector<act> acts;
  std::vector<std::vector<event>> wanted;  // the strict alternative first
  comparison compare = comparison::all;
  bool informational = false;
  closing_rule closing;
  double gives_up_after = 0;
  bool gives_up_with_code = true;
};

/// Messages one at a time, each after the echo of the one before.
struct round_trips {
  std::string data;  // "text", "bin", or the name of a data file
  std::size_t size = 0;
  std::size_t fragment = 0;  // of compressed bytes; 0: one frame
  double limit = 0;
  std::string offer, answer;  // of permessage-deflate; empty: without
};

struct row {
  std::string id, group;
  std::variant<std::string, round_trips> what;  // of a table's row, its text
  [[nodiscard]] bool is_heavy() const;
};
struct group {
  std::string id, title;
};
struct table {
  std::vector<group> groups;
  std::vector<row> rows;
};

/// Throws std::runtime_error with the place of a mistake.
table read_table(const std::string& file);
table_case parse_row(std::string_view text);

}  // namespace adieu::conformance
