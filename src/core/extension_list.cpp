// Sec-WebSocket-Extensions, read by the grammar of RFC 6455 §9.1.
#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "core/header_fields.hpp"

namespace adieu::core {
namespace {

/// Reads one field by the grammar of §9.1, token by token.
class extension_reader {
 public:
  explicit extension_reader(std::string_view field) : rest_(field) {}

  /// Appends what the field lists. False: the grammar is broken at rest().
  bool read_list(std::vector<extension_offer>& offers) {
    for (skip_blanks(); !rest_.empty(); skip_blanks()) {
      if (take(',')) continue;  // RFC 9110 §5.6.1.2: an empty element
      extension_offer offer;
      if (!read_offer(offer)) return false;
      offers.push_back(std::move(offer));
      if (!rest_.empty() && !take(',')) return false;
    }
    return true;
  }

  [[nodiscard]] std::string_view rest() const noexcept { return rest_; }

 private:
  bool read_offer(extension_offer& offer) {
    if (!read_token(offer.name)) return false;
    while (take(';')) {
      extension_offer::parameter parameter;
      if (!read_token(parameter.name)) return false;
      if (take('=') && !read_quoted(parameter.value) && !read_token(parameter.value)) return false;
      offer.parameters.push_back(std::move(parameter));
    }
    return true;
  }

  bool read_token(std::string& token) {
    skip_blanks();
    const auto end = std::ranges::find_if_not(rest_, is_token_char);
    token.assign(rest_.begin(), end);
    rest_.remove_prefix(token.size());
    return !token.empty();
  }

  /// §9.1: "the value after quoted-string unescaping MUST conform to the 'token' ABNF".
  bool read_quoted(std::string& value) {
    skip_blanks();
    if (!rest_.starts_with('"')) return false;
    for (std::size_t i = 1; i < rest_.size(); ++i) {
      if (rest_[i] == '"') {
        if (!is_token(value)) break;
        rest_.remove_prefix(i + 1);
        return true;
      }
      if (rest_[i] == '\\' && ++i == rest_.size()) break;
      value.push_back(rest_[i]);
    }
    return false;  // rest_ still begins with the quote, which no token does
  }

  bool take(char wanted) {
    skip_blanks();
    if (!rest_.starts_with(wanted)) return false;
    rest_.remove_prefix(1);
    return true;
  }

  void skip_blanks() noexcept {
    while (!rest_.empty() && is_blank(rest_.front())) rest_.remove_prefix(1);
  }

  std::string_view rest_;
};

}  // namespace

std::string read_extensions(headers_view headers, std::vector<extension_offer>& offers) {
  const auto values = values_of(headers, "Sec-WebSocket-Extensions");
  for (const std::string_view value : values) {
    extension_reader reader(value);
    if (!reader.read_list(offers)) {
      return fmt::format("the Sec-WebSocket-Extensions header breaks its grammar at {}: {}",
                         reader.rest().empty() ? "its end" : shown(reader.rest()),
                         shown(value));
    }
  }
  if (!values.empty() && offers.empty()) {
    return "the Sec-WebSocket-Extensions header must list an extension, but is empty";
  }
  return {};
}

}  // namespace adieu::core
