// The real .NET: the C# program in dotnet/, and connections on which it is told what to play.
#pragma once

#include <string>

#include "tests/oracle/player.hpp"
#include "tests/peers/child.hpp"

namespace oracle {

/// The program, running. Several threads may talk to it, each with a control connection of its own.
class referee {
 public:
  /// Builds the program if need be.
  referee();

  [[nodiscard]] const std::string& runtime() const noexcept { return runtime_; }
  [[nodiscard]] std::uint16_t port() const noexcept { return port_; }
  [[nodiscard]] std::unique_ptr<side> make_side() const;

 private:
  peers::child program_;
  std::uint16_t port_ = 0;
  std::string runtime_;
};

/// A line out, a line in.
class control_connection {
 public:
  explicit control_connection(std::uint16_t port);
  [[nodiscard]] std::string ask(std::string line);

 private:
  adieu::test::raw_socket socket_;
};

}  // namespace oracle
