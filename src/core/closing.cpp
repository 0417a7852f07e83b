// The closing table itself. Read it a phase at a time: each block says what every event does there.
#include "adieu/core/closing.hpp"

namespace adieu::core {
namespace {

using p = phase;
using e = event;
using a = action;

consteval closing_table make_table() {
  closing_table table{};
  auto phase_rules = [&](phase in, auto... rules) {
    auto& row = table[static_cast<std::size_t>(in)];
    row.fill({in, a::impossible});
    ((row[static_cast<std::size_t>(rules.when)] = {rules.next, rules.act}), ...);
  };
  struct rule {
    event when{};
    phase next{};
    action act = action::none;
  };

  phase_rules(p::open,  //
              rule{e::call_close, p::close_queued, a::queue_close},
              rule{e::call_close_output, p::close_queued, a::queue_close},
              rule{e::close_read, p::close_received, a::deliver_close},
              rule{e::rule_broken, p::failing, a::queue_failure},
              rule{e::input_fin, p::over_aborted, a::cut},
              rule{e::input_lost, p::over_aborted, a::cut},
              rule{e::output_lost, p::open, a::stop_writing},
              rule{e::close_deadline, p::over_aborted, a::reset},  // only after output_lost
              rule{e::peer_silent, p::over_aborted, a::reset},
              rule{e::peer_not_reading, p::over_aborted, a::reset},
              rule{e::call_abort, p::over_aborted, a::reset},
              rule{e::call_destroy, p::draining, a::fin_and_drain});

  phase_rules(p::close_queued,  //
              rule{e::call_close, p::close_queued},
              rule{e::call_close_output, p::close_queued, a::refuse},
              rule{e::close_written, p::close_sent},
              rule{e::close_read, p::reply_queued, a::deliver_close},
              rule{e::rule_broken, p::failing, a::queue_failure},
              rule{e::input_fin, p::over_aborted, a::cut},
              rule{e::input_lost, p::over_aborted, a::cut},
              rule{e::output_lost, p::close_queued, a::stop_writing},
              rule{e::close_deadline, p::over_aborted, a::reset},
              rule{e::peer_not_reading, p::over_aborted, a::reset},
              rule{e::call_abort, p::over_aborted, a::reset},
              rule{e::call_destroy, p::draining, a::fin_and_drain});

  phase_rules(p::close_sent,                       //
              rule{e::call_close, p::close_sent},  // N3: does not send again
              rule{e::call_close_output, p::close_sent, a::refuse},
              rule{e::close_read, p::closed, a::tear_down},         // D15: by itself
              rule{e::rule_broken, p::draining, a::fin_and_drain},  // no second Close
              rule{e::input_fin, p::over_aborted, a::cut},
              rule{e::input_lost, p::over_aborted, a::cut},
              rule{e::output_lost, p::close_sent, a::stop_writing},
              rule{e::close_deadline, p::over_aborted, a::reset},
              rule{e::peer_not_reading, p::over_aborted, a::reset},
              rule{e::call_abort, p::over_aborted, a::reset},
              rule{e::call_destroy, p::draining, a::fin_and_drain});

  phase_rules(p::close_received,  //
              rule{e::call_close, p::reply_queued, a::queue_close},
              rule{e::call_close_output, p::reply_queued, a::queue_close},
              rule{e::input_fin, p::close_received, a::note_fin},
              rule{e::input_lost, p::over_aborted, a::cut},
              rule{e::output_lost, p::over_aborted, a::cut},
              rule{e::peer_not_reading, p::over_aborted, a::reset},
              rule{e::call_abort, p::over_aborted, a::reset},
              rule{e::call_destroy, p::draining, a::fin_and_drain});

  phase_rules(p::reply_queued,  //
              rule{e::call_close, p::reply_queued},
              rule{e::call_close_output, p::reply_queued, a::refuse},
              rule{e::close_written, p::closed, a::tear_down},
              rule{e::input_fin, p::reply_queued, a::note_fin},
              rule{e::input_lost, p::over_aborted, a::cut},
              rule{e::output_lost, p::over_aborted, a::cut},
              rule{e::close_deadline, p::over_aborted, a::reset},
              rule{e::peer_not_reading, p::over_aborted, a::reset},
              rule{e::call_abort, p::over_aborted, a::reset},
              rule{e::call_destroy, p::reply_queued});  // P6: both are at least queued

  phase_rules(p::closed,  //
              rule{e::call_close, p::closed, a::refuse},
              rule{e::call_close_output, p::closed, a::refuse},
              rule{e::input_fin, p::over_closed, a::cut},
              rule{e::input_lost, p::over_closed, a::cut},
              rule{e::output_lost, p::closed},
              rule{e::linger_over, p::over_closed, a::cut},  // P5: stays clean
              rule{e::call_abort, p::over_closed, a::cut},
              rule{e::call_destroy, p::closed});

  phase_rules(p::failing,  //
              rule{e::call_close, p::failing, a::refuse},
              rule{e::call_close_output, p::failing, a::refuse},
              rule{e::close_written, p::draining, a::fin_and_drain},
              rule{e::input_fin, p::failing, a::note_fin},
              rule{e::input_lost, p::over_aborted, a::cut},
              rule{e::output_lost, p::over_aborted, a::cut},
              rule{e::close_deadline, p::over_aborted, a::reset},
              rule{e::peer_not_reading, p::over_aborted, a::reset},
              rule{e::call_abort, p::over_aborted, a::reset},
              rule{e::call_destroy, p::failing});

  phase_rules(p::draining,  //
              rule{e::call_close, p::draining, a::refuse},
              rule{e::call_close_output, p::draining, a::refuse},
              rule{e::input_fin, p::over_aborted, a::cut},
              rule{e::input_lost, p::over_aborted, a::cut},
              rule{e::output_lost, p::draining},
              rule{e::linger_over, p::over_aborted, a::cut},
              rule{e::call_abort, p::over_aborted, a::reset},
              rule{e::call_destroy, p::draining});

  for (phase over : {p::over_closed, p::over_aborted}) {
    phase_rules(over,  //
                rule{e::call_close, over, a::refuse},
                rule{e::call_close_output, over, a::refuse},
                rule{e::input_fin, over},
                rule{e::input_lost, over},
                rule{e::output_lost, over},
                rule{e::call_abort, over},
                rule{e::call_destroy, over});
  }
  return table;
}

constexpr closing_table table = make_table();

constexpr std::array<std::string_view, phase_count> phase_names{"open",
                                                                "close_queued",
                                                                "close_sent",
                                                                "close_received",
                                                                "reply_queued",
                                                                "closed",
                                                                "failing",
                                                                "draining",
                                                                "over_closed",
                                                                "over_aborted"};

constexpr std::array<std::string_view, event_count> event_names{"call_close",
                                                                "call_close_output",
                                                                "close_written",
                                                                "close_read",
                                                                "rule_broken",
                                                                "input_fin",
                                                                "input_lost",
                                                                "output_lost",
                                                                "close_deadline",
                                                                "linger_over",
                                                                "peer_silent",
                                                                "peer_not_reading",
                                                                "call_abort",
                                                                "call_destroy"};

constexpr std::array<std::string_view, 12> action_names{"none",
                                                        "refuse",
                                                        "impossible",
                                                        "queue_close",
                                                        "deliver_close",
                                                        "queue_failure",
                                                        "note_fin",
                                                        "stop_writing",
                                                        "tear_down",
                                                        "fin_and_drain",
                                                        "cut",
                                                        "reset"};

}  // namespace

const closing_table& closing_rules() noexcept { return table; }

std::string_view to_string(phase x) noexcept { return phase_names[static_cast<std::size_t>(x)]; }
std::string_view to_string(event x) noexcept { return event_names[static_cast<std::size_t>(x)]; }
std::string_view to_string(action x) noexcept { return action_names[static_cast<std::size_t>(x)]; }

std::string closing_diagram() {
  std::string out = "stateDiagram-v2\n  [*] --> open\n";
  for (std::size_t from = 0; from < phase_count; ++from) {
    for (std::size_t to = 0; to < phase_count; ++to) {
      if (from == to) continue;
      std::string label;
      for (std::size_t what = 0; what < event_count; ++what) {
        const transition t = table[from][what];
        if (static_cast<std::size_t>(t.next) != to || t.act == a::impossible) continue;
        if (!label.empty()) label += ", ";
        label += event_names[what];
      }
      if (label.empty()) continue;
      out += "  ";
      out += phase_names[from];
      out += " --> ";
      out += phase_names[to];
      out += " : " + label + "\n";
    }
  }
  return out + "  over_closed --> [*]\n  over_aborted --> [*]\n";
}

std::string closing_markdown() {
  std::string out = "| in | event | to | action |\n| --- | --- | --- | --- |\n";
  for (std::size_t from = 0; from < phase_count; ++from) {
    for (std::size_t what = 0; what < event_count; ++what) {
      const transition t = table[from][what];
      if (t.act == a::impossible) continue;
      out += "| ";
      out += phase_names[from];
      out += " | ";
      out += event_names[what];
      out += " | ";
      out += to_string(t.next);
      out += " | ";
      out += to_string(t.act);
      out += " |\n";
    }
  }
  return out;
}

}  // namespace adieu::core
