"""Tables: for the terminal while it runs, and in Markdown for docs/performance.md."""

from .servers import ADIEU, CEILING, RAW
from .statistics import Summary, paired


def number(value):
    """Three digits that mean something."""
    if value is None:
        return "–"
    if value >= 1000:
        return f"{value:,.0f}"
    return f"{value:.3g}" if value < 100 else f"{value:.0f}"


def ratio(summary):
    if summary is None:
        return "–"
    text = f"{summary.median:.2f}"
    if summary.interval:
        text += f" [{summary.interval[0]:.2f}–{summary.interval[1]:.2f}]"
    return text


def summary_of(result, server, measure):
    values = [
        figures[server][measure]
        for figures in result["rounds"]
        if measure in figures.get(server, {})
    ]
    return Summary(values) if values else None


HEADINGS = {
    "calls_per_message": "calls",
    "p50_us": "p50 µs",
    "p99_us": "p99",
    "p999_us": "p99.9",
    "memory_mib": "memory MiB",
    "bytes_after_message": "after a message",
    "pings": "pings",
    "cpu_ms_per_second": "CPU ms/s",
}


def columns_of(scenario, result):
    """(heading, name of the figure) beside cost and ratios: those that somebody has."""
    have: set = set().union(*(figures for one in result["rounds"] for figures in one.values()))
    if scenario.kind == "idle":
        have -= {"rate", "cpu_ms_per_second", "pings"} if scenario.cost else {"rate"}
    headings = {"rate": f"{scenario.unit.replace('delivery', 'deliverie')}s/s", **HEADINGS}
    return [(heading, name) for name, heading in headings.items() if name in have]


def heading_of(scenario, result):
    cost = scenario.cost.replace("_per_", "/").replace("_", " ")
    head = ["", cost or f"CPU µs/{scenario.unit.replace('_', ' ')}", "spread"]
    head += [f"÷ {reference}" for reference in references_of(result)]
    return head + [heading for heading, _ in columns_of(scenario, result)]


def references_of(result):
    return [name for name in (CEILING, ADIEU) if name in result["servers"]]


def row_of(scenario, result, server):
    cost = scenario.cost_name()
    own = summary_of(result, server, cost)
    if own is None:
        return [server, "– " + result["failures"].get(server, "")[:90].split("\n")[0]]
    row = [server, number(own.median), f"{number(own.low)}–{number(own.high)}"]
    for reference in references_of(result):
        other = paired(result["rounds"], server, reference, cost)
        row.append("1" if server == reference else ratio(other))
    for _, measure in columns_of(scenario, result):
        found = summary_of(result, server, measure)
        row.append(number(found.median) if found else "–")
    return row


def table_of(scenario, result):
    servers = result["servers"]
    return [heading_of(scenario, result)] + [row_of(scenario, result, server) for server in servers]


def as_text(scenario, result):
    table = table_of(scenario, result)
    columns = max(len(row) for row in table)
    widths = [max(len(r[i]) for r in table if i < len(r) and (i == 0 or len(r) > 2))
              for i in range(columns)]
    lines = [f"\n{scenario.title} (rounds: {len(result['rounds'])})"]
    for row in table:
        cells = [row[0].ljust(widths[0])]
        cells += [cell.rjust(widths[i + 1]) for i, cell in enumerate(row[1:])]
        lines.append("  ".join(cells).rstrip())
    return "\n".join(lines)


def as_markdown(scenario, result):
    table = table_of(scenario, result)
    lines = [f"### {scenario.title}", "", f"`{scenario.key}`, rounds: {len(result['rounds'])}", ""]
    lines.append("| " + " | ".join(table[0]) + " |")
    lines.append("| --- |" + " ---: |" * (len(table[0]) - 1))
    for row in table[1:]:
        cells = [f"**{cell}**" if row[0] == ADIEU else cell for cell in row]
        lines.append("| " + " | ".join(cells + [""] * (len(table[0]) - len(row))) + " |")
    return "\n".join(lines) + "\n"


def best_peer(result, scenario):
    """The name of the server with the lowest cost that is neither ours nor a ceiling."""
    costs = {}
    for server in result["servers"]:
        if server not in (RAW, CEILING) and not server.startswith(ADIEU):
            found = summary_of(result, server, scenario.cost_name())
            if found:
                costs[server] = found.median
    return min(costs, key=costs.get) if costs else None
