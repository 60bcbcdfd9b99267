"""Clocks, which are passed as parameters to everything that needs time.

Times are in seconds; nothing here depends on slots.
"""

import time
from typing import Protocol


class Clock(Protocol):
    """A monotonic clock; all processes of one machine share its zero."""

    def now(self) -> float:
        """Seconds since an arbitrary zero; never goes back."""
        ...


class SystemClock:
    """The machine's monotonic clock."""

    def now(self) -> float:
        """Seconds since an arbitrary zero."""
        return time.monotonic()


class ManualClock:
    """A clock that moves only on request: virtual time for `converse` and for tests."""

    def __init__(self, start: float = 0.0) -> None:
        self._now = start

    def now(self) -> float:
        """Virtual seconds."""
        return self._now

    def advance(self, seconds: float) -> None:
        """Let `seconds` pass.

        Raises:
            ValueError: the time would go back.
        """
        if seconds < 0:
            raise ValueError(f"a clock cannot go back by {-seconds} s; give a positive number")
        self._now += seconds


class DriftingClock:
    """A clock that is off by a constant share: 20 ms of it take 20 ms * (1 + ppm * 1e-6) of the clock `base`."""

    def __init__(self, base: Clock, ppm: float) -> None:
        """`ppm`: parts per million; positive is slow. Both clocks show the same now."""
        self._base, self._begin = base, base.now()
        self._second = 1 + ppm * 1e-6

    def now(self) -> float:
        """Seconds since the zero of `base`, as this clock counts them."""
        return self._begin + (self._base.now() - self._begin) / self._second
