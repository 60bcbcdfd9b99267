"""How many messages a client may send: a budget that fills up with time (token bucket). Times are arguments."""

from configs.runtime.serve import MessagesConfig


class MessageBudget:
    """The budget of one client."""

    def __init__(self, limits: MessagesConfig) -> None:
        self._limits = limits
        self._left = float(limits.burst)
        self._at: float | None = None

    def take(self, now: float) -> bool:
        """A message came at `now`, seconds on the clock; whether it is within the budget."""
        passed = 0.0 if self._at is None else now - self._at
        self._at = now
        self._left = min(self._limits.burst, self._left + passed * self._limits.per_s) - 1
        if self._left < 0:
            self._left = 0.0
            return False
        return True
