// Telling listeners, on their loop, that something has happened to them.
#pragma once

#include <boost/asio/io_context.hpp>

#include <memory>
#include <vector>

#include "adieu/net/transport.hpp"

namespace adieu::net {

/// Those who are to be told. Their loop keeps one list for the next time, with its memory.
using listeners = std::vector<std::shared_ptr<event_listener>>;

/// Calls on_event() of each, and leaves the list empty. An exception of somebody's handler leaves
/// through run(); the others are told behind it.
void tell_all(const boost::asio::io_context::executor_type& loop, listeners& whom);

}  // namespace adieu::net
