"""Figures: rates with Wilson intervals, latencies with percentiles, single numbers; each with its bars.

Knows numbers; knows nothing of conversations.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import sqrt

import numpy as np

from configs.evaluation import Bar

Z95 = 1.959963984540054
DIGITS = 4


@dataclass(frozen=True)
class Figure:
    """One result.

    Attributes:
        name: what was measured. of: what `n` counts.
        numbers: `n` and the rest; "share", "low", "high" of a rate, "mean", "p50", "p90", "p95" of a latency (seconds),
            "value" of a number. A number that cannot be had (n = 0) is None.
        bars: what is asked of the numbers.
        detail: whether it is one of many that a summary leaves out.
    """

    name: str
    of: str
    numbers: dict[str, float | None]
    bars: tuple[Bar, ...] = ()
    detail: bool = False

    def met(self, bar: Bar) -> bool:
        """Whether the bar is reached; a number that is missing reaches none."""
        number = self.numbers.get(bar.of)
        if number is None:
            return False
        return number <= bar.limit if bar.sense == "<=" else number >= bar.limit


def wilson(hits: int, n: int) -> tuple[float, float]:
    """95 % interval of a rate after Wilson (1927).

    Raises:
        ValueError: n is 0 or smaller than the hits.
    """
    if n < 1 or not 0 <= hits <= n:
        raise ValueError(f"{hits} of {n} is no rate; there must be at least one trial and no more hits than trials")
    share, z2 = hits / n, Z95**2
    middle = (share + z2 / (2 * n)) / (1 + z2 / n)
    spread = Z95 / (1 + z2 / n) * sqrt(share * (1 - share) / n + z2 / (4 * n * n))
    return max(0.0, middle - spread), min(1.0, middle + spread)


def rate(name: str, of: str, outcomes: Iterable[bool], bars: tuple[Bar, ...] = ()) -> Figure:
    """The share of true outcomes."""
    flags = list(outcomes)
    hits, n = sum(flags), len(flags)
    if not n:
        return Figure(name, of, {"n": 0, "hits": 0, "share": None, "low": None, "high": None}, bars)
    low, high = wilson(hits, n)
    shares = {"share": hits / n, "low": low, "high": high}
    return Figure(name, of, {"n": n, "hits": hits, **_rounded(shares)}, bars)


def spread(name: str, of: str, values: Iterable[float | None], bars: tuple[Bar, ...] = ()) -> Figure:
    """Mean and percentiles (linear interpolation) of the values that are not None."""
    kept = [value for value in values if value is not None]
    if not kept:
        return Figure(name, of, {"n": 0, "mean": None, "p50": None, "p90": None, "p95": None}, bars)
    p50, p90, p95 = (float(value) for value in np.percentile(kept, (50, 90, 95)))
    numbers = {"mean": float(np.mean(kept)), "p50": p50, "p90": p90, "p95": p95}
    return Figure(name, of, {"n": len(kept), **_rounded(numbers)}, bars)


def number(name: str, of: str, n: int, value: float | None, bars: tuple[Bar, ...] = ()) -> Figure:
    """A single number over `n` things; None where n is 0."""
    return Figure(name, of, {"n": n, "value": None if value is None or not n else round(value, DIGITS)}, bars)


def all_met(figures: Sequence[Figure]) -> bool:
    """Whether every bar is reached."""
    return all(figure.met(bar) for figure in figures for bar in figure.bars)


def _rounded(numbers: dict[str, float]) -> dict[str, float | None]:
    return {key: round(value, DIGITS) for key, value in numbers.items()}
