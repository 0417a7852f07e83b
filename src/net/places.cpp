// Counting connections. A place may be given back on any thread, and after the server is gone.
#include "net/places.hpp"

#include <boost/asio/ip/address.hpp>

#include <cstring>
#include <mutex>
#include <unordered_map>

namespace adieu::net {

struct places::counts {
  std::mutex mutex;
  std::size_t all = 0;
  std::unordered_map<std::string, std::size_t> of_source;

  void give_back(const std::string& source) {
    const std::lock_guard lock(mutex);
    --all;
    if (source.empty()) return;
    const auto found = of_source.find(source);
    if (--found->second == 0) of_source.erase(found);
  }
};

places::places(std::size_t most, std::size_t most_per_source)
    : most_(most), most_per_source_(most_per_source), counts_(std::make_shared<counts>()) {}

places::answer places::take(const std::string& source) {
  const auto full = [](const char* option, std::size_t most) {
    return answer{
        nullptr,
        "too many connections (" + std::string(option) + " is " + std::to_string(most) + ")"};
  };
  {
    const std::lock_guard lock(counts_->mutex);
    if (most_ != 0 && counts_->all >= most_) return full("max_connections", most_);
    if (!source.empty()) {
      const auto found = counts_->of_source.find(source);
      const std::size_t there = found == counts_->of_source.end() ? 0 : found->second;
      if (most_per_source_ != 0 && there >= most_per_source_) {
        return full("max_connections_per_address", most_per_source_);
      }
      ++counts_->of_source[source];
    }
    ++counts_->all;
  }
  const auto give_back = [own = counts_, source](const void*) { own->give_back(source); };
  return {std::shared_ptr<const void>(counts_.get(), give_back), {}};
}

std::string source_of(const boost::asio::generic::stream_protocol::endpoint& peer) {
  if (peer.protocol().family() == AF_INET) {
    sockaddr_in from{};
    std::memcpy(&from, peer.data(), std::min(peer.size(), sizeof from));
    return {reinterpret_cast<const char*>(&from.sin_addr), sizeof from.sin_addr};
  }
  if (peer.protocol().family() != AF_INET6) return {};
  sockaddr_in6 from{};
  std::memcpy(&from, peer.data(), std::min(peer.size(), sizeof from));
  const auto* const bytes = reinterpret_cast<const char*>(&from.sin6_addr);
  if (IN6_IS_ADDR_V4MAPPED(&from.sin6_addr)) return {bytes + 12, 4};
  return {bytes, 8};
}

}  // namespace adieu::net
