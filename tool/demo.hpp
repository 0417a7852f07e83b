// `adieu demo`: a server and clients in one process over real TCP, playing every way in which a
// WebSocket ends; for each, what crossed the wire and what the disconnect records say about it.
#pragma once

namespace adieu::tool {

struct demo_options {
  /// Colors where standard output is a terminal; false: nowhere.
  bool color = true;
};

/// Prints the endings. 0 when every record told the truth, 1 otherwise.
int run_demo(const demo_options& options);

}  // namespace adieu::tool
