// One after the other.
#include "net/telling.hpp"

#include <boost/asio/post.hpp>

namespace adieu::net {

void tell_all(const boost::asio::io_context::executor_type& loop, listeners& whom) {
  std::size_t next = 0;
  try {
    while (next < whom.size()) whom[next++]->on_event();
  } catch (...) {
    whom.erase(whom.begin(), whom.begin() + static_cast<std::ptrdiff_t>(next));
    boost::asio::post(loop, [loop, rest = std::move(whom)]() mutable { tell_all(loop, rest); });
    throw;
  }
  whom.clear();
}

}  // namespace adieu::net
