"""docs/performance.md and its chart, from the stored results of the scenarios."""

import json
import os
import platform
import subprocess
from pathlib import Path

from . import bars, chart, report
from .servers import ADIEU, CEILING
from .statistics import paired

PAGE = Path("docs/performance.md")
CHART = Path("docs/performance.svg")
GUARD = Path("bench/guard.txt")


def output_of(*command):
    try:
        return subprocess.run(command, capture_output=True, text=True).stdout.strip()
    except FileNotFoundError:
        return ""


def machine():
    """Where this was measured, in a few lines."""
    model = "unknown processor"
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            model = line.partition(":")[2].strip()
    memory = int(Path("/proc/meminfo").read_text().split()[1]) / 1024**2
    release = platform.freedesktop_os_release().get("PRETTY_NAME", "")
    virtual = "a virtual machine, " if "hypervisor" in Path("/proc/cpuinfo").read_text() else ""
    return (
        f"{virtual}{os.cpu_count()} cores of {model}, {memory:.0f} GiB, "
        f"Linux {platform.release()}, {release}, {output_of('g++', '--version').splitlines()[0]}, -O3"
    )


class Store:
    """One file a scenario under build/, so that a page can be made of several runs."""

    def __init__(self, folder):
        self.folder = Path(folder) / "bench-results"

    def keep(self, scenario, result):
        self.folder.mkdir(parents=True, exist_ok=True)
        result["commit"] = output_of("git", "describe", "--always", "--dirty")
        result["load"] = os.getloadavg()[0]
        (self.folder / f"{scenario.key}.json").write_text(json.dumps(result))

    def all(self, scenarios):
        found = {}
        for scenario in scenarios:
            path = self.folder / f"{scenario.key}.json"
            if path.exists():
                found[scenario.key] = json.loads(path.read_text())
        return found


def overview(scenarios, results):
    lines = [
        "| scenario | key | adieu ÷ ceiling | adieu ÷ best peer | that is |",
        "| --- | --- | ---: | ---: | --- |",
    ]
    for scenario in scenarios:
        if scenario.key not in results or scenario.sweep:
            continue
        result = results[scenario.key]
        cost = scenario.cost_name()
        to_ceiling = paired(result["rounds"], ADIEU, CEILING, cost)
        best = report.best_peer(result, scenario)
        to_best = paired(result["rounds"], ADIEU, best, cost) if best else None
        lines.append(
            f"| {scenario.title} | `{scenario.key}` | {report.ratio(to_ceiling)} | "
            f"{report.ratio(to_best)} | {best or '–'} |"
        )
    return "\n".join(lines)


def write(scenarios, servers, results):
    bar_table, missed = bars.table(scenarios, results)
    commits = sorted({result["commit"] for result in results.values()})
    rounds = max(len(result["rounds"]) for result in results.values())
    loads = [result["load"] for result in results.values()]
    parts = [
        "# Performance",
        "Written by `./dev bench --write`; do not edit.\n\n"
        "Method: servers take turns within a round, each started afresh; the server is pinned to "
        "one core, the load generator to the other; every reply is verified. The figure to trust "
        "is the CPU time (user and system) of the server for each message: throughput and latency "
        "depend on the load generator and the neighbours. Ratios are taken within a round; shown "
        "are their median and, from six rounds up, its 95 % interval (order statistics). System "
        "calls are counted in a round of their own, by strace, which slows the server down; memory "
        "is the process's PSS at the end of the run.",
        f"Measured on {machine()}; at commit {', '.join(commits)}; up to {rounds} rounds; load "
        f"average {min(loads):.1f}–{max(loads):.1f} (2 is what the measurement itself makes; "
        "more are neighbours, which move throughput and latency, and less the CPU time).",
        "![CPU time a message against the ceiling](performance.svg)",
        "## In one table",
        "Below 1, Adieu takes less. The best peer is the one with the lowest median.",
        overview(scenarios, results),
        "## The bars",
        "What Adieu holds itself to. A bar is met when the upper end of the interval is within it; "
        "with fewer than six rounds, when each round is.",
        bar_table,
        "### What is missed, what was tried, and where the rest goes" if missed else "",
        bars.why(missed),
        "## Who is measured",
        "TCP_NODELAY everywhere, one thread on one core, no compression where it is not the "
        "scenario. A server that is missing from a table cannot play it, or not without a program "
        "that its authors would not write.",
        "| server | set up |\n| --- | --- |\n"
        + "\n".join(f"| {server.name} | {server.setup} |" for server in servers),
        "## Scenario by scenario",
    ]
    for scenario in scenarios:
        if scenario.key in results and not scenario.sweep:
            parts.append(report.as_markdown(scenario, results[scenario.key]))
    swept = [s for s in scenarios if s.sweep and s.key in results]
    if swept:
        parts.append("### Sizes\n\nCPU µs a message, and its ratio to the ceiling: is there a cliff?")
        parts.append(sizes(sorted(swept, key=lambda s: s.sweep), results))
    parts.append(
        "## Instructions\n\nWhat `./dev test` guards (`./dev bench --guard`): instructions of fixed "
        "work (bench/guard.cpp), counted by callgrind, which repeat where times do not."
    )
    parts.append("```\n" + GUARD.read_text().partition("\n")[2] + "```")
    PAGE.write_text("\n\n".join(part.strip() for part in parts if part) + "\n")
    CHART.write_text(chart.draw(scenarios, results))


def sizes(scenarios, results):
    servers = results[scenarios[0].key]["servers"]
    lines = ["| size | " + " | ".join(servers) + " |", "| --- |" + " ---: |" * len(servers)]
    for scenario in scenarios:
        result = results[scenario.key]
        cells = []
        for server in servers:
            own = report.summary_of(result, server, scenario.cost_name())
            other = paired(result["rounds"], server, CEILING, scenario.cost_name())
            cell = report.number(own.median) if own else "–"
            cells.append(cell + (f" ({other.median:.2f})" if other and server != CEILING else ""))
        lines.append(f"| {scenario.title} | " + " | ".join(cells) + " |")
    return "\n".join(lines)
