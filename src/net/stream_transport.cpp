// How the errors of foreign streams end a connection's input.
#include "adieu/net/stream_transport.hpp"

#include <boost/asio/ssl/error.hpp>

namespace adieu::net {

core::input_end input_end_of(const error_code& ec) noexcept {
  if (ec == boost::asio::error::eof) return core::input_end::fin;
  if (ec == boost::asio::ssl::error::stream_truncated) return core::input_end::truncated;
  if (ec == boost::asio::error::connection_reset || ec == boost::asio::error::broken_pipe) {
    return core::input_end::reset;
  }
  return core::input_end::error;
}

}  // namespace adieu::net
