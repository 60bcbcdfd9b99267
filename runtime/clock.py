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
