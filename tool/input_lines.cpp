// Pieces of input into lines, with what is wrong with them.
#include "input_lines.hpp"

#include "adieu/core/utf8.hpp"

namespace adieu::tool {

void input_lines::feed(std::string_view bytes) {
  bytes_.erase(0, begin_);
  scanned_ -= begin_;
  begin_ = 0;
  bytes_ += bytes;
}

std::optional<input_line> input_lines::next() {
  const std::size_t newline = bytes_.find('\n', scanned_);
  if (newline != std::string::npos) return take(newline, newline + 1);
  scanned_ = bytes_.size();
  if (scanned_ - begin_ > longest_) {
    too_long_ = true;
    begin_ = scanned_;
  }
  if (!ended_ || (begin_ == scanned_ && !too_long_)) return std::nullopt;
  return take(scanned_, scanned_);
}

input_line input_lines::take(std::size_t end, std::size_t next_begin) {
  input_line line;
  line.number = ++number_;
  const std::string_view text = std::string_view(bytes_).substr(begin_, end - begin_);
  begin_ = scanned_ = next_begin;
  if (too_long_ || text.size() > longest_) {
    line.problem = line_problem::too_long;
  } else {
    line.text = text;
    if (what_ == content::text && !core::valid_utf8(core::as_bytes(text))) {
      line.problem = line_problem::not_utf8;
    }
  }
  too_long_ = false;
  return line;
}

}  // namespace adieu::tool
