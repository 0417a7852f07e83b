// Data for messages, and the window that slides over it.
#pragma once

#include <cstddef>
#include <string>

namespace adieu::conformance {

struct data_file {
  std::string bytes;
  bool text = false;  // UTF-8; lengths are in code points
};

/// "json", "bitmap", "prose", "html", "pdf"; and "text" and "bin", one byte over and over.
const data_file& data_of(const std::string& name);

class sliding_window {
 public:
  sliding_window(const data_file& over, std::size_t size) : file_(over), size_(size) {}
  /// The next `size` units; behind the end comes the beginning.
  std::string next();

 private:
  const data_file& file_;
  std::size_t size_;
  std::size_t at_ = 0;
};

}  // namespace adieu::conformance
