// Which options of a connection make no sense: a time that is negative or overflows the clock, a
// window or a message that nothing fits into.
#include "adieu/core/bad_options.hpp"

#include <fmt/format.h>

#include <utility>

#include "adieu/core/deflate_agreement.hpp"

namespace adieu::core {
namespace {

// In nanoseconds, a few of these can be added to any clock.
constexpr auto longest = std::chrono::hours(24 * 365 * 50);

}  // namespace

std::string bad_time(std::string_view name, std::chrono::milliseconds length) {
  if (length.count() < 0) {
    return fmt::format("{} must not be negative, but is {} ms", name, length.count());
  }
  if (length > longest) {
    return fmt::format("{} must be at most fifty years, but is {} ms", name, length.count());
  }
  return {};
}

std::string bad_options(const websocket_options& options) {
  for (const auto& [name, length] : {std::pair("close_timeout", options.close_timeout),
                                     std::pair("linger", options.linger),
                                     std::pair("ping_interval", options.ping_interval),
                                     std::pair("pong_timeout", options.pong_timeout),
                                     std::pair("write_timeout", options.write_timeout),
                                     std::pair("probe_interval", options.probe_interval)}) {
    if (std::string problem = bad_time(name, length); !problem.empty()) return problem;
  }
  if (options.close_timeout.count() == 0) {
    return "close_timeout must not be 0, which gives no peer the time to answer: abort() does that";
  }
  if (options.receive_window == 0) {
    return "receive_window must not be 0: nothing could be read, not even the peer's Close";
  }
  if (options.max_waiting_pongs == 0) {
    return "max_waiting_pongs must not be 0: a Ping has to be answered (RFC 6455 §5.5.2)";
  }
  if (options.max_message_size == 0) {
    return "max_message_size must not be 0: no message would fit (0 does not mean any size here)";
  }
  return options.deflate ? bad_deflate_options(*options.deflate) : std::string();
}

}  // namespace adieu::core
