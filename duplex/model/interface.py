"""The interface between models and the code that runs them: a generator of slots for a fixed number of rows.

The runtime depends only on this file: audio of one slot per row goes in, one `SlotResult` per row comes out. Nothing
here imports torch, so that files and processes that only pass results on stay light.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from configs.model.language_models import LanguageModelConfig
from configs.policy import PolicyConfig
from tdm.slots import State

Samples = NDArray[np.float32]
Tokens = NDArray[np.int8] | NDArray[np.int16]


@dataclass(frozen=True)
class ConversationOptions:
    """Options with which a conversation is opened; the slot log records all of them, so that it can be replayed.

    Attributes:
        seed: seeds sampling and noise; the same seed and audio give the same conversation.
        policy: when to start and stop speaking.
        system_prompt: pinned at the beginning of the sequence; None takes the model's own. With interaction patterns it
            follows the pattern's prompt.
        temperature: sampling temperature of the text head; 0 is greedy.
        started_at: wall clock of the first sample, seconds since 1970, for answers about time and date.
        utc_offset_s: the user's time zone.
        pattern: interaction pattern by its name (`configs.model.patterns`); None takes the model's default.
        tools: names of the functions that the assistant may call, of those that the model was loaded with; None allows
            all of them.
    """

    seed: int = 0
    policy: PolicyConfig = field(default_factory=PolicyConfig)
    system_prompt: str | None = None
    temperature: float = 0.0
    started_at: float = 0.0
    utc_offset_s: int = 0
    pattern: str | None = None
    tools: tuple[str, ...] | None = None


@dataclass(frozen=True)
class SpokenWord:
    """A word of the assistant, or a part of one, that sounds in the slot.

    Attributes:
        answer: number of the assistant's answer in the conversation, from 0.
        index: number of the word in its answer.
        text: the word as a caption shows it.
        start_ms, end_ms: within the slot, 0..200.
        done: how much of the word has been spoken by the slot's end, 0..1.
    """

    answer: int
    index: int
    text: str
    start_ms: float
    end_ms: float
    done: float


@dataclass(frozen=True)
class UserWords:
    """Words of the user that became known with this slot.

    Attributes:
        turn: number of the user's turn in the conversation, from 0.
        text: the new words as the model reads them (lower case, numbers as words).
        caption: the whole turn so far as a caption shows it; replaces the caption of the same turn.
        start_s, end_s: when the turn's speech began and ended so far, seconds since the conversation's start.
    """

    turn: int
    text: str
    caption: str
    start_s: float
    end_s: float


@dataclass(frozen=True)
class OfferedTool:
    """A function that the assistant may call, as users are told of it."""

    name: str
    description: str


@dataclass(frozen=True)
class StartedCall:
    """A function that the assistant calls.

    Attributes:
        id: names the call among those of its answer.
        name: of the function; "" where the call cannot be read.
        arguments: a JSON object as text, as it was written.
    """

    id: str
    name: str
    arguments: str


@dataclass(frozen=True)
class EndedCall:
    """What came of a call.

    Attributes:
        id: of the call.
        result: what the assistant is told, text or JSON.
        failed: the result is an error, {"error": "..."}.
    """

    id: str
    result: str
    failed: bool = False


@dataclass(frozen=True)
class Came:
    """What came from a language model, and of the functions that it calls, by the time of a slot; a replay is given
    the same.

    Attributes:
        text: the next text of its answer that can be spoken.
        finished: the answer is over.
        error: why it ended early, one line; "" where nothing went wrong.
        started: calls of functions that began. The answer goes on when all of them have ended.
        ended: calls that ended, or are waited for no longer because nobody wants the answer any more.
    """

    text: str = ""
    finished: bool = False
    error: str = ""
    started: tuple[StartedCall, ...] = ()
    ended: tuple[EndedCall, ...] = ()


@dataclass(frozen=True)
class SlotResult:
    """The result of user slot `slot`: the decision for assistant slot `slot + 1` and its audio.

    Attributes:
        slot: index of the user slot that was heard.
        p_speak: the state head's probability.
        state: state of slot `slot + 1`.
        event: "", "start" (an answer begins), "end" (it has ended), "cut" (it was broken off) or "veto" (the state head
            wanted to start, but the text head had no words).
        text_id: text token of slot `slot + 1`.
        answer_words: words of the current answer that became known with this token, as captions show them.
        tokens: [k, digits] speech tokens of slot `slot + 1`; ids of a codebook have one digit.
        pcm: [4800] samples of slot `slot + 1` at 24 kHz, -1..1.
        user: words of the user that became known, or None.
        spoken: words of the assistant that sound in slot `slot + 1`.
        stage_ms: time that each stage took, by name; not part of the conversation's content.
        kept: what a history in turns keeps of an answer that ended before slot `slot + 1`; otherwise None.
        came: what came from a language model with the slot, else None.
        thinking: the assistant is to answer and waits for a language model.
        words_late: the user's words were not ready in time; they become known a slot later.
    """

    slot: int
    p_speak: float
    state: State
    event: str
    text_id: int
    answer_words: tuple[str, ...]
    tokens: Tokens
    pcm: Samples
    user: UserWords | None
    spoken: tuple[SpokenWord, ...]
    stage_ms: dict[str, float]
    kept: str | None = None
    came: Came | None = None
    thinking: bool = False
    words_late: bool = False


class SlotGenerator(Protocol):
    """A model with `rows` conversations. Not thread-safe: one caller at a time."""

    rows: int
    fingerprint: str
    """Identifies weights and configuration; a replay needs the same fingerprint."""
    delay_ms: float
    """How much later than its slot the assistant's audio sounds, ms (overlap of the detokenizer)."""

    def open(self, row: int, options: ConversationOptions) -> None:
        """Begin a new conversation in `row`; the previous one is forgotten.

        Raises:
            ValueError: the options do not fit the model (for example a system prompt that is too long).
        """
        ...

    def step(self, pcm: Samples, active: NDArray[np.bool_]) -> list[SlotResult | None]:
        """Run one slot for every active row.

        Args:
            pcm: [rows, 3200] user audio at 16 kHz, -1..1.
            active: [rows]; the other rows do not change and give None.
        """
        ...

    def close(self) -> None:
        """Release worker threads."""
        ...


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

    def rehearse(self, row: int, turns: Sequence[tuple[str, str]]) -> None:
        """A conversation has been opened in `row`, and its next slots are old: what came with them is given, and nobody
        is asked. `turns`: what was said before these slots, as (role, text)."""
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
