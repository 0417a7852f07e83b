"""What Adieu holds itself to, and whether it does: by the upper end of a ratio's 95 % interval.

Beside each bar that is missed, docs/performance.md says what was tried and where the rest goes:
those words are in bench/missed.md, a paragraph a bar that begins with its `key`.
"""

from dataclasses import dataclass
from pathlib import Path

from . import report
from .servers import ADIEU, CEILING
from .statistics import paired

MISSED = Path("bench/missed.md")
PEER = "best peer"


@dataclass
class Bar:
    key: str  # of the scenario
    against: str  # a server's name, or PEER
    most: float  # the ratio; bytes a connection where nothing is compared
    server: str = ADIEU


def bars(key, ceiling=None, peer=None):
    found = [Bar(key, CEILING, ceiling)] if ceiling else []
    return found + ([Bar(key, PEER, peer)] if peer else [])


BARS = [
    *bars("16B", ceiling=1.10, peer=1.05),
    *bars("1K", ceiling=1.10, peer=1.05),
    *bars("16Bx32", ceiling=1.20, peer=1.00),
    *bars("16K", ceiling=1.15, peer=0.60),
    *bars("16Kmixed", ceiling=1.50, peer=0.55),
    *bars("16Kascii", ceiling=1.50, peer=0.55),
    *bars("1M", ceiling=1.15, peer=1.00),
    *bars("tls1K", peer=1.00),
    *bars("tls64K", peer=1.00),
    *bars("json1K", peer=0.95),
    *bars("json1Kover", peer=0.95),
    *bars("json64K", peer=0.95),
    *bars("json64Kover", peer=0.95),
    *bars("broadcast", peer=0.90),
    *bars("cycle", peer=0.90),
    *bars("close", peer=0.90),
    Bar("idle", "", 700),
] + [
    Bar(key, ADIEU, most, server)
    for key in ("16B", "1K", "16K", "16Kmixed", "16Kascii")
    for most, server in [(1.15, "adieu co_await")]
] + [
    Bar("16Bx32", ADIEU, 1.15, "adieu try_receive"),
    Bar("16Bx32", ADIEU, 1.60, "adieu co_await"),
]


def reached(bar, scenario, result):
    """What was measured, a Summary, and the name of whom it is compared with."""
    cost = scenario.cost_name()
    if not bar.against:
        return report.summary_of(result, bar.server, cost), ""
    other = report.best_peer(result, scenario) if bar.against == PEER else bar.against
    return (paired(result["rounds"], bar.server, other, cost) if other else None), other


def table(scenarios, results):
    """A line a bar that was measured, and the keys of those that are missed."""
    lines = [
        "| scenario | key | who | against | bar | reached | |",
        "| --- | --- | --- | --- | ---: | ---: | --- |",
    ]
    missed = []
    by_key = {scenario.key: scenario for scenario in scenarios}
    for bar in BARS:
        if bar.key not in results:
            continue
        scenario = by_key[bar.key]
        found, other = reached(bar, scenario, results[bar.key])
        if found is None:
            continue
        met = found.upper() <= bar.most
        if not met and bar.key not in missed:
            missed.append(bar.key)
        value = report.ratio(found) if bar.against else f"{report.number(found.median)} B"
        most = f"{bar.most:.2f}" if bar.against else f"{bar.most:.0f} B"
        lines.append(
            f"| {scenario.title} | `{bar.key}` | {bar.server} | {other or '–'} | {most} | {value} | "
            f"{'met' if met else 'missed'} |"
        )
    return "\n".join(lines), missed


def why(missed):
    """The paragraphs about the keys that are missed; one that nobody has written yet says so."""
    words = {}
    for paragraph in MISSED.read_text().split("\n\n"):
        for key in paragraph.partition(":")[0].replace("`", "").split(", "):
            words[key] = paragraph.strip()
    told = []
    for key in missed:
        paragraph = words.get(key, f"`{key}`: not looked into yet.")
        if paragraph not in told:
            told.append(paragraph)
    return "\n\n".join(told)
