"""When a server that is to stop stops: new conversations are refused, running ones may end, up to a limit.

This module handles time and counts; it does not depend on signals, sessions or connections.
"""

from runtime.clock import Clock
from runtime.errors import SessionError


class Draining(SessionError):  # noqa: N818 - reads as what it is
    """The server stops and takes no new conversations."""

    code = "draining"


class Drain:
    """The end of a server's service. `begun`: whether it has begun."""

    def __init__(self, limit_s: float, clock: Clock) -> None:
        """`limit_s`: how long running conversations may go on."""
        self.limit_s = limit_s
        self._clock = clock
        self._ends: float | None = None

    @property
    def begun(self) -> bool:
        """Whether new conversations are refused."""
        return self._ends is not None

    def begin(self) -> bool:
        """Begin; returns whether it had not begun before."""
        if self._ends is not None:
            return False
        self._ends = self._clock.now() + self.limit_s
        return True

    def check(self) -> None:
        """Check that a conversation may begin.

        Raises:
            Draining: the server stops.
        """
        if self._ends is not None:
            raise Draining("the server stops and takes no new conversations; try again in a minute")

    def is_over(self, live: int) -> bool:
        """Whether the server can stop, with so many conversations left."""
        return self._ends is not None and (not live or self._clock.now() >= self._ends)
