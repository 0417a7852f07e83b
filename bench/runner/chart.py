"""Two charts in one SVG, without any library: cost against the ceiling, by scenario and by size."""

from math import log10

from .servers import ADIEU, CEILING
from .statistics import paired

COLOURS = {ADIEU: "#c2410c", "Beast": "#2563eb", "Bun": "#0f766e"}
LEFT, WIDTH, HEIGHT, GAP = 70, 860, 260, 90
TOP_RATIO = 20  # of the logarithmic axes


def text(x, y, words, anchor="middle", size=12, extra=""):
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" font-size="{size}" {extra}>'
        f"{words}</text>"
    )


class Plot:
    """A logarithmic axis of ratios, from 0.8 to 20, drawn from `top` down."""

    def __init__(self, top, title):
        self.top = top
        self.parts = [text(LEFT, top - 14, title, "start", 14, 'font-weight="bold"')]
        for tick in (1, 2, 5, 10, 20):
            y = self.y(tick)
            self.parts.append(
                f'<line x1="{LEFT}" x2="{LEFT + WIDTH}" y1="{y:.1f}" y2="{y:.1f}" stroke="#ccc"/>'
            )
            self.parts.append(text(LEFT - 8, y + 4, f"{tick}×", "end"))

    def y(self, ratio):
        low, high = log10(0.8), log10(TOP_RATIO)
        share = (log10(min(max(ratio, 0.8), TOP_RATIO)) - low) / (high - low)
        return self.top + HEIGHT * (1 - share)


def bars(top, scenarios, results):
    plot = Plot(top, "CPU time a message, against the ceiling (1×), by scenario")
    slot = WIDTH / len(scenarios)
    for i, scenario in enumerate(scenarios):
        middle = LEFT + slot * (i + 0.5)
        plot.parts.append(text(middle, top + HEIGHT + 18, scenario.key, size=11))
        for j, (server, colour) in enumerate(COLOURS.items()):
            found = paired(results[scenario.key]["rounds"], server, CEILING, scenario.cost_name())
            if found is None:
                continue
            bar = slot * 0.22
            x, y = middle + (j - 1.5) * bar, plot.y(found.median)
            plot.parts.append(
                f'<rect x="{x:.1f}" y="{y:.1f}" width="{bar * 0.9:.1f}" '
                f'height="{top + HEIGHT - y:.1f}" fill="{colour}"/>'
            )
            plot.parts.append(text(x + bar * 0.45, y - 3, f"{found.median:.2f}", size=9))
    return plot.parts


def lines(top, scenarios, results):
    plot = Plot(top, "The same by size of message")
    low, high = log10(scenarios[0].sweep), log10(scenarios[-1].sweep)
    across = {
        s.key: LEFT + WIDTH * (log10(s.sweep) - low) / (high - low or 1) for s in scenarios
    }
    for size, name in ((1, "1 B"), (1 << 10, "1 KiB"), (1 << 14, "16 KiB"), (1 << 16, "64 KiB"),
                       (1 << 20, "1 MiB"), (4 << 20, "4 MiB")):
        if low <= log10(size) <= high:
            x = LEFT + WIDTH * (log10(size) - low) / (high - low or 1)
            plot.parts.append(text(x, top + HEIGHT + 18, name, size=11))
    for server, colour in COLOURS.items():
        points = []
        for scenario in scenarios:
            found = paired(results[scenario.key]["rounds"], server, CEILING, scenario.cost_name())
            if found:
                points.append(f"{across[scenario.key]:.1f},{plot.y(found.median):.1f}")
        plot.parts.append(
            f'<polyline points="{" ".join(points)}" fill="none" stroke="{colour}" '
            f'stroke-width="2"/>'
        )
    return plot.parts


def draw(scenarios, results):
    """`results` by the scenarios' keys. Only what has both a ceiling and Adieu is drawn."""
    drawn = [s for s in scenarios if s.key in results and s.core and not s.cost]
    swept = [s for s in scenarios if s.key in results and s.sweep]
    parts, top = [], 50
    if drawn:
        parts += bars(top, drawn, results)
        top += HEIGHT + GAP
    if len(swept) > 1:
        parts += lines(top, sorted(swept, key=lambda s: s.sweep), results)
        top += HEIGHT + GAP
    for i, (server, colour) in enumerate(COLOURS.items()):
        x = LEFT + 520 + 110 * i
        parts.append(f'<rect x="{x}" y="24" width="12" height="12" fill="{colour}"/>')
        parts.append(text(x + 18, 35, server, "start"))
    height = top - GAP + 40
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {LEFT + WIDTH + 20} {height}" '
        f'font-family="sans-serif" fill="#222">\n'
        f'<rect width="100%" height="100%" fill="white"/>\n' + "\n".join(parts) + "\n</svg>\n"
    )
