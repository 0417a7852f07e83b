#include "report.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <map>

#include <adieu/record.hpp>

namespace adieu::conformance {
namespace {

/// All groups, the table's and our own, those with sub-groups left out.
std::vector<group> groups_of(const table& cases) {
  std::vector<group> out = cases.groups;
  for (const group& each : ending_groups()) {
    const auto same = [&](const group& other) { return other.id == each.id; };
    std::erase_if(out, same);
    out.push_back(each);
  }
  return out;
}

std::vector<const result*> of_group(const run_report& of, const std::string& id) {
  std::vector<const result*> out;
  for (const result& each : of.results) {
    if (each.group == id) out.push_back(&each);
  }
  std::ranges::stable_sort(out, [](const result* a, const result* b) {
    const auto last = [](const result* r) { return std::stoi(r->id.substr(r->id.rfind('.') + 1)); };
    return last(a) < last(b);
  });
  return out;
}

/// How many of each: "301 OK, 2 NON-STRICT"; the closing's verdict counts when it is the worse.
std::string sum(const std::vector<const result*>& of) {
  std::map<std::pair<int, std::string>, int> counts;
  for (const result* each : of) {
    if (each->is.closed == closing::ok || each->is.behaved == behaviour::failed) {
      ++counts[{static_cast<int>(each->is.behaved), std::string(to_string(each->is.behaved))}];
    } else {
      ++counts[{10 + static_cast<int>(each->is.closed),
                fmt::format("closing {}", to_string(each->is.closed))}];
    }
  }
  std::string out;
  for (const auto& [name, count] : counts) {
    out += fmt::format("{}{} {}", out.empty() ? "" : ", ", count, name.second);
  }
  return out;
}

std::string verdict(const outcome& is) {
  std::string out(to_string(is.behaved));
  if (is.closed != closing::ok) out += fmt::format(" / closing {}", to_string(is.closed));
  return out;
}

/// For HTML. What a peer may have said was made printable before.
std::string escaped(std::string_view text) {
  std::string out;
  for (const char each : text) {
    switch (each) {
      case '<': out += "&lt;"; break;
      case '>': out += "&gt;"; break;
      case '&': out += "&amp;"; break;
      default: out += each;
    }
  }
  return out;
}

std::string figures(const outcome& is) {
  std::string out;
  for (const auto& [what, value] : is.measured) {
    if (!out.empty()) out += "; ";
    const bool is_time =
        what.find("from ") != std::string::npos || what.find("gave up") != std::string::npos;
    out += fmt::format("{}: {:.{}f}{}",
                       what,
                       value,
                       value < 10 && value != static_cast<int>(value) ? 3 : 0,
                       is_time ? " ms" : "");
  }
  return out;
}

std::string frames(const outcome& is) {
  std::string out;
  for (const wire_log::line& each : is.log) {
    const char* arrow = each.direction == '>' ? "→" : each.direction == '<' ? "←" : " ";
    out += fmt::format("    {:9.2f} ms {} {}\n", each.at, arrow, printable(each.text));
  }
  return out;
}

/// A case of our own that is right: what it was found to do.
std::string in_short(const result& of) {
  std::string facts = figures(of.is);
  for (const std::string& each : of.is.notes)
    facts += (facts.empty() ? "" : "; ") + printable(each);
  return facts.empty() ? "" : fmt::format("  {:<6} {}: {}\n", of.id, printable(of.what), facts);
}

std::string title_line(const group& of) { return fmt::format("{:<5} {}", of.id, of.title); }

constexpr std::string_view style =
    R"(<!doctype html><meta charset="utf-8"><title>Conformance</title>
<style>
body { font: 15px/1.45 system-ui, sans-serif; max-width: 70em; margin: 2em auto; padding: 0 1em; }
h1, h2 { font-weight: 600; } h3 { margin: 1.4em 0 .3em; font-size: 1em; }
details { border-left: 4px solid #bbb; padding-left: .6em; margin: 2px 0; }
.OK { border-color: #2a9d4a; } .NON-STRICT { border-color: #e0a800; } .FAILED { border-color: #d33; }
.INFORMATIONAL { border-color: #48a; }
summary { cursor: pointer; } summary code { color: #555; } b { font-weight: 600; }
pre { background: #f6f6f4; padding: .6em; overflow-x: auto; font-size: 13px; }
</style>
)";

std::string html_case(const result& of) {
  const bool bad = of.is.closed != closing::ok;
  std::string out =
      fmt::format("<details class=\"{}\"><summary><b>{}</b> {} <code>{}</code></summary>\n<pre>",
                  bad ? "FAILED" : std::string(to_string(of.is.behaved)),
                  of.id,
                  verdict(of.is),
                  escaped(printable(of.what.substr(0, 160))));
  for (const std::string& each : of.is.notes) out += escaped(printable(each)) + "\n";
  if (!of.is.measured.empty()) out += escaped(figures(of.is)) + "\n";
  return out + escaped(frames(of.is)) + fmt::format("{:.2f} s</pre></details>\n", of.is.took);
}

}  // namespace

std::string in_a_line(const run_report& of) {
  std::vector<const result*> all;
  for (const result& each : of.results) all.push_back(&each);
  return fmt::format(
      "{}: {} cases in {:.1f} s: {}", printable(of.name), all.size(), of.seconds, sum(all));
}

std::string in_full(const result& of) {
  std::string out =
      fmt::format("{}  {}\n    {}\n", of.id, verdict(of.is), printable(of.what.substr(0, 200)));
  for (const std::string& each : of.is.notes) out += "    " + printable(each) + "\n";
  if (!of.is.measured.empty()) out += "    " + figures(of.is) + "\n";
  return out + frames(of.is);
}

std::string to_text(const run_report& of, const table& cases) {
  std::string out = fmt::format("── {} ──\n", printable(of.name)), wrong, told;
  for (const group& each : groups_of(cases)) {
    const std::vector<const result*> mine = of_group(of, each.id);
    if (mine.empty()) continue;
    double longest = 0;
    for (const result* one : mine) {
      longest = std::max(longest, one->is.took);
      const bool skipped =
          one->is.behaved == behaviour::skipped || one->is.behaved == behaviour::unimplemented;
      if (!one->is.perfect() && !skipped) wrong += "\n" + in_full(*one);
      if (one->id.starts_with("C") && one->is.perfect()) told += in_short(*one);
    }
    const std::string line = title_line(each);
    out += fmt::format("{:<58.58} {}; the longest took {:.1f} s\n", line, sum(mine), longest);
  }
  if (of.budget != 0) {
    out += fmt::format(
        "(groups 9.7, 9.8, 12 and 13: of a case's 1000 messages as many as make {} KiB, at least "
        "8)\n",
        of.budget / 1024);
  }
  if (!told.empty()) out += "\nWhat it was found to do:\n" + told;
  if (!wrong.empty()) out += "\nNot OK, in full:\n" + wrong;
  return out + fmt::format("\n{}\n", in_a_line(of));
}

std::string to_html(const std::vector<run_report>& runs, const table& cases) {
  std::string out(style);
  out += "<h1>WebSocket conformance</h1>\n";
  for (const run_report& run : runs) {
    std::vector<const result*> all;
    for (const result& each : run.results) all.push_back(&each);
    out += fmt::format("<h2>{}</h2>\n<p>{} cases in {:.1f} s: {}</p>\n",
                       escaped(printable(run.name)),
                       all.size(),
                       run.seconds,
                       sum(all));
    for (const group& each : groups_of(cases)) {
      const std::vector<const result*> mine = of_group(run, each.id);
      if (mine.empty()) continue;
      out += fmt::format("<h3>{} {}</h3>\n", each.id, escaped(each.title));
      for (const result* one : mine) out += html_case(*one);
    }
  }
  return out;
}

}  // namespace adieu::conformance
