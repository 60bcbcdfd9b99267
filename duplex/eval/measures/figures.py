"""Figures: rates with Wilson intervals, latencies with percentiles, ratios of sums, single numbers, each with its bars.

This module handles numbers and the ids of the conversations that they come from; `statistics` has the formulas.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import ClassVar, Final, Protocol

from configs.eval.evaluation import Bar
from configs.eval.statistics import StatisticsConfig
from duplex.eval.measures.statistics import (
    Estimator,
    Places,
    Quantile,
    RatioOfSums,
    Values,
    estimate,
    interval,
    places_of,
    resample,
    wilson,
)

DIGITS: Final = 4
_LEAST_CONVERSATIONS: Final = 2
"""With fewer conversations there is no interval, because draws of a single conversation are all the same."""

Numbers = dict[str, float | None]


class Summary(Protocol):
    """The values that a figure is made of."""

    @property
    def kind(self) -> str:
        """The kind's name in a report."""
        ...

    @property
    def values(self) -> Values:
        """The values; empty if only the total is known."""
        ...

    @property
    def over(self) -> tuple[float, ...]:
        """The denominators of a ratio, one for every value; empty otherwise."""
        ...

    def numbers(self, config: StatisticsConfig) -> Numbers:
        """The result by name."""
        ...

    def estimators(self, places: Places) -> dict[str, Estimator]:
        """The numbers that can be recomputed for other draws of conversations."""
        ...


@dataclass(frozen=True)
class Rate:
    """The share of values that are 1 (hits / n); the others are 0."""

    values: Values
    kind: ClassVar[str] = "rate"
    over: ClassVar[tuple[float, ...]] = ()

    def numbers(self, config: StatisticsConfig) -> Numbers:
        """`n`, `hits`, `share` and its 95 % Wilson interval `low`, `high` (Wilson 1927); with few trials only `n` and
        `hits`."""
        hits, n = sum(int(value) for _, value in self.values), len(self.values)
        if n < config.least_n:
            return {"n": n, "hits": hits, "share": None, "low": None, "high": None}
        low, high = wilson(hits, n)
        return {"n": n, "hits": hits, **_round_numbers({"share": hits / n, "low": low, "high": high})}

    def estimators(self, places: Places) -> dict[str, Estimator]:
        """`share`."""
        return {"share": RatioOfSums.mean(self.values, places)}


@dataclass(frozen=True)
class Spread:
    """The distribution of values: a latency in seconds, or any other value that conversations have."""

    values: Values
    kind: ClassVar[str] = "spread"
    over: ClassVar[tuple[float, ...]] = ()
    _bounded: ClassVar[tuple[str, ...]] = ("mean", "p50")

    def numbers(self, config: StatisticsConfig) -> Numbers:
        """`n`, `mean`, percentiles `p50`, `p90`, `p95` (linearly interpolated), and 95 % bootstrap intervals
        `mean_low`, `mean_high`, `p50_low`, `p50_high`."""
        places = places_of(self.values)
        found = self.estimators(places)
        numbers: Numbers = {name: estimate(one, places) for name, one in found.items()}
        bounds = _bounds([found[name] for name in self._bounded], places, config)
        for name, (low, high) in zip(self._bounded, bounds, strict=True):
            numbers |= {f"{name}_low": low, f"{name}_high": high}
        return {"n": len(self.values), **_round_numbers(numbers)}

    def estimators(self, places: Places) -> dict[str, Estimator]:
        """Estimators of `mean` and of the percentiles."""
        return {
            "mean": RatioOfSums.mean(self.values, places),
            "p50": Quantile.of(self.values, 0.5, places),
            "p90": Quantile.of(self.values, 0.9, places),
            "p95": Quantile.of(self.values, 0.95, places),
        }


@dataclass(frozen=True)
class Ratio:
    """The sum of `values` divided by the sum of `over`, for instance errors per word."""

    values: Values
    over: tuple[float, ...]
    kind: ClassVar[str] = "ratio"

    def numbers(self, config: StatisticsConfig) -> Numbers:
        """`n`: the sum of `over`; `value`, and its 95 % bootstrap interval `low`, `high`."""
        n, places = sum(self.over), places_of(self.values)
        found = self.estimators(places)["value"]
        ((low, high),) = _bounds([found], places, config)
        numbers = _round_numbers({"value": estimate(found, places), "low": low, "high": high})
        return {"n": int(n) if n == int(n) else round(n, DIGITS), **numbers}

    def estimators(self, places: Places) -> dict[str, Estimator]:
        """`value`."""
        return {"value": RatioOfSums.of(self.values, self.over, places)}


@dataclass(frozen=True)
class Number:
    """A single number over `n` things."""

    n: int
    value: float | None
    kind: ClassVar[str] = "number"
    values: ClassVar[Values] = ()
    over: ClassVar[tuple[float, ...]] = ()

    def numbers(self, config: StatisticsConfig) -> Numbers:
        """`n`, `value`."""
        return {"n": self.n, **_round_numbers({"value": self.value if self.n else None})}

    def estimators(self, places: Places) -> dict[str, Estimator]:
        """No estimators, because nothing is known of single conversations."""
        return {}


@dataclass(frozen=True)
class Figure:
    """One result.

    Attributes:
        name: what was measured. of: what `n` counts.
        summary: the values that it is made of.
        bars: requirements on the numbers.
        detail: whether it is one of many that a summary leaves out.
        statistics: how the values become numbers.
    """

    name: str
    of: str
    summary: Summary
    bars: tuple[Bar, ...] = ()
    detail: bool = False
    statistics: StatisticsConfig = field(default_factory=StatisticsConfig)

    @property
    def kind(self) -> str:
        """ "rate", "spread", "ratio" or "number"."""
        return self.summary.kind

    @property
    def values(self) -> Values:
        """(id of the conversation, value) of all values that count."""
        return self.summary.values

    @cached_property
    def numbers(self) -> Numbers:
        """`n` and the other numbers of the summary. A number that does not exist (n = 0) or is hidden is None."""
        return self.summary.numbers(self.statistics)

    @property
    def hidden(self) -> bool:
        """Whether it is a rate with too few trials to be shown."""
        return self.kind == Rate.kind and len(self.values) < self.statistics.least_n

    def meets(self, bar: Bar) -> bool:
        """Whether the bar is met; a number that is missing or hidden meets none."""
        number = self.numbers.get(bar.of)
        if number is None:
            return False
        return number <= bar.limit if bar.sense == "<=" else number >= bar.limit


def rate(name: str, of: str, outcomes: Iterable[tuple[str, bool]], bars: tuple[Bar, ...] = ()) -> Figure:
    """The share of true outcomes; each comes with the id of its conversation."""
    return Figure(name, of, Rate(tuple((who, float(outcome)) for who, outcome in outcomes)), bars)


def spread(name: str, of: str, values: Iterable[tuple[str, float | None]], bars: tuple[Bar, ...] = ()) -> Figure:
    """Mean and percentiles of the values that are not None; each comes with the id of its conversation."""
    return Figure(name, of, Spread(tuple((who, value) for who, value in values if value is not None)), bars)


def ratio(name: str, of: str, parts: Iterable[tuple[str, float, float]], bars: tuple[Bar, ...] = ()) -> Figure:
    """Sum of numerators by sum of denominators; parts are (id of the conversation, numerator, denominator)."""
    kept = list(parts)
    summary = Ratio(tuple((who, above) for who, above, _ in kept), tuple(below for *_, below in kept))
    return Figure(name, of, summary, bars)


def number(name: str, of: str, n: int, value: float | None, bars: tuple[Bar, ...] = ()) -> Figure:
    """A single number over `n` things that cannot be split by conversation; None if n is 0."""
    return Figure(name, of, Number(n, value), bars)


def sum_up(figures: Iterable[Figure], config: StatisticsConfig) -> list[Figure]:
    """The same figures, with numbers computed as `config` says."""
    return [replace(figure, statistics=config) for figure in figures]


def meets_all_bars(figures: Sequence[Figure]) -> bool:
    """Whether every bar is met."""
    return all(figure.meets(bar) for figure in figures for bar in figure.bars)


def _bounds(
    estimators: Sequence[Estimator], places: Places, config: StatisticsConfig
) -> list[tuple[float | None, float | None]]:
    """The 95 % bootstrap interval of each number; (None, None) if there are too few conversations."""
    if len(places) < _LEAST_CONVERSATIONS:
        return [(None, None)] * len(estimators)
    return [interval(found) or (None, None) for found in resample(estimators, places, config)]


def _round_numbers(numbers: Numbers) -> Numbers:
    return {key: None if value is None else round(value, DIGITS) for key, value in numbers.items()}
