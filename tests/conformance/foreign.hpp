// Other people's implementations as endpoints: Node's ws and Python's websockets, behind the small
// programs of tests/peers (echo.mjs, echo.py), which are started here and end with this object.
#pragma once

#include <memory>
#include <mutex>
#include <stdexcept>
#include <string>
#include <vector>

#include "target.hpp"
#include "tests/peers/child.hpp"

namespace adieu::conformance {

class foreign {
 public:
  /// "node" or "python", to "serve" or to "connect".
  foreign(const std::string& which, const std::string& what, const std::string& source_dir)
      : program_(command(which, what, source_dir)) {
    const auto line = program_.read_line(clock::now() + peers::patience);
    const std::size_t space = line ? line->find(' ') : std::string::npos;
    if (space == std::string::npos) throw std::runtime_error(which + " does not start");
    port = static_cast<std::uint16_t>(std::stoi(line->substr(0, space)));
    name = line->substr(space + 1);
  }

  void connect(const std::string& url) {
    const std::lock_guard lock(mutex_);
    program_.write_line(url);
  }

  std::uint16_t port = 0;
  std::string name;

 private:
  static std::vector<std::string> command(const std::string& which,
                                          const std::string& what,
                                          const std::string& source_dir) {
    const std::string folder = source_dir + "/tests/peers/";
    if (which == "node") return {"node", folder + "node/echo.mjs", what};
    if (which == "python") return {"/usr/bin/python3", folder + "python/echo.py", what};
    throw std::runtime_error("no such peer: " + which + " (node, python)");
  }

  peers::child program_;
  std::mutex mutex_;
};

}  // namespace adieu::conformance
