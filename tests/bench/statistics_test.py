"""The figures of docs/performance.md are only as good as these few functions."""

import sys
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "bench"))
from runner import bars, report  # noqa: E402
from runner.scenarios import SCENARIOS  # noqa: E402
from runner.statistics import Summary, interval, paired  # noqa: E402


class Interval(unittest.TestCase):
    # Order statistics of the binomial distribution with p = 1/2, as tables have them.
    def test_ranks(self):
        for n, low, high in ((6, 1, 6), (8, 1, 8), (9, 2, 8), (10, 2, 9), (15, 4, 12), (20, 6, 15)):
            self.assertEqual(interval(range(1, n + 1)), (low, high), n)

    def test_too_few(self):
        self.assertIsNone(interval([1, 2, 3, 4, 5]))
        self.assertEqual(Summary([3, 1, 2]).upper(), 3)

    def test_order_does_not_matter(self):
        self.assertEqual(interval([9, 1, 8, 2, 7, 3, 6, 4, 5]), (2, 8))


class Ratios(unittest.TestCase):
    def test_only_within_a_round(self):
        rounds = [
            {"a": {"cost": 2}, "b": {"cost": 1}},
            {"a": {"cost": 30}, "b": {"cost": 10}},
            {"a": {"cost": 99}},
            {"b": {"cost": 99}},
            {"a": {"cost": 99}, "b": {"cost": 0}},
        ]
        self.assertEqual(paired(rounds, "a", "b", "cost").values, [2, 3])
        self.assertIsNone(paired(rounds, "a", "c", "cost"))


class Bars(unittest.TestCase):
    scenario = SCENARIOS[0]

    def result(self, *ours):
        rounds = [
            {"ceiling": {"cpu_us_per_message": 10}, "adieu": {"cpu_us_per_message": cost},
             "Bun": {"cpu_us_per_message": 12}, "Beast": {"cpu_us_per_message": 15}}
            for cost in ours
        ]
        return {"servers": list(rounds[0]), "rounds": rounds}

    def test_the_best_peer_is_no_ceiling_and_not_us(self):
        self.assertEqual(report.best_peer(self.result(1), self.scenario), "Bun")

    def test_what_counts_is_the_upper_end(self):
        key = self.scenario.key
        for costs, missed in (([10.5] * 9, []), ([10.5] * 6 + [20] * 3, [key])):
            _, found = bars.table(SCENARIOS, {key: self.result(*costs)})
            self.assertEqual(found, missed)

    def test_every_bar_has_its_scenario(self):
        keys = {scenario.key for scenario in SCENARIOS}
        self.assertLessEqual({bar.key for bar in bars.BARS}, keys)


if __name__ == "__main__":
    unittest.main()
