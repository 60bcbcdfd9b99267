"""The interface between models and the code that runs them: a generator of slots for a fixed number of rows.

The runtime depends only on this file and on `abilities`, which has what only some generators can do: audio of one slot
per row goes in, one `SlotResult` per row comes out. Nothing here imports torch, so that files and processes that only
pass results on stay light.
"""

from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

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
class Recognition:
    """A piece of a recogniser's work, kept so that it need not be done again.

    Attributes:
        digest: of all that the outcome depends on.
        outcome: what the recogniser wrote, in ids of its own; None if it believes none of it.
    """

    digest: bytes
    outcome: tuple[int, ...] | None


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
        recognition: what the recogniser of the user's words has found out by now, for a rehearsal; None if nothing new.
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
    recognition: Recognition | None = None


class SlotGenerator(Protocol):
    """A model with `rows` conversations. Not thread-safe: one caller at a time."""

    rows: int
    fingerprint: str
    """Identifies weights and configuration; a replay needs the same fingerprint."""
    delay_ms: float
    """How much later than its slot the assistant's audio sounds, ms (overlap of the detokenizer)."""
    shares_steps: bool
    """Whether a step of several rows costs less than a step for each of them."""

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
