// All of Adieu.
#pragma once

#include "adieu/close_status.hpp"
#include "adieu/connect.hpp"
#include "adieu/error.hpp"
#include "adieu/memory_pair.hpp"
#include "adieu/message.hpp"
#include "adieu/options.hpp"
#include "adieu/record.hpp"
#include "adieu/server.hpp"
#include "adieu/websocket.hpp"
