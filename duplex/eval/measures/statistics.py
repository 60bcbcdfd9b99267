"""Confidence intervals: Wilson's for rates, the percentile bootstrap over conversations for everything else.

Several values of one conversation are not independent, so conversations are drawn, not values: the cluster bootstrap
(Davison and Hinkley, Bootstrap Methods and their Application, 1997, section 3.8).

Shapes: K conversations, n values, B resamples.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import sqrt
from typing import Final, Protocol, Self

import numpy as np
from numpy.typing import NDArray

from configs.eval.statistics import StatisticsConfig

Z95: Final = 1.959963984540054
TAILS: Final = (2.5, 97.5)
"""Percentiles that bound a 95 % interval."""

Floats = NDArray[np.float64]
Counts = NDArray[np.int64]
"""[B, K]: how often each conversation was drawn."""

Values = tuple[tuple[str, float], ...]
"""(id of the conversation, value), in the order of the conversations."""

Places = Mapping[str, int]
"""Column of each conversation in `Counts`; values of other conversations do not count."""

_BLOCK: Final = 500


class Estimator(Protocol):
    """A number that can be recomputed for other draws of the conversations."""

    def __call__(self, counts: Counts) -> Floats:
        """Compute the number for counts [B, K] -> [B]; nan where no value was drawn."""
        ...


@dataclass(frozen=True)
class RatioOfSums:
    """A ratio of two sums, each given by conversation as [K]; it is a mean if the second counts values."""

    above: Floats
    below: Floats

    @classmethod
    def of(cls, values: Values, over: Sequence[float], places: Places) -> Self:
        """The sum of `values` divided by the sum of `over`, which has one number for every value."""
        above, below = np.zeros(len(places)), np.zeros(len(places))
        for (who, value), weight in zip(values, over, strict=True):
            if who in places:
                above[places[who]] += value
                below[places[who]] += weight
        return cls(above, below)

    @classmethod
    def mean(cls, values: Values, places: Places) -> Self:
        """The mean of `values`."""
        return cls.of(values, [1.0] * len(values), places)

    def __call__(self, counts: Counts) -> Floats:
        """See `Estimator`."""
        above, below = counts @ self.above, counts @ self.below
        return np.divide(above, below, out=np.full(len(counts), np.nan), where=below != 0)


@dataclass(frozen=True)
class Quantile:
    """A linearly interpolated quantile (numpy's default; type 7 of Hyndman and Fan 1996) of `values` [n], sorted, of
    the conversations `at` [n]."""

    values: Floats
    at: NDArray[np.int64]
    share: float

    @classmethod
    def of(cls, values: Values, share: float, places: Places) -> Self:
        """The value below which `share` (0..1) of all values lie."""
        kept = sorted((value, places[who]) for who, value in values if who in places)
        return cls(np.array([value for value, _ in kept]), np.array([at for _, at in kept], np.int64), share)

    def __call__(self, counts: Counts) -> Floats:
        """See `Estimator`. A value that was drawn c times counts c times."""
        ends = np.cumsum(counts[:, self.at], axis=1)
        drawn = ends[:, -1] if len(self.values) else np.zeros(len(counts), np.int64)
        rank = np.maximum(drawn - 1, 0) * self.share
        low, high = self._rank(ends, np.floor(rank)), self._rank(ends, np.ceil(rank))
        return np.where(drawn > 0, low + (high - low) * (rank - np.floor(rank)), np.nan)

    def _rank(self, ends: NDArray[np.int64], rank: Floats) -> Floats:
        """The drawn value with (integer) rank `rank` [B], counted from 0."""
        found = np.sum(ends <= rank[:, None], axis=1)
        return np.append(self.values, np.nan)[np.minimum(found, len(self.values))]


def wilson(hits: int, n: int) -> tuple[float, float]:
    """95 % score interval of a rate p = hits / n (Wilson 1927, J. Am. Stat. Assoc. 22, 209-212), z = 1.96:
    (p + z^2/2n +- z sqrt(p(1 - p)/n + z^2/4n^2)) / (1 + z^2/n).

    Raises:
        ValueError: n is 0 or smaller than the hits.
    """
    if n < 1 or not 0 <= hits <= n:
        raise ValueError(f"{hits} of {n} is not a rate; there must be at least one trial and no more hits than trials")
    share, z2 = hits / n, Z95**2
    middle = (share + z2 / (2 * n)) / (1 + z2 / n)
    spread = Z95 / (1 + z2 / n) * sqrt(share * (1 - share) / n + z2 / (4 * n * n))
    return max(0.0, middle - spread), min(1.0, middle + spread)


def places_of(values: Values) -> Places:
    """Assign a column to every conversation that has a value."""
    return {who: column for column, who in enumerate(dict.fromkeys(who for who, _ in values))}


def estimate(estimator: Estimator, places: Places) -> float | None:
    """The number as measured; None if there are no values."""
    found = float(estimator(np.ones((1, len(places)), np.int64))[0])
    return None if np.isnan(found) else found


def resample(estimators: Sequence[Estimator], places: Places, config: StatisticsConfig) -> list[Floats]:
    """Every number for `resamples` draws of the conversations, [B] each, with the same draws for all of them (cluster
    bootstrap, Davison and Hinkley 1997, section 3.8)."""
    blocks = [[estimator(counts) for estimator in estimators] for counts in _draws(len(places), config)]
    return [np.concatenate(parts) for parts in zip(*blocks, strict=True)]


def interval(found: Floats) -> tuple[float, float] | None:
    """95 % percentile interval of a resampled number, [B] (Efron and Tibshirani 1993, chapter 13); None if it cannot be
    computed."""
    finite = found[~np.isnan(found)]
    if not len(finite):
        return None
    low, high = np.percentile(finite, TAILS)
    return float(low), float(high)


def _draws(conversations: int, config: StatisticsConfig) -> Iterator[Counts]:
    """Yield `resamples` rows in blocks; every row draws as many conversations as there are, with replacement."""
    rng = np.random.default_rng(config.seed)
    for done in range(0, config.resamples, _BLOCK):
        rows = min(_BLOCK, config.resamples - done)
        drawn = rng.integers(conversations, size=(rows, conversations))
        flat = drawn + conversations * np.arange(rows)[:, None]
        yield np.bincount(flat.ravel(), minlength=rows * conversations).reshape(rows, conversations)
