"""Where the user's words come from: one interface, and the source that hears nothing.

What was said up to the end of slot t becomes known with slot t + 1, always, so that a replay is exact. The costly half
of a source, `run`, is pure and may happen in another thread between the two slots. Knows slots and rows; knows nothing
of how words are recognised.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from torch import Tensor

from configs.audio import AUDIO
from duplex.model.interface import UserWords


@dataclass(frozen=True)
class WordsInput:
    """One slot of B conversations.

    Attributes:
        pcm: [B, 3200] the user's audio at 16 kHz, -1..1.
        features: [B, 10, D] what the speech encoder makes of it.
        speaking: [B] bool, the assistant speaks in this slot.
    """

    pcm: Tensor
    features: Tensor
    speaking: Tensor


WordsRequest = Sequence[Any]
"""Work that `run` does: opaque, complete in itself."""
WordsResult = Sequence[Any]
"""What came of it: opaque, for `deliver`."""


class WordSource(Protocol):
    """User audio -> words, with a delay of one slot."""

    @property
    def delay_ms(self) -> float:
        """What was said in a slot becomes known this much after it."""
        ...

    def init_state(self, batch: int) -> Any:
        """Fresh state for `batch` conversations."""
        ...

    def prepare(self, x: WordsInput, state: Any, active: Tensor) -> WordsRequest:
        """Take the slot of the active rows; -> what is to be worked out before the next one."""
        ...

    def run(self, request: WordsRequest) -> WordsResult:
        """Work it out. Pure: no state, any thread."""
        ...

    def deliver(self, result: WordsResult, state: Any, active: Tensor) -> list[UserWords | None]:
        """At the next slot's start: the words [B] that became known; an inactive row gets its words later."""
        ...


def step(source: WordSource, x: WordsInput, state: Any, active: Tensor) -> list[UserWords | None]:
    """`deliver` for the slot before, then `prepare` for this one: a source as an ordinary stage."""
    words = source.deliver(source.run(state.request), state, active)
    state.request = source.prepare(x, state, active)
    return words


@dataclass
class NoWordsState:
    """Nothing to remember."""

    request: WordsRequest = ()

    def reset(self, rows: Tensor) -> None:
        """Nothing to forget."""


class NoWords:
    """The source `none`: the model hears the speech vector only."""

    delay_ms: float = AUDIO.slot_ms

    def init_state(self, batch: int) -> NoWordsState:
        """Fresh state."""
        return NoWordsState()

    def prepare(self, x: WordsInput, state: NoWordsState, active: Tensor) -> WordsRequest:
        """Nothing to work out."""
        return ()

    def run(self, request: WordsRequest) -> WordsResult:
        """Nothing comes of nothing."""
        return ()

    def deliver(self, result: WordsResult, state: NoWordsState, active: Tensor) -> list[UserWords | None]:
        """No words for any row."""
        return [None] * len(active)
