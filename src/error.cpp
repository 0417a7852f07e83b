// The error category: messages, and the details that a refused call carries.
#include "adieu/error.hpp"

#include <boost/asio/error.hpp>

#include <string>

namespace adieu {
namespace {

// value = errc | what << 16 | (state seen + 1) << 20, the latter two only for invalid_state.
constexpr int detail_shift = 16;
constexpr int errc_mask = (1 << detail_shift) - 1;

std::string_view valid_states(core::operation what) {
  switch (what) {
    case core::operation::receive: return "until the end was delivered once";
    case core::operation::send: return "in open and close_received, before a close was called";
    case core::operation::ping: return "in open, before a close was called";
    case core::operation::close: return "in open, close_sent and close_received";
    case core::operation::close_output:
      return "in open and close_received, before a close was called";
  }
  return {};
}

std::string_view name_of(core::operation what) {
  switch (what) {
    case core::operation::receive: return "receive";
    case core::operation::send: return "send";
    case core::operation::ping: return "ping";
    case core::operation::close: return "close";
    case core::operation::close_output: return "close_output";
  }
  return {};
}

class category final : public boost::system::error_category {
 public:
  const char* name() const noexcept override { return "adieu"; }

  std::string message(int value) const override {
    const errc code{value & errc_mask};
    const int detail = value >> detail_shift;
    std::string out{explain(code)};
    if (code == errc::invalid_state && detail != 0) {
      const auto what = static_cast<core::operation>(detail & 0xF);
      const auto seen = static_cast<state>((detail >> 4 & 0xF) - 1);
      out = "the connection is ";
      out += to_string(seen);
      out += ": ";
      out += name_of(what);
      if (seen == state::open) {
        out += " is not valid any more, a close was already called";
      } else {
        out += " is valid ";
        out += valid_states(what);
      }
    }
    return out;
  }

  bool equivalent(int code,
                  const boost::system::error_condition& condition) const noexcept override {
    return condition.category() == *this && condition.value() == (code & errc_mask);
  }
};

}  // namespace

const boost::system::error_category& error_category() noexcept {
  static const category instance;
  return instance;
}

error_code make_error_code(errc code) noexcept {
  return {static_cast<int>(code), error_category()};
}

boost::system::error_condition make_error_condition(errc code) noexcept {
  return {static_cast<int>(code), error_category()};
}

error_code make_error_code(const core::completion& done) noexcept {
  if (done.cancelled) return boost::asio::error::operation_aborted;
  if (done.error == errc::success) return {};
  int value = static_cast<int>(done.error);
  if (done.error == errc::invalid_state) {
    const int seen = static_cast<int>(done.seen) + 1;
    value |= (static_cast<int>(done.what) | seen << 4) << detail_shift;
  }
  return {value, error_category()};
}

}  // namespace adieu
