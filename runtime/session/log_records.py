"""What a slot log holds: the records of a conversation, without their form in the file (`slot_log`)."""

from dataclasses import dataclass
from typing import Any, ClassVar, Final

from pydantic import ConfigDict

from duplex.model.interface import Came, ConversationOptions

WORDS_LATE, ABSENT, RESTARTED, FORGOT = "words_late", "absent", "restarted", "forgot"
"""In `SlotRow.degraded`."""
STRICT: Final = ConfigDict(extra="forbid", allow_inf_nan=False)
"""How the records are checked when they are read from a file."""


@dataclass(frozen=True)
class LogHeader:
    """The first line.

    Attributes:
        session: id of the session.
        model, fingerprint: the model that answered.
        delay_ms: how much later than its slot the assistant's audio sounds.
        options: options with which the conversation was opened.
        versions: versions of the software, by package.
        source: where the user's audio came from ("live", a file's name, ...).
        llm: values of the language model that wrote the answers (`configs.model.language_models`), None if there was
            none.
        tools: names of the functions that could be called in the conversation.
    """

    __pydantic_config__: ClassVar = STRICT

    session: str
    model: str
    fingerprint: str
    delay_ms: float
    options: ConversationOptions
    versions: dict[str, str]
    source: str = "live"
    llm: dict[str, Any] | None = None
    tools: tuple[str, ...] = ()


@dataclass(frozen=True)
class LoggedWord:
    """A word of the assistant, or a part of it, in one slot: `duplex.model.interface.SpokenWord`."""

    answer: int
    index: int
    text: str
    start_ms: float
    end_ms: float
    done: float


@dataclass(frozen=True)
class LoggedUser:
    """Words of the user that became known: `duplex.model.interface.UserWords`."""

    turn: int
    text: str
    caption: str
    start_s: float
    end_s: float


@dataclass(frozen=True)
class SlotRow:
    """One slot of the log. The result is about assistant slot `slot + 1`.

    Attributes:
        slot: the user slot.
        p_speak, state, event, text_id, answer_words, tokens, user, spoken, kept: as in `SlotResult`; `state` by name.
        user_sha256, assistant_sha256: hashes of the 16-bit samples of the user's and the assistant's slot.
        user_db, assistant_db: their levels, dB relative to full scale.
        holes: spans of user samples that did not arrive in time and were concealed.
        concealed: spans of user samples that were recovered from redundancy or concealed by the decoder.
        dropped: user samples that came too late, too early or twice since the slot before.
        flushed_ms: length of committed audio of the assistant that this cut took back, or that nobody was there to
            hear.
        came, thinking: as in `SlotResult`; left out of the line where there is nothing.
        typed, unheard_ms: what the model was told with the slot; see `runtime.records.UserSlot`.
        degraded: problems of the slot: "holes", "concealed", "dropped", "late" (missed its deadline), "catch_up",
            "echo" (the assistant's own voice was removed), "words_late" (the user's words become known a slot
            later), "absent" (nobody was there to hear the assistant), "restarted" (the engine was lost before this
            slot and started again), "forgot" (it was given only the last slots before this one).
        times_ms: when the slot was captured (since the session's start), and since then queued, step, detokenized,
            sent, slack (time left to the deadline, negative when missed).
        stage_ms: time that each stage took.
    """

    __pydantic_config__: ClassVar = STRICT

    slot: int
    p_speak: float
    state: str
    event: str
    text_id: int
    answer_words: tuple[str, ...]
    tokens: list[list[int]]
    user: LoggedUser | None
    spoken: tuple[LoggedWord, ...]
    user_sha256: str
    assistant_sha256: str
    user_db: float
    assistant_db: float
    holes: tuple[tuple[int, int], ...]
    flushed_ms: float
    degraded: tuple[str, ...]
    times_ms: dict[str, float]
    stage_ms: dict[str, float]
    kept: str | None = None
    typed: str = ""
    unheard_ms: float = 0.0
    came: Came | None = None
    thinking: bool = False
    concealed: tuple[tuple[int, int], ...] = ()
    dropped: int = 0


@dataclass(frozen=True)
class LogEnd:
    """The last line of a conversation that was closed."""

    __pydantic_config__: ClassVar = STRICT

    slots: int
    reason: str


@dataclass(frozen=True)
class SlotLogContent:
    """A whole log. `end` is None if it was not closed."""

    header: LogHeader
    rows: tuple[SlotRow, ...]
    end: LogEnd | None
