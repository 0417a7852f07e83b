// What send() and try_send() ask for, of a connection that can't take it at once.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

#include "net/driver.hpp"

namespace adieu::net {

struct driver::backlog {
  std::atomic<std::size_t> memory{0};   // of copies that wait
  std::atomic<bool> overflowed{false};  // send() has refused one: none may follow it
  std::atomic<std::uint64_t> refused_messages{0}, refused_bytes{0};  // by send()
};

}  // namespace adieu::net
