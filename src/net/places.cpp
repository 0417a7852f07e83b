// Counting connections.
#include "net/places.hpp"

#include <boost/asio/ip/address.hpp>

#include <cstring>

namespace adieu::net {

std::string places::take(source from) {
  const auto full = [](const char* option, std::size_t most) {
    return "too many connections (" + std::string(option) + " is " + std::to_string(most) + ")";
  };
  const std::lock_guard lock(mutex_);
  if (most_ != 0 && all_ >= most_) return full("max_connections", most_);
  if (from != source::nowhere) {
    const auto found = of_source_.find(from);
    const std::size_t there = found == of_source_.end() ? 0 : found->second;
    if (most_per_source_ != 0 && there >= most_per_source_) {
      return full("max_connections_per_address", most_per_source_);
    }
    ++of_source_[from];
  }
  ++all_;
  return {};
}

void places::give_back(source from) {
  const std::lock_guard lock(mutex_);
  --all_;
  if (from == source::nowhere) return;
  const auto found = of_source_.find(from);
  if (--found->second == 0) of_source_.erase(found);
}

// An IPv4 address stands behind a prefix of multicast addresses, where no network is.
source source_of(const boost::asio::generic::stream_protocol::endpoint& peer) {
  const auto ipv4 = [](const void* address) {
    std::uint32_t bits = 0;
    std::memcpy(&bits, address, sizeof bits);
    return source{std::uint64_t{0xFF00'0000} << 32U | bits};
  };
  if (peer.protocol().family() == AF_INET) {
    sockaddr_in from{};
    std::memcpy(&from, peer.data(), std::min(peer.size(), sizeof from));
    return ipv4(&from.sin_addr);
  }
  if (peer.protocol().family() != AF_INET6) return source::nowhere;
  sockaddr_in6 from{};
  std::memcpy(&from, peer.data(), std::min(peer.size(), sizeof from));
  const auto* const address = reinterpret_cast<const unsigned char*>(&from.sin6_addr);
  if (IN6_IS_ADDR_V4MAPPED(&from.sin6_addr)) return ipv4(address + 12);
  std::uint64_t network = 0;
  for (std::size_t i = 0; i < 8; ++i) network = network << 8U | address[i];
  return source{network};
}

}  // namespace adieu::net
