// An element of Sec-WebSocket-Extensions, parsed (RFC 6455 §9.1).
#pragma once

#include <string>
#include <vector>

namespace adieu::core {

/// One element of Sec-WebSocket-Extensions (§9.1): a name with parameters.
struct extension_offer {
  struct parameter {
    std::string name;
    std::string value;  ///< empty when the parameter has none
  };
  std::string name;
  std::vector<parameter> parameters;
};

}  // namespace adieu::core
