"""The records that sessions and engine exchange, small and frozen, also through a pipe to another process.

Nothing here depends on buffers, files or models.
"""

from dataclasses import dataclass, field
from typing import Any

from duplex.model.interface import Came, ConversationOptions, OfferedTool, Recognition, SlotResult
from runtime.pcm import Pcm16


@dataclass(frozen=True)
class UserSlot:
    """One closed slot of the user's audio.

    Attributes:
        index: number of the slot in the session, from 0.
        pcm: [3200] 16-bit samples at 16 kHz; exactly what the model hears.
        holes: spans [start, stop) of samples that did not arrive in time and were concealed.
        concealed: spans of samples that were recovered from redundancy or concealed by the decoder.
        dropped: samples that came too late, too early or twice since the slot before.
        captured: when the slot was closed, seconds on the clock.
        text: what the user wrote in the slot.
        unheard_ms: how much of an answer that was cut with the previous slot was taken back before it sounded.
        echo: whether the assistant's own voice was removed from it.
        came: in a replay, what came from the language model with it.
        words_late: in a replay, the words that were due with it were late.
        recognition: in a rehearsal, what was recognised by then.
        absent: nothing has come from the user for so long that nobody can be there to hear the assistant.
    """

    index: int
    pcm: Pcm16
    holes: tuple[tuple[int, int], ...] = ()
    captured: float = 0.0
    text: str = ""
    unheard_ms: float = 0.0
    echo: bool = False
    came: Came | None = None
    words_late: bool = False
    absent: bool = False
    concealed: tuple[tuple[int, int], ...] = ()
    dropped: int = 0
    recognition: Recognition | None = None


@dataclass(frozen=True)
class EngineTimes:
    """When the engine did what with a slot, seconds on the clock.

    Attributes:
        captured: the user slot was closed. queued: it arrived at the engine. step: its step began.
        detokenized: its step ended and the audio was ready. batch: number of rows that shared the step.
        waiting: number of later slots of the session that were already there; above 0 the engine is catching up.
    """

    captured: float
    queued: float
    step: float
    detokenized: float
    batch: int
    waiting: int


@dataclass(frozen=True)
class EngineInfo:
    """Information on an engine.

    Attributes:
        model: name or folder it was loaded from. fingerprint: identifies weights and configuration.
        rows: number of sessions at once. delay_ms: how much later than its slot the assistant's audio sounds.
        patterns: interaction patterns that a session may have; if there are any, it also takes written turns.
        llm: values of the language model that writes the answers, None where there is none.
        llm_fingerprint, llm_missing: as in `duplex.model.abilities.DelegatingGenerator`.
        tools: functions that it may call; a session may allow some of them.
        shares_steps: whether sessions whose slots end together are stepped together.
        pid: number of the process in which the engine runs.
        memory_mb: what the engine and the processes that it started hold; None where it cannot be told, or where memory
            of a GPU counts too.
    """

    model: str
    fingerprint: str
    rows: int
    delay_ms: float
    patterns: tuple[str, ...] = ()
    llm: dict[str, Any] | None = None
    llm_fingerprint: str = ""
    llm_missing: str = ""
    tools: tuple[OfferedTool, ...] = ()
    shares_steps: bool = True
    pid: int = 0
    memory_mb: float | None = None


@dataclass(frozen=True)
class Past:
    """What a conversation was before the engine that held it was lost.

    Attributes:
        slots: its last slots, oldest first, with what came with them.
        turns: what was said before these, as (role, text).
    """

    slots: tuple[UserSlot, ...]
    turns: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class OpenSession:
    """Request: begin a conversation, or go on with one that was lost: its past is rehearsed, without results."""

    session: str
    options: ConversationOptions
    past: Past | None = None


@dataclass(frozen=True)
class PushSlot:
    """Request: one more user slot."""

    session: str
    slot: UserSlot


@dataclass(frozen=True)
class CloseSession:
    """Request: end the conversation and free its row."""

    session: str


@dataclass(frozen=True)
class SessionOpened:
    """Event: the model is ready for the first slot."""

    session: str


@dataclass(frozen=True)
class SlotDone:
    """Event: the result of one user slot.

    `restarted`: the first one of an engine that was started again. `forgot`: it was given only the session's last
    slots.
    """

    session: str
    result: SlotResult = field(repr=False)
    times: EngineTimes
    restarted: bool = False
    forgot: bool = False


@dataclass(frozen=True)
class SessionFailed:
    """Event: the session has ended and its row is free; `code` and `message` as in `runtime.errors`."""

    session: str
    code: str
    message: str


@dataclass(frozen=True)
class EngineReady:
    """Event: the model is loaded."""

    info: EngineInfo


@dataclass(frozen=True)
class EngineStopped:
    """Event: the engine ends and serves no more sessions; `code` and `message` as in `runtime.errors`."""

    code: str
    message: str


EngineRequest = OpenSession | PushSlot | CloseSession
EngineEvent = SessionOpened | SlotDone | SessionFailed
