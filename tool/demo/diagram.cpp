// Draws what crossed the wire between two life lines.
#include "diagram.hpp"

#include <fmt/format.h>

#include <cmath>

namespace adieu::tool::demo {
namespace {

constexpr std::size_t time_width = 13;  // "  123.45 ms  "
constexpr std::size_t lane = page_width - time_width - 2;
constexpr auto noticeable = std::chrono::milliseconds(100);

double milliseconds(clock::duration length) {
  return std::chrono::duration<double, std::milli>(length).count();
}

ink ink_of(sort what) {
  switch (what) {
    case sort::close: return ink::close;
    case sort::ping:
    case sort::pong: return ink::control;
    case sort::fin: return ink::tcp;
    case sort::broken:
    case sort::reset: return ink::bad;
    case sort::http:
    case sort::note: return ink::faint;
    case sort::data: return ink::plain;
  }
  return ink::plain;
}

class page {
 public:
  explicit page(const palette& colors) : colors_(colors) {}

  void names(const lanes& who) {
    const std::size_t used = columns(who.client) + columns(who.server);
    out_ += std::string(time_width, ' ') + colors_.paint(ink::bold, who.client) +
            std::string(lane + 2 - used, ' ') + colors_.paint(ink::bold, who.server) + '\n';
  }

  void note(const wire_event& event) {
    bool first = true;
    for (const std::string& line : wrap(event.label, lane - 2)) {
      const std::string text = shorten(line, lane - 2);
      const std::string space(lane - 1 - columns(text), ' ');
      const std::string inked = faint(text);
      const std::string inside =
          event.from == end::client ? " " + inked + space : space + inked + " ";
      first ? row(event.at, inside) : blank_row(inside);
      first = false;
    }
  }

  void arrow(const wire_event& event) {
    const std::string text = shorten(event.label, lane - 8);
    const std::string label = colors_.paint(ink_of(event.what), text);
    const bool cut = event.what == sort::reset;
    const std::string_view line = cut ? "━" : "─";
    const std::string shaft = repeat(line, lane - 5 - columns(text));
    if (event.from == end::client) {
      row(event.at, faint(repeat(line, 2)) + " " + label + " " + faint(shaft + "▶"));
    } else {
      row(event.at, faint("◀" + shaft) + " " + label + " " + faint(repeat(line, 2)));
    }
  }

  /// The two lines of the opening handshake as one row: nobody reads them twelve times.
  void handshake(const wire_event& asked, const wire_event& answered) {
    const std::size_t used = columns(asked.label) + columns(answered.label);
    const std::string dots = repeat("┄", lane - used - 8);
    row(answered.at, faint("┄┄ " + asked.label + " " + dots + " " + answered.label + " ┄┄"));
  }

  void cross(const wire_event& first, const wire_event& second) {
    const wire_event& left = first.from == end::client ? first : second;
    const wire_event& right = first.from == end::client ? second : first;
    const std::size_t half = lane / 2 - 1;  // up to the crossing
    const std::size_t rest = lane - half - 3;
    const std::string from_left = shorten(left.label, half - 5);
    const std::string from_right = shorten(right.label, rest - 5);
    row(first.at,
        faint("── ") + colors_.paint(ink_of(left.what), from_left) + " " +
            faint(repeat("─", half - 4 - columns(from_left)) + "╲ ╱" +
                  repeat("─", rest - 4 - columns(from_right))) +
            " " + colors_.paint(ink_of(right.what), from_right) + faint(" ──"));
    blank_row(std::string(half + 1, ' ') + faint("╳") + std::string(lane - half - 2, ' '));
    row(std::max(first.arrived, second.arrived),
        faint("◀" + repeat("─", half - 1) + "╱ ╲" + repeat("─", rest - 1) + "▶"));
  }

  void silence(clock::duration length) {
    const std::string text = fmt::format("{:.0f} ms of silence", std::round(milliseconds(length)));
    const std::size_t left = (lane - text.size()) / 2;
    out_ += std::string(time_width, ' ') +
            faint("┊" + std::string(left, ' ') + text +
                  std::string(lane - text.size() - left, ' ') + "┊") +
            '\n';
  }

  [[nodiscard]] std::string take() { return std::move(out_); }

 private:
  [[nodiscard]] std::string faint(std::string_view text) const {
    return colors_.paint(ink::faint, text);
  }
  void row(clock::duration at, const std::string& inside) {
    out_ += faint(fmt::format("{:8.2f} ms  ", milliseconds(at))) + "│" + inside + "│\n";
  }
  void blank_row(const std::string& inside) {
    out_ += std::string(time_width, ' ') + "│" + inside + "│\n";
  }

  const palette& colors_;
  std::string out_;
};

bool crosses(const wire_event& first, const wire_event& second) {
  return first.what != sort::note && second.what != sort::note && first.from != second.from &&
         second.at < first.arrived;
}

}  // namespace

std::string draw(const std::vector<wire_event>& events, const lanes& names, const palette& colors) {
  page out(colors);
  out.names(names);
  for (std::size_t i = 0; i < events.size(); ++i) {
    const wire_event& event = events[i];
    if (i > 0 && event.at - events[i - 1].arrived > noticeable) {
      out.silence(event.at - events[i - 1].arrived);
    }
    const wire_event* const next = i + 1 < events.size() ? &events[i + 1] : nullptr;
    if (event.what == sort::note) {
      out.note(event);
    } else if (next != nullptr && event.what == sort::http && next->what == sort::http) {
      out.handshake(event, *next);
      ++i;
    } else if (next != nullptr && crosses(event, *next)) {
      out.cross(event, *next);
      ++i;
    } else {
      out.arrow(event);
    }
  }
  return out.take();
}

}  // namespace adieu::tool::demo
