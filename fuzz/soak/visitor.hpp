// One connection to the server, played from start to end as a seed says: a handshake that is right
// or not, then bytes of the fuzzers' corpora, whole or cut, quickly or slowly, read or not, and an
// end that is polite, abrupt or none.
#pragma once

#include <boost/asio/awaitable.hpp>

#include <cstdint>
#include <string>
#include <vector>

namespace adieu::soak {

/// What visitors say, read from the corpora once.
struct phrases {
  explicit phrases(const std::vector<std::string>& corpora);

  std::vector<std::string> requests;  // HTTP, most of it wrong
  std::vector<std::string> frames;    // of a client
  std::vector<std::string> garbage;   // of every other target
};

/// The sums of all visits.
struct tally {
  std::size_t connected = 0;
  std::size_t shook_hands = 0;
  std::size_t bytes_sent = 0;
  std::size_t bytes_received = 0;
};

boost::asio::awaitable<void> visit(unsigned short port,
                                   const phrases& say,
                                   std::uint64_t seed,
                                   tally& sums);

/// The last visitor sends one message and wants it back, with a clean end; false: it did not come.
boost::asio::awaitable<bool> echo_works(unsigned short port, tally& sums);

}  // namespace adieu::soak
