"""What some generators can do besides stepping, each as a protocol of its own; see `duplex.model.interface`."""

from collections.abc import Sequence
from typing import Protocol, runtime_checkable

from configs.model.language_models import LanguageModelConfig
from duplex.model.interface import Came, OfferedTool, Recognition


@runtime_checkable
class PatternGenerator(Protocol):
    """A generator with a history of turns: interaction patterns, written turns, answers kept as they were heard."""

    patterns: tuple[str, ...]
    """Names that `ConversationOptions.pattern` may take."""

    def tell(self, row: int, text: str) -> None:
        """Take a written turn of the user: an answer follows with the next step, and one in progress is broken off."""
        ...

    def mark_unheard(self, row: int, milliseconds: float) -> None:
        """Report how much of the answer that was cut in the last step was taken back before it sounded."""
        ...


@runtime_checkable
class DelegatingGenerator(Protocol):
    """A generator whose answers a language model writes, all or some."""

    llm: LanguageModelConfig
    """Which one, and how it is asked."""
    tools: tuple[OfferedTool, ...]
    """Functions that it may call."""
    llm_fingerprint: str
    """Identifies the language model and its settings; "" where none answers."""
    llm_missing: str
    """Why no language model answers, one line; "" where one does."""

    def use_virtual_time(self) -> None:
        """Slots do not take the time that they stand for: wait for what the model would have written by then."""
        ...

    def give(self, row: int, came: Came) -> None:
        """A replay: what came by the row's next slot."""
        ...


@runtime_checkable
class PunctualGenerator(Protocol):
    """A generator that recognises the user's words beside its steps."""

    def be_punctual(self, budget_s: float) -> None:
        """Live: a step waits for words only if it can still end `budget_s` after its beginning."""
        ...

    def hold_words(self, row: int) -> None:
        """A replay: the words of the row's next slot were late."""
        ...


@runtime_checkable
class PresenceGenerator(Protocol):
    """A generator that falls silent when nobody is there."""

    def mark_absent(self, row: int) -> None:
        """Nobody hears the assistant in the row's next slot: an answer is broken off, and none begins."""
        ...


@runtime_checkable
class RehearsingGenerator(Protocol):
    """A generator whose conversations can be given again what they were, after they were lost."""

    def rehearse(self, row: int, turns: Sequence[tuple[str, str]], known: Sequence[Recognition] = ()) -> None:
        """A conversation has been opened in `row`, and its next slots are old: what came with them is given, and nobody
        is asked.

        Args:
            turns: what was said before these slots, as (role, text).
            known: what was recognised in them, as far as that is known; the rest is recognised again.
        """
        ...

    def end_rehearsal(self, row: int) -> None:
        """The row's next slot is new."""
        ...


@runtime_checkable
class Writer(Protocol):
    """A model that may also answer in writing."""

    @property
    def writes(self) -> bool:
        """Whether the model reads written questions; not every model behind the same generator does."""
        ...

    def write(self, question: str) -> str:
        """Answer a written question."""
        ...
