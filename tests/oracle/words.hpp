// Adieu's errors in the words that .NET's are told in.
#pragma once

#include <boost/asio/error.hpp>

#include <string>

#include "adieu/error.hpp"

namespace oracle {

[[nodiscard]] inline std::string error_in_words(adieu::error_code ec) {
  if (ec == boost::asio::error::operation_aborted || ec == adieu::errc::aborted) return "cancelled";
  for (int value = 1; value < 300; ++value) {
    const auto known = static_cast<adieu::errc>(value);
    if (ec == known) return std::string(adieu::to_string(known));
  }
  return ec.message();
}

}  // namespace oracle
