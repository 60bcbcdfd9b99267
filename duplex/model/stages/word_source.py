"""The interface of sources of the user's words, and a source without words.

What was said up to the end of slot t always becomes known with slot t + 1, so that a replay is exact. The costly part
of a source, `run`, is pure and may run in another thread between the two slots. Nothing here depends on how words are
recognised.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

from torch import Tensor

from configs.audio import AUDIO
from duplex.model.interface import UserWords


@dataclass(frozen=True)
class WordsInput:
    """One slot of B conversations.

    Attributes:
        pcm: [B, 3200] the user's audio at 16 kHz, -1..1.
        features: [B, 10, D] the speech encoder's features of it.
        speaking: [B] bool, whether the assistant speaks in this slot.
    """

    pcm: Tensor
    features: Tensor
    speaking: Tensor


WordsRequest = Sequence[Any]
"""Work for `run`, self-contained; at most one piece for each row, whose number is its attribute `row`."""
WordsResult = Sequence[Any]
"""The result of `run`: opaque, for `deliver`."""


class WordSource(Protocol):
    """Recognises words in user audio, with a delay of one slot."""

    @property
    def delay_ms(self) -> float:
        """What was said in a slot becomes known this much after it, ms."""
        ...

    def init_state(self, batch: int) -> Any:
        """Fresh state for `batch` conversations."""
        ...

    def prepare(self, x: WordsInput, state: Any, active: Tensor) -> WordsRequest:
        """Take the slot of the active rows; returns the work to be done before the next one. A row whose last work has
        not been delivered gets none."""
        ...

    def run(self, request: WordsRequest) -> WordsResult:
        """Do the work. This is a pure function that any thread may run."""
        ...

    def deliver(self, result: WordsResult, state: Any, active: Tensor) -> list[UserWords | None]:
        """Return the words [B] that became known, at the next slot's start; an inactive row gets its words later."""
        ...

    def expected(self, state: Any, row: int) -> str:
        """Caption of a row's turn with the words that were heard and may still change; "" where there are none."""
        ...


@runtime_checkable
class RepeatableSource(WordSource, Protocol):
    """A source whose work need not be done again when a conversation is rehearsed."""

    def digest(self, work: Any) -> bytes:
        """Digest of all that the outcome of a piece of work depends on, whoever's it is."""
        ...

    def outcome(self, result: Any) -> tuple[int, ...] | None:
        """The outcome in a result: see `Recognition`."""
        ...

    def repeat(self, work: Any, outcome: tuple[int, ...] | None) -> Any:
        """The result of a piece of work whose outcome is known."""
        ...


def step(source: WordSource, x: WordsInput, state: Any, active: Tensor) -> list[UserWords | None]:
    """Run a source as an ordinary stage: `deliver` for the previous slot, then `prepare` for this one."""
    words = source.deliver(source.run(state.request), state, active)
    state.request = source.prepare(x, state, active)
    return words


@dataclass
class NoWordsState:
    """The empty state."""

    request: WordsRequest = ()

    def reset(self, rows: Tensor) -> None:
        """Do nothing."""


class NoWords:
    """The source `none`: the model gets only the speech vector."""

    delay_ms: float = AUDIO.slot_ms

    def init_state(self, batch: int) -> NoWordsState:
        """Fresh state."""
        return NoWordsState()

    def prepare(self, x: WordsInput, state: NoWordsState, active: Tensor) -> WordsRequest:
        """No work to do."""
        return ()

    def run(self, request: WordsRequest) -> WordsResult:
        """Do nothing."""
        return ()

    def deliver(self, result: WordsResult, state: NoWordsState, active: Tensor) -> list[UserWords | None]:
        """No words for any row."""
        return [None] * len(active)

    def expected(self, state: NoWordsState, row: int) -> str:
        """None."""
        return ""
