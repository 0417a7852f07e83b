// Peers in processes of their own, to be killed or stopped.
//
// A small process is forked before the test has sockets or threads; it forks the peers, so that no
// other cell's socket is ever held by one of them. All of them die with the test.
#pragma once

#include <sys/types.h>

#include "tests/faults/matrix_cell.hpp"

namespace adieu::test {

class peer_processes {
 public:
  /// The files are of the peers' certificate.
  peer_processes(const std::string& certificate, const std::string& key);
  peer_processes(const peer_processes&) = delete;
  peer_processes& operator=(const peer_processes&) = delete;
  ~peer_processes();

  /// Starts a peer on these two sockets, which it takes over. Its process' id.
  [[nodiscard]] pid_t start(const cell& in, int data, int line) const;

 private:
  int office_ = -1;
  pid_t maker_ = -1;
};

}  // namespace adieu::test
