// permessage-deflate for the suite's side, straight on zlib: the parameters that were agreed, and a
// compressor and a decompressor that keep to them, the latter strictly.
#pragma once

#include <zlib.h>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "wire.hpp"

namespace adieu::conformance {

/// One element of Sec-WebSocket-Extensions, as far as permessage-deflate goes.
struct deflate_terms {
  bool server_alone = false, client_alone = false;  // no context takeover
  std::optional<int> server_bits, client_bits;
  bool client_bits_named = false;  // client_max_window_bits, with a value or without
};

/// The elements for permessage-deflate. A parameter that nobody knows: std::runtime_error.
std::vector<deflate_terms> read_deflate(std::string_view extensions);
/// "plain" and a list of parameters, as the table has them, become elements of the header field.
std::string to_offer(std::string_view from_table);
/// The suite's answer to a client's offer, or nothing: the table's first alternative that the offer
/// allows, with what the offer demands.
std::string to_answer(std::string_view from_table, std::string_view offered);
/// Why `answer` is not one to this offer; empty: it is.
std::string wrong_answer(std::string_view offer, std::string_view answer);

class deflater {
 public:
  deflater(int bits, bool alone);
  deflater(const deflater&) = delete;
  deflater& operator=(const deflater&) = delete;
  ~deflater() { ::deflateEnd(&z_); }
  std::string compress(std::string_view message);

 private:
  z_stream z_{};
  bool alone_;
};

class inflater {
 public:
  inflater(int bits, bool alone);
  inflater(const inflater&) = delete;
  inflater& operator=(const inflater&) = delete;
  ~inflater() { ::inflateEnd(&z_); }
  /// False: the bytes are no message of the agreed kind.
  bool decompress(std::string& message);

 private:
  z_stream z_{};
  int bits_;
  bool alone_;
};

}  // namespace adieu::conformance
