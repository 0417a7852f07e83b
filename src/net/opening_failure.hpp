// Why opening a connection stopped.
#pragma once

#include "adieu/errc.hpp"
#include "adieu/record.hpp"

namespace adieu::net {

/// Thrown within the opening only.
struct opening_failure {
  errc code = errc::success;
  connect_failure where;
};

}  // namespace adieu::net
