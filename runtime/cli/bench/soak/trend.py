"""Slopes and growth of a series of measurements. Pure functions of times and values; nan is "not measured"."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
MOST_POINTS: Final = 1000
"""Longer series are thinned to medians before all pairs of points are compared."""
LEAST_POINTS: Final = 3
WINDOWS: Final = 10


def theil_sen(times: Floats, values: Floats) -> float | None:
    """Slope of the Theil-Sen estimator: the median of the slopes between all pairs of points.

    Outliers hardly move it, and a single step by little more than its height over the whole time; what grows again and
    again does.

    Args:
        times: [n], increasing. values: [n], nan where nothing was measured.

    Returns:
        Units of `values` per unit of `times`; None with fewer than `LEAST_POINTS` measured points.
    """
    times, values = _thin(*_measured(times, values))
    if len(values) < LEAST_POINTS:
        return None
    first, second = np.triu_indices(len(values), 1)
    return float(np.median((values[second] - values[first]) / (times[second] - times[first])))


def growth(times: Floats, values: Floats, windows: int = WINDOWS) -> float | None:
    """By how much the values rise at most: the largest median of a window, less that of the first one.

    A short peak does not count, but a rise that is taken back later does.

    Args:
        times: [n], increasing. values: [n], nan where nothing was measured.
        windows: how many windows of equal length the time is divided into.

    Returns:
        Units of `values`, 0 or more; None if fewer than two windows have measured points.
    """
    levels = [float(np.median(part)) for part in _split(*_measured(times, values), windows) if len(part)]
    return max(levels) - levels[0] if len(levels) > 1 else None


def _measured(times: Floats, values: Floats) -> tuple[Floats, Floats]:
    assert times.shape == values.shape, (times.shape, values.shape)
    there = ~np.isnan(values)
    return times[there], values[there]


def _split(times: Floats, values: Floats, windows: int) -> list[Floats]:
    if not len(times):
        return []
    edges = np.linspace(times[0], times[-1], windows + 1)[1:-1]
    return np.split(values, np.searchsorted(times, edges))


def _thin(times: Floats, values: Floats) -> tuple[Floats, Floats]:
    parts = -(-len(values) // MOST_POINTS)
    if parts <= 1:
        return times, values
    count = -(-len(values) // parts)
    medians = [[float(np.median(part)) for part in np.array_split(row, count)] for row in (times, values)]
    return np.array(medians[0]), np.array(medians[1])
