// How Adieu takes a peer's bytes apart: every byte is judged as it comes (rows 16, 24, 25).
#pragma once

#include <optional>

#include "tests/oracle/model.hpp"
#include "tests/oracle/model_parts.hpp"

namespace oracle {

/// What is wrong with a peer's bytes, what our Close says of it, and under which row .NET sees it.
struct fault {
  int code;
  const char* reason;
  row why;
};

class eager_reader {
 public:
  explicit eager_reader(bool server) noexcept : server_(server) {}

  struct item {
    std::optional<fault> wrong;
    unsigned opcode = 0;  // below 8: data
    std::string payload;  // of data: what is here of it
    bool text = false;    // of the whole message
    bool begins = false;  // a frame of data
    bool ends = false;    // the frame
    bool ends_message = false;
  };

  void feed(std::string_view bytes) { in_ += bytes; }
  /// Nothing when more bytes are needed. Not to be asked again after what is wrong.
  [[nodiscard]] std::optional<item> next();

 private:
  [[nodiscard]] std::optional<fault> wrong_so_far() const;
  [[nodiscard]] std::size_t header_size() const;
  [[nodiscard]] item read_data();

  bool server_;
  std::string in_;
  frame_head head_;
  bool in_frame_ = false;
  bool begins_ = false;
  bool in_message_ = false;
  bool text_ = false;
  std::size_t left_ = 0;
  std::size_t mask_at_ = 0;
  utf8_check utf8_;
  utf8_check late_utf8_;
  std::optional<fault> bad_text_;
};

}  // namespace oracle
