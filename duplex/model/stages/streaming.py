"""The interface of all streaming stages.

A stage is an `nn.Module` (or a plain object) without conversation state; the state of B conversations is an
explicit `StageState` that is passed to every step. Two row masks make B conversations one batch:
`active [B]` (False: no data this step, the row's state does not change) and `rows [B]` of `StageState.reset`
(True: the row gets a new conversation).
"""

from typing import Protocol, TypeVar

from torch import Tensor


class StageState(Protocol):
    """State of B conversations in one stage."""

    def reset(self, rows: Tensor) -> None:
        """Forget the rows that are True in `rows [B]` (bool); the others do not change by a bit."""
        ...


X = TypeVar("X", contravariant=True)
Y = TypeVar("Y", covariant=True)
S = TypeVar("S", bound=StageState)


class Stage(Protocol[X, Y, S]):
    """A stage takes one slot and returns one, always a full frame; warm-up is silence plus the declared delay."""

    @property
    def delay_ms(self) -> float:
        """How much later than its input the output of a step belongs on the clock, ms."""
        ...

    def init_state(self, batch: int) -> S:
        """Fresh state for `batch` conversations."""
        ...

    def step(self, x: X, state: S, active: Tensor) -> Y:
        """Run one slot for every row with `active [B]` True; changes `state` in place for those rows only."""
        ...
