// TCP acknowledgements without delay. Linux may wait 40 ms with one; a connection that is cut in
// that time rightly counts what it sent last as not acknowledged, and the demo would tell a
// different story each time.
#pragma once

#include <boost/asio/ip/tcp.hpp>

#include <netinet/tcp.h>
#include <sys/socket.h>

namespace adieu::tool::demo {

/// After a read: acknowledges what was read, now.
inline void acknowledge(boost::asio::ip::tcp::socket& socket) noexcept {
  const int now = 1;
  ::setsockopt(socket.native_handle(), IPPROTO_TCP, TCP_QUICKACK, &now, sizeof now);
}

}  // namespace adieu::tool::demo
