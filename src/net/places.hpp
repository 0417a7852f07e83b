// How many connections a server has, in all and from each source, and whether there is room for
// one more. A place is held from the accept to the end of TCP.
#pragma once

#include <boost/asio/generic/stream_protocol.hpp>

#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>

namespace adieu::net {

/// Where a connection comes from: an IPv4 address, or of IPv6 the network (/64), which is what one
/// customer gets; or nowhere, as on a Unix socket.
enum class source : std::uint64_t { nowhere = ~std::uint64_t{0} };

[[nodiscard]] source source_of(const boost::asio::generic::stream_protocol::endpoint& peer);

/// From any thread.
class places {
 public:
  /// 0: any number.
  places(std::size_t most, std::size_t most_per_source) noexcept
      : most_(most), most_per_source_(most_per_source) {}
  places(const places&) = delete;
  places& operator=(const places&) = delete;

  /// Takes a place. Else: which limit is reached.
  [[nodiscard]] std::string take(source from);
  void give_back(source from);

 private:
  const std::size_t most_;
  const std::size_t most_per_source_;
  std::mutex mutex_;
  std::size_t all_ = 0;
  std::unordered_map<source, std::size_t> of_source_;
};

}  // namespace adieu::net
