// errc as Boost.Asio's error codes. An error code of this category compares equal to its errc:
// `if (ec == adieu::errc::connection_closed_prematurely)`.
//
// The message of an invalid_state names the call, the state it met and the valid ones (N1): the
// code carries them in its upper bits, which is why errc is a condition and not the code itself.
#pragma once

#include <boost/system/error_code.hpp>
#include <boost/system/system_error.hpp>

#include "adieu/core/connection.hpp"
#include "adieu/errc.hpp"

namespace adieu {

using error_code = boost::system::error_code;
using system_error = boost::system::system_error;

[[nodiscard]] const boost::system::error_category& error_category() noexcept;

[[nodiscard]] error_code make_error_code(errc) noexcept;
[[nodiscard]] boost::system::error_condition make_error_condition(errc) noexcept;

/// The code for a completion of the core: `asio::error::operation_aborted` when it was cancelled.
[[nodiscard]] error_code make_error_code(const core::completion&) noexcept;

}  // namespace adieu

template <>
struct boost::system::is_error_condition_enum<adieu::errc> : std::true_type {};
