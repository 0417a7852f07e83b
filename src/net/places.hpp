// How many connections a server has, in all and from each source, and whether there is room for
// one more. A place is held from the accept to the end of TCP.
#pragma once

#include <boost/asio/generic/stream_protocol.hpp>

#include <memory>
#include <string>

namespace adieu::net {

class places {
 public:
  /// 0: any number.
  places(std::size_t most, std::size_t most_per_source);

  struct answer {
    std::shared_ptr<const void> place;  ///< given back when it goes; null: there was none
    std::string problem;                ///< then: which limit
  };
  /// `source` is empty for who has no address.
  [[nodiscard]] answer take(const std::string& source);

 private:
  struct counts;
  std::size_t most_;
  std::size_t most_per_source_;
  std::shared_ptr<counts> counts_;
};

/// The address of a peer as bytes, of IPv6 the network (/64), which is what one customer gets;
/// empty on a Unix socket.
[[nodiscard]] std::string source_of(const boost::asio::generic::stream_protocol::endpoint& peer);

}  // namespace adieu::net
