"""A latency that was measured in a conversation, with the moments between which it lies."""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class MeasuredLatency:
    """Times are seconds on the clock.

    Attributes:
        kind: response (from the user's last sound to the assistant's first) or stop (from the user's first sound to the
            assistant's last).
        began, ended: the moments of the two sounds.
        spoke_from: when the user began to speak.
    """

    kind: Literal["response", "stop"]
    began: float
    ended: float
    spoke_from: float

    @property
    def seconds(self) -> float:
        """Its length."""
        return self.ended - self.began

    @property
    def ms(self) -> float:
        """Its length in milliseconds, rounded as it is told."""
        return round(self.seconds * 1000, 1)
