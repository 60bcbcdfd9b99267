"""What crosses between sessions and engine: small frozen records, also through a pipe to another process.

Knows slots and times; knows nothing of buffers, files or models.
"""

from dataclasses import dataclass, field
from typing import Any

from duplex.model.interface import Came, ConversationOptions, SlotResult
from runtime.pcm import Pcm16


@dataclass(frozen=True)
class UserSlot:
    """One closed slot of the user's audio.

    Attributes:
        index: counts the slots of the session from 0.
        pcm: [3200] 16-bit samples at 16 kHz; exactly what the model hears.
        holes: spans [start, stop) of samples that did not arrive in time and were concealed.
        captured: when the slot was closed, seconds on the clock.
        text: what the user wrote in the slot.
        unheard_ms: of an answer that was cut with the slot before: what was taken back before it sounded.
        echo: the assistant's own voice was taken out of it.
        came: in a replay, what came from the language model with it.
    """

    index: int
    pcm: Pcm16
    holes: tuple[tuple[int, int], ...] = ()
    captured: float = 0.0
    text: str = ""
    unheard_ms: float = 0.0
    echo: bool = False
    came: Came | None = None


@dataclass(frozen=True)
class EngineTimes:
    """When the engine did what with a slot, seconds on the clock.

    Attributes:
        captured: the user slot was closed. queued: it came to the engine. step: its step began.
        detokenized: its step was over, the audio is there. batch: rows that shared the step.
        waiting: later slots of the same session that were already there: above 0 the engine is catching up.
    """

    captured: float
    queued: float
    step: float
    detokenized: float
    batch: int
    waiting: int


@dataclass(frozen=True)
class EngineInfo:
    """What an engine runs.

    Attributes:
        model: name or folder it was loaded from. fingerprint: identifies weights and configuration.
        rows: sessions at once. delay_ms: how much later than its slot the assistant's audio sounds.
        patterns: interaction patterns that a session may have; where there are some, it takes written turns too.
        llm: values of the language model that writes the answers, None where there is none.
    """

    model: str
    fingerprint: str
    rows: int
    delay_ms: float
    patterns: tuple[str, ...] = ()
    llm: dict[str, Any] | None = None


@dataclass(frozen=True)
class OpenSession:
    """Request: begin a conversation."""

    session: str
    options: ConversationOptions


@dataclass(frozen=True)
class PushSlot:
    """Request: one more user slot."""

    session: str
    slot: UserSlot


@dataclass(frozen=True)
class CloseSession:
    """Request: the conversation is over, its row is free."""

    session: str


@dataclass(frozen=True)
class SessionOpened:
    """Event: the model is ready for the first slot."""

    session: str


@dataclass(frozen=True)
class SlotDone:
    """Event: what came of one user slot."""

    session: str
    result: SlotResult = field(repr=False)
    times: EngineTimes


@dataclass(frozen=True)
class SessionFailed:
    """Event: the session is over and its row is free; `code` and `message` as in `runtime.errors`."""

    session: str
    code: str
    message: str


@dataclass(frozen=True)
class EngineReady:
    """Event: the model is loaded."""

    info: EngineInfo


@dataclass(frozen=True)
class EngineStopped:
    """Event: the engine ends and serves no one any more; `code` and `message` as in `runtime.errors`."""

    code: str
    message: str


EngineRequest = OpenSession | PushSlot | CloseSession
EngineEvent = SessionOpened | SlotDone | SessionFailed
