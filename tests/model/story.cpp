// The diagram is written while the trace is replayed.
#include "tests/model/story.hpp"

#include <fmt/format.h>

#include <istream>
#include <sstream>

namespace adieu::model {
namespace {

constexpr std::size_t width = 46;

class scribe final : public audience {
 public:
  explicit scribe(std::string& out) : out_(out) {}

  void at(double seconds) { time_ = fmt::format("{:8.3f} s", seconds); }
  void says(role who, std::string text) override {
    const bool left = who == role::client;
    for (std::size_t from = 0; from < text.size(); from += width - 4) {
      const std::string part = text.substr(from, width - 4);
      line(left ? "  " + part : "", left ? "" : "  " + part);
    }
  }
  void arrives(role at, std::string text) override {
    if (text.size() > 2 * width - 12) text = text.substr(0, 2 * width - 13) + "…";
    const std::size_t rest = 2 * width - text.size() - 5;
    const std::string arrow = at == role::server
                                  ? "--- " + text + " " + std::string(rest - 1, '-') + "->"
                                  : "<-- " + text + " " + std::string(rest, '-') + "-";
    out_ += fmt::format("{:10} |{}|\n", std::exchange(time_, ""), arrow);
  }

 private:
  void line(const std::string& left, const std::string& right) {
    const std::string both = right.empty() ? left : std::string(width, ' ') + right;
    out_ += fmt::format("{:10} |{:{}}|\n", std::exchange(time_, ""), both, 2 * width);
  }

  std::string& out_;
  std::string time_;
};

}  // namespace

std::string diagram(const menu& what, const trace& steps) {
  std::string out = fmt::format("{:10} client{:{}}server\n", "", "", 2 * width - 10);
  scribe writes(out);
  world here(what);
  here.listen(&writes);
  const instant start = here.now();
  std::string before[2] = {"open", "open"};
  for (const move& m : steps) {
    writes.at(std::chrono::duration<double>(here.now() - start).count());
    if (!here.apply(m)) break;
    for (const role r : {role::client, role::server}) {
      const std::string now(to_string(here.core(r).phase()));
      std::string& was = before[r == role::client ? 0 : 1];
      if (now != was) writes.says(r, fmt::format("({} → {})", was, now));
      was = now;
      if (here.broken()) break;
    }
  }
  if (here.broken()) {
    out += fmt::format("broken: {}: {}\n", here.broken()->name, here.broken()->what);
  }
  for (const role r : {role::client, role::server}) {
    if (here.core(r).ended()) {
      out += fmt::format("{}'s record: {}\n", to_string(r), to_line(here.core(r).record()));
    }
  }
  return out;
}

std::string to_text(const menu& what, const trace& steps) {
  std::string out = fmt::format("menu {}\n", what.name);
  for (const move& m : steps) out += to_string(m) + '\n';
  return out;
}

script parse_script(std::istream& in) {
  script out;
  std::string line;
  while (std::getline(in, line)) {
    if (line.empty() || line.front() == '#') continue;
    if (line.starts_with("menu ")) {
      out.what = find_menu(line.substr(5));
      if (out.what == nullptr) out.wrong = "no such menu: " + line;
      continue;
    }
    const auto m = parse_move(line);
    if (!m) {
      out.wrong = "no move: " + line;
      break;
    }
    out.steps.push_back(*m);
  }
  if (out.what == nullptr && out.wrong.empty()) out.wrong = "no menu is named";
  return out;
}

}  // namespace adieu::model
