#include "notation.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <fstream>
#include <optional>
#include <sstream>
#include <stdexcept>

namespace adieu::conformance {
namespace {

std::size_t number(std::string_view word) {
  std::size_t used = 0;
  const std::string text(word);
  const unsigned long out = std::stoul(text, &used);
  if (used != text.size()) throw std::runtime_error("not a number: " + text);
  return out;
}

std::string from_hex(std::string_view digits) {
  std::string out;
  for (std::size_t at = 0; at + 1 < digits.size(); at += 2) {
    out += static_cast<char>(std::stoi(std::string(digits.substr(at, 2)), nullptr, 16));
  }
  return out;
}

/// The words of a row; "…" is one word, with its quotes, and ; , | are words of their own.
class words {
 public:
  explicit words(std::string_view text) {
    for (std::size_t at = 0; at < text.size();) {
      if (text[at] == ' ') {
        ++at;
        continue;
      }
      std::size_t end = at + 1;
      if (text[at] == '"') {
        end = text.find('"', end) + 1;
      } else if (std::string_view(";,|").find(text[at]) == std::string_view::npos) {
        while (end < text.size() &&
               std::string_view(" ;,|").find(text[end]) == std::string_view::npos)
          ++end;
      }
      words_.push_back(text.substr(at, end - at));
      at = end;
    }
  }
  [[nodiscard]] bool done() const noexcept { return at_ == words_.size(); }
  [[nodiscard]] std::string_view peek() const { return done() ? std::string_view() : words_[at_]; }
  std::string_view next() {
    if (done()) throw std::runtime_error("the row ends too early");
    return words_[at_++];
  }
  bool take(std::string_view word) {
    if (peek() != word) return false;
    ++at_;
    return true;
  }
  void expect(std::string_view word) {
    if (!take(word)) throw std::runtime_error(fmt::format("{} expected, not {}", word, peek()));
  }

 private:
  std::vector<std::string_view> words_;
  std::size_t at_ = 0;
};

// One part: "text", 0xHEX, #N, N* PART, N~ PART.
std::optional<std::string> read_part(words& from) {
  const std::string_view word = from.peek();
  if (word.empty()) return std::nullopt;
  if (word.front() == '"') return std::string(from.next().substr(1, word.size() - 2));
  if (word.starts_with("0x")) return from_hex(from.next().substr(2));
  if (word.front() == '#') {
    return close_payload(static_cast<std::uint16_t>(number(from.next().substr(1))));
  }
  if (word.back() != '*' && word.back() != '~') return std::nullopt;
  const std::size_t count = number(word.substr(0, word.size() - 1));
  const bool cut = from.next().back() == '~';
  const std::string part = read_part(from).value();
  std::string out;
  const std::size_t size = cut ? count : count * part.size();
  out.reserve(size + part.size());
  while (out.size() < size) out += part;
  out.resize(size);
  return out;
}

std::string read_payload(words& from) {
  std::string out;
  while (std::optional<std::string> part = read_part(from)) out += *part;
  return out;
}

unsigned opcode_of(std::string_view kind) {
  if (kind == "cont") return op_continuation;
  if (kind == "text") return op_text;
  if (kind == "bin") return op_binary;
  if (kind == "close") return op_close;
  if (kind == "ping") return op_ping;
  if (kind == "pong") return op_pong;
  if (kind.starts_with("op")) return static_cast<unsigned>(number(kind.substr(2)));
  throw std::runtime_error("not a frame: " + std::string(kind));
}

frame read_kind(words& from) {
  std::string_view kind = from.next();
  frame out;
  if (kind.ends_with("-")) {
    out.fin = false;
    kind.remove_suffix(1);
  }
  out.opcode = opcode_of(kind);
  if (from.peek().starts_with("rsv")) {
    out.rsv = static_cast<unsigned>(number(from.next().substr(3)));
  }
  return out;
}

// A last empty frame follows where `size` divides the message; a short message is one frame.
void add_message(std::vector<act>& to, words& from) {
  const unsigned opcode = opcode_of(from.next());
  const std::string payload = read_payload(from);
  from.expect("in");
  const std::size_t size = number(from.next());
  if (size == 0 || payload.size() <= size) {
    to.emplace_back(send_frame{frame(opcode, payload)});
    return;
  }
  for (std::size_t at = 0; at <= payload.size(); at += size) {
    frame piece(at == 0 ? opcode : op_continuation, payload.substr(at, size));
    piece.fin = at + size > payload.size();
    to.emplace_back(send_frame{std::move(piece)});
  }
}

void add_frames(std::vector<act>& to, words& from) {
  const std::size_t count = from.take("count") ? number(from.next()) : 0;
  send_frame made;
  made.what = read_kind(from);
  made.what.payload = read_payload(from);
  if (from.take("chop")) made.chop = number(from.next());
  made.flush = from.take("flush");
  if (count == 0) to.emplace_back(made);
  for (std::size_t i = 0; i < count; ++i) {
    to.emplace_back(made);
    std::get<send_frame>(to.back()).what.payload += std::to_string(i);
  }
}

void read_acts(table_case& into, words& from) {
  do {
    if (from.take("message")) {
      add_message(into.acts, from);
    } else if (from.take("header")) {
      send_header header{read_kind(from), 0};
      header.size = number(from.next());
      into.acts.emplace_back(header);
    } else if (from.take("piece")) {
      into.acts.emplace_back(send_piece{read_payload(from)});
    } else if (from.take("wait")) {
      pause wait{std::stod(std::string(from.next())), {}};
      if (const auto tag = from.peek(); tag != ";" && tag != "|") wait.tag = from.next();
      into.acts.emplace_back(wait);
    } else {
      add_frames(into.acts, from);
    }
  } while (from.take(";"));
  from.expect("|");
}

/// The messages that the acts send, as far as they are whole.
std::vector<event> messages_of(const std::vector<act>& acts) {
  std::vector<event> out;
  event open;
  for (const act& each : acts) {
    const auto* sent = std::get_if<send_frame>(&each);
    if (sent == nullptr || sent->what.opcode > op_binary) continue;
    if (sent->what.opcode == op_text) open = event(event::kind::text, "");
    if (sent->what.opcode == op_binary) open = event(event::kind::binary, "");
    open.payload += sent->what.payload;
    if (sent->what.fin) out.push_back(open);
  }
  return out;
}

void read_wanted(table_case& into, words& from) {
  const std::vector<event> sent = messages_of(into.acts);
  into.wanted.emplace_back();
  while (!from.take("|")) {
    std::vector<event>& events = into.wanted.back();
    const std::size_t count = from.take("count") ? number(from.next()) : 0;
    const std::string_view what = from.next();
    if (what == "echo" || what == "same") {
      std::size_t which = 1;
      if (from.peek() == "2") which = number(from.next());
      events.push_back(sent.at(which - 1));
      if (what == "same") into.compare = comparison::type_and_length;
    } else if (what == "pong") {
      const std::string payload = read_payload(from);
      if (count == 0) events.emplace_back(event::kind::pong, payload);
      for (std::size_t i = 0; i < count; ++i) {
        events.emplace_back(event::kind::pong, payload + std::to_string(i));
      }
    } else if (what == "alive") {
      events.emplace_back(event::kind::mark, std::string(from.next()));
    } else if (what == "or") {
      into.wanted.emplace_back();
    } else if (what == "informational") {
      into.informational = true;
    } else if (what != "nothing" && what != ",") {
      throw std::runtime_error("nothing to want: " + std::string(what));
    }
  }
}

void read_closing(table_case& into, words& from) {
  const std::string_view who = from.next();
  if (who != "tester" && who != "peer") throw std::runtime_error("who closes?");
  into.closing.by_peer = who == "peer";
  std::istringstream codes{std::string(from.next())};
  for (std::string code; std::getline(codes, code, '/');) {
    into.closing.codes.push_back(static_cast<std::uint16_t>(number(code)));
  }
  for (std::string_view word = from.next(); word != "|"; word = from.next()) {
    if (word == "clean") into.closing.clean = true;
    if (word == "exact") into.closing.exact = true;
    if (word == "fatal") into.closing.fatal = true;
  }
}

std::string trimmed(std::string_view text) {
  while (text.starts_with(' ')) text.remove_prefix(1);
  while (text.ends_with(' ')) text.remove_suffix(1);
  return std::string(text);
}

std::vector<std::string> columns(std::string_view line) {
  std::vector<std::string> out;
  std::istringstream in{std::string(line)};
  for (std::string each; std::getline(in, each, '|');) out.push_back(trimmed(each));
  return out;
}

std::string after_word(std::string_view line) { return trimmed(line.substr(line.find(' '))); }

round_trips parse_length(std::string_view word) {
  round_trips out;
  const std::size_t at = word.find('@'), slash = word.find('/');
  out.limit = static_cast<double>(number(word.substr(at + 1)));
  out.size = number(word.substr(0, std::min(at, slash)));
  if (slash < at) out.fragment = number(word.substr(slash + 1, at - slash - 1));
  return out;
}

class table_reader {
 public:
  void line(const std::string& text) {
    std::istringstream in(text);
    std::string first;
    in >> first;
    if (first == "group") {
      group made;
      in >> made.id;
      std::getline(in, made.title);
      made.title = trimmed(made.title);
      table_.groups.push_back(made);
      at_ = made.id;
    } else if (first == "utf8") {
      utf8(in);
    } else if (first == "lengths") {
      for (std::string each; in >> each;) lengths_.push_back(each);
    } else if (first == "rounds" || first == "deflate") {
      rounds(columns(after_word(text)));
    } else {
      add(first, text);
    }
  }
  table take() { return std::move(table_); }

 private:
  template <typename What>
  void add(const std::string& id, What what) {
    table_.rows.push_back({id, at_, std::move(what)});
  }

  void utf8(std::istream& in) {
    std::string name, bar;
    in >> name >> bar;
    int number = 0;
    for (std::string each; in >> each;) {
      const bool valid = each.front() == '+';
      const std::string id = fmt::format("{}.{}", name, ++number);
      add(id,
          fmt::format("{} | text 0x{} | {} | fail 0.5",
                      id,
                      each.substr(1),
                      valid ? "echo | tester 1000 clean" : "nothing | peer 1007 fatal"));
    }
  }

  void rounds(const std::vector<std::string>& columns) {
    std::vector<std::string> lengths = lengths_;
    const bool deflated = columns.size() == 4;
    if (!deflated) {
      lengths.clear();
      std::istringstream in(columns.at(2));
      for (std::string each; in >> each;) lengths.push_back(each);
    }
    int number = 0;
    for (const std::string& each : lengths) {
      round_trips made = parse_length(each);
      made.data = columns.at(1);
      if (deflated) {
        made.offer = columns.at(2);
        made.answer = columns.at(3);
      }
      add(fmt::format("{}.{}", columns.at(0), ++number), made);
    }
  }

  table table_;
  std::string at_;
  std::vector<std::string> lengths_;
};

}  // namespace

bool row::is_heavy() const {
  return id.starts_with("9.") || id.starts_with("12.") || id.starts_with("13.");
}

table_case parse_row(std::string_view text) {
  table_case out;
  words from(text);
  from.next();  // the id
  from.expect("|");
  read_acts(out, from);
  read_wanted(out, from);
  read_closing(out, from);
  out.gives_up_with_code = from.next() == "fail";
  out.gives_up_after = std::stod(std::string(from.next()));
  if (!from.done()) throw std::runtime_error("more than a row: " + std::string(from.peek()));
  return out;
}

table read_table(const std::string& file) {
  std::ifstream in(file);
  if (!in) throw std::runtime_error("cannot read " + file);
  table_reader reader;
  std::string whole;
  for (std::string line; std::getline(in, line);) {
    if (line.empty() || line.front() == '#') continue;
    whole += line;
    if (whole.ends_with('\\')) {
      whole.pop_back();
      continue;
    }
    reader.line(whole);
    whole.clear();
  }
  return reader.take();
}

}  // namespace adieu::conformance
