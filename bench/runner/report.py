"""Tables: for the terminal while it runs, and in Markdown for docs/performance.md."""

from .servers import ADIEU, CEILING, RAW
from .statistics import Summary, paired


def cost_of(scenario):
    return f"cpu_us_per_{scenario.unit}"


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


def columns_of(scenario):
    """(heading, name of the figure) beside cost and ratios."""
    columns = [(f"{scenario.unit}s/s", "rate")]
    columns += [("p50 µs", "p50_us"), ("p99", "p99_us"), ("p99.9", "p999_us")]
    columns += [("memory MiB", "memory_mib")]
    return columns


def row_of(scenario, result, server):
    cost = cost_of(scenario)
    own = summary_of(result, server, cost)
    if own is None:
        failure = result["failures"].get(server, "")
        return [server, f"failed: {failure}" if failure else "–"]
    row = [server, number(own.median), f"{number(own.low)}–{number(own.high)}"]
    for reference in (CEILING, ADIEU):
        other = paired(result["rounds"], server, reference, cost)
        row.append("1" if server == reference else ratio(other))
    calls = result["calls"].get(server)
    row.append("–" if calls is None else f"{calls:.3g}")
    for _, measure in columns_of(scenario):
        found = summary_of(result, server, measure)
        row.append(number(found.median) if found else "–")
    return row


def heading_of(scenario):
    head = ["", f"CPU µs/{scenario.unit}", "spread", "÷ ceiling", "÷ adieu", "calls"]
    return head + [heading for heading, _ in columns_of(scenario)]


def table_of(scenario, result):
    servers = result["servers"]
    return [heading_of(scenario)] + [row_of(scenario, result, server) for server in servers]


def as_text(scenario, result):
    table = table_of(scenario, result)
    columns = max(len(row) for row in table)
    widths = [max(len(row[i]) for row in table if i < len(row) > 2 or i == 0) for i in range(columns)]
    lines = [f"\n{scenario.title} ({len(result['rounds'])} rounds)"]
    for row in table:
        cells = [row[0].ljust(widths[0])]
        cells += [cell.rjust(widths[i + 1]) for i, cell in enumerate(row[1:])]
        lines.append("  ".join(cells).rstrip())
    return "\n".join(lines)


def as_markdown(scenario, result):
    table = table_of(scenario, result)
    lines = [f"### {scenario.title}", ""]
    lines.append("| " + " | ".join(table[0]) + " |")
    lines.append("| --- |" + " ---: |" * (len(table[0]) - 1))
    lines += ["| " + " | ".join(row) + " |" for row in table[1:]]
    return "\n".join(lines) + "\n"


def best_peer(result, scenario):
    """The name of the server with the lowest cost that is neither ours nor a ceiling."""
    costs = {}
    for server in result["servers"]:
        if server not in (RAW, CEILING) and not server.startswith(ADIEU):
            found = summary_of(result, server, cost_of(scenario))
            if found:
                costs[server] = found.median
    return min(costs, key=costs.get) if costs else None
