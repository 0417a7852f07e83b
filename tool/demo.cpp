// Plays every ending, one after the other, and prints it when it is over.
#include "demo.hpp"

#include <fmt/format.h>

#include <unistd.h>

#include <cstdio>
#include <cstdlib>

#include "demo/scenarios.hpp"

namespace adieu::tool {
namespace {

using namespace demo;

bool may_use_color(const demo_options& options) {
  const char* const refused = std::getenv("NO_COLOR");  // https://no-color.org
  return options.color && ::isatty(STDOUT_FILENO) == 1 && (refused == nullptr || *refused == '\0');
}

void print(std::string_view text) {
  std::fwrite(text.data(), 1, text.size(), stdout);
  std::fflush(stdout);
}

std::string title(std::size_t number, const scenario& what, const palette& colors) {
  const std::string name = fmt::format("{}. {}", number, what.title);
  const std::size_t used = columns(name) + columns(what.rows) + 8;
  return fmt::format("{} {} {} {} {}\n",
                     colors.paint(ink::faint, "──"),
                     colors.paint(ink::bold, name),
                     colors.paint(ink::faint, repeat("─", page_width - used)),
                     colors.paint(ink::faint, what.rows),
                     colors.paint(ink::faint, "──"));
}

std::string records(const stage& played, const palette& colors) {
  constexpr std::size_t indent = 10;
  std::string out;
  for (const end at : {end::client, end::server}) {
    const auto record = played.record(at);
    if (!record) continue;
    const std::string_view who = at == end::client ? "client" : "server";
    std::string before = "  " + colors.paint(ink::bold, who) + "  ";
    for (const std::string& line : wrap(to_line(*record), page_width - indent)) {
      out += before + line + "\n";
      before.assign(indent, ' ');
    }
  }
  return out;
}

std::string verdict(const stage& played, const palette& colors) {
  std::string out;
  for (const std::string& problem : played.problems()) {
    out += colors.paint(ink::bad, "  ✗ " + problem) + "\n";
  }
  if (!out.empty()) return out;
  const bool both = played.record(end::client) && played.record(end::server);
  return colors.paint(ink::good, both ? "  ✓ both records are true" : "  ✓ record is true") + "\n";
}

// True when nothing was wrong.
bool show(std::size_t number, const scenario& what, const palette& colors) {
  stage on;
  what.play(on);
  print("\n" + title(number, what, colors) + "   " + colors.paint(ink::faint, what.lesson) +
        "\n\n" + draw(on.log().events(), on.names(), colors) + "\n" + records(on, colors) +
        verdict(on, colors));
  return on.problems().empty();
}

}  // namespace

int run_demo(const demo_options& options) {
  const palette colors(may_use_color(options));
  const auto began = demo::clock::now();
  print(colors.paint(ink::bold, "How WebSockets end") +
        ": a server and clients in this process, over TCP on 127.0.0.1.\n"
        "The arrows are what crossed the wire; every disconnect record is checked against them.\n");
  std::size_t number = 0;
  std::size_t right = 0;
  for (const scenario& each : scenarios()) right += show(++number, each, colors) ? 1 : 0;
  const double took = std::chrono::duration<double>(demo::clock::now() - began).count();
  const bool all_right = right == number;
  print("\n" +
        colors.paint(all_right ? ink::good : ink::bad,
                     fmt::format("{} endings, {} true", number, right)) +
        fmt::format(" ({:.1f} s)\n", took));
  return all_right ? 0 : 1;
}

}  // namespace adieu::tool
