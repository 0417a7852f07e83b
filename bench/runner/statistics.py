"""Medians, and how far they can be trusted."""

from math import comb
from statistics import median


def interval(values, confidence=0.95):
    """The 95 % interval of the median, from order statistics: no assumption about the distribution.

    None when there are too few values for it (fewer than six).
    """
    ordered = sorted(values)
    n = len(ordered)
    tail, rank = 0.0, 0
    while rank < n // 2:
        tail += comb(n, rank) / 2**n
        if 2 * tail > 1 - confidence:
            break
        rank += 1
    return (ordered[rank - 1], ordered[n - rank]) if rank else None


class Summary:
    """The median of some values, their extremes, and the interval of the median."""

    def __init__(self, values):
        self.values = list(values)
        self.median = median(self.values)
        self.low, self.high = min(self.values), max(self.values)
        self.interval = interval(self.values)

    def upper(self):
        """What the median is below with 95 % confidence; with few values, the largest."""
        return self.interval[1] if self.interval else self.high


def paired(rounds, server, reference, measure):
    """The ratios of `server` to `reference` within each round that has both; None without any."""
    ratios = [
        figures[server][measure] / figures[reference][measure]
        for figures in rounds
        if figures.get(server, {}).get(measure) and figures.get(reference, {}).get(measure)
    ]
    return Summary(ratios) if ratios else None
