// Bytes of the input, cut into lines that can be sent as messages. A line that can't be one text
// message is handed out with its problem and its number, never altered and never skipped silently.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace adieu::tool {

enum class line_problem : std::uint8_t { none, not_utf8, too_long };

struct input_line {
  std::size_t number = 0;  ///< from 1
  std::string_view text;   ///< without its newline; empty when it is too long
  line_problem problem = line_problem::none;
};

class input_lines {
 public:
  enum class content : std::uint8_t { text, any };  ///< `any`: bytes need not be UTF-8

  explicit input_lines(content what, std::size_t longest = 16 * 1024 * 1024) noexcept
      : what_(what), longest_(longest) {}

  /// Takes the next bytes. Views that were handed out before end here.
  void feed(std::string_view bytes);

  /// There are no more bytes: what is left is the last line, when there is something left.
  void end() noexcept { ended_ = true; }

  /// The next complete line. Its view is valid until the next feed().
  [[nodiscard]] std::optional<input_line> next();

 private:
  [[nodiscard]] input_line take(std::size_t end, std::size_t next_begin);

  content what_;
  std::size_t longest_;
  std::string bytes_;
  std::size_t begin_ = 0;    // of the line under way
  std::size_t scanned_ = 0;  // no newline before it
  std::size_t number_ = 0;
  bool too_long_ = false;  // the line under way is thrown away up to its newline
  bool ended_ = false;
};

}  // namespace adieu::tool
