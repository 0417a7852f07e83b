// The data of groups 12 and 13: made here, always the same, of the kinds and sizes that the cases
// name. Seeded by nothing but their names.
#include "data.hpp"

#include <fmt/format.h>

#include <array>
#include <cstdint>
#include <map>
#include <stdexcept>

namespace adieu::conformance {
namespace {

class numbers {
 public:
  explicit numbers(std::uint64_t seed) : state_(seed) {}
  unsigned below(unsigned bound) {
    state_ = state_ * 6364136223846793005U + 1442695040888963407U;
    return static_cast<unsigned>(state_ >> 33U) % bound;
  }

 private:
  std::uint64_t state_;
};

constexpr std::array words{"der",     "Fluß",  "und",    "über", "Straße", "ein",
                           "Haus",    "schön", "Wolken", "sehr", "Brücke", "Garten",
                           "nicht",   "Licht", "alt",    "grün", "war",    "Abend",
                           "langsam", "Vögel", "Wasser", "weit", "kam",    "müde"};

std::string sentence(numbers& random) {
  std::string out;
  for (unsigned left = 5 + random.below(12); left > 0; --left) {
    if (!out.empty()) out += ' ';
    out += words[random.below(static_cast<unsigned>(words.size()))];
  }
  return out + ". ";
}

std::string json_piece(numbers& random) {
  return fmt::format(
      R"({{"id":{},"name":"{}","balance":"{}.{:02}","active":{},"tags":["{}","日本","naïve"]}},)"
      "\n",
      random.below(1'000'000),
      sentence(random),
      random.below(10'000),
      random.below(100),
      random.below(2) == 0,
      words[random.below(static_cast<unsigned>(words.size()))]);
}

std::string html_piece(numbers& random) {
  return fmt::format("<div class=\"row r{}\"><p>{}</p><a href=\"/page/{}\">→ {}</a></div>\n",
                     random.below(9),
                     sentence(random),
                     random.below(5000),
                     random.below(100));
}

// A gradient with a little noise.
std::string bitmap_piece(numbers& random) {
  std::string out;
  for (unsigned i = 0; i < 512; ++i)
    out += static_cast<char>(i / 2 ^ (random.below(8) == 0 ? 1 : 0));
  return out;
}

// Objects in text, and streams that are compressed already.
std::string pdf_piece(numbers& random) {
  std::string out = fmt::format("{} 0 obj\n<< /Length 2048 /Filter /FlateDecode >>\nstream\n",
                                random.below(10'000));
  for (int i = 0; i < 2048; ++i) out += static_cast<char>(random.below(256));
  return out + "\nendstream\nendobj\n" + sentence(random) + sentence(random);
}

bool continues(char byte) { return (static_cast<unsigned char>(byte) & 0xC0U) == 0x80U; }

data_file make(std::size_t size, bool text, std::string (*piece)(numbers&)) {
  data_file out;
  out.text = text;
  numbers random(size);
  while (out.bytes.size() < size) out.bytes += piece(random);
  while (size > 0 && text && continues(out.bytes[size])) --size;
  out.bytes.resize(size);
  return out;
}

}  // namespace

const data_file& data_of(const std::string& name) {
  static const std::map<std::string, data_file> files{
      {"json", make(194'056, true, json_piece)},
      {"bitmap", make(263'222, false, bitmap_piece)},
      {"prose", make(222'218, false, sentence)},
      {"html", make(263'647, true, html_piece)},
      {"pdf", make(1'042'328, false, pdf_piece)},
      {"text", {std::string(8192, '*'), true}},
      {"bin", {std::string(8192, '\xfe'), false}},
  };
  return files.at(name);
}

std::string sliding_window::next() {
  std::string out;
  for (std::size_t left = size_; left > 0; --left) {
    do {
      out += file_.bytes[at_];
      at_ = (at_ + 1) % file_.bytes.size();
    } while (file_.text && continues(file_.bytes[at_]));
  }
  return out;
}

}  // namespace adieu::conformance
