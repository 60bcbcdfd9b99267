"""The object of measurement: one conversation of any system, with both sides on one clock.

A record has sound and data of a slot log; it does not depend on the engine that made it.
"""

from collections.abc import Callable
from dataclasses import dataclass

from configs.audio import AUDIO
from configs.eval.evaluation import GateConfig
from configs.policy import PolicyConfig
from duplex.eval.measures.activity import AudibleSegment, segments
from duplex.eval.users.user import User
from duplex.model.interface import Samples


@dataclass(frozen=True)
class SlotTrace:
    """The system's decision after user slot `slot`, for its slot `slot + 1`.

    `speaks`: the chosen state. `event`: "", "start", "end", "cut" or "veto", as in
    `duplex.model.interface.SlotResult`.
    """

    slot: int
    p_speak: float
    speaks: bool
    event: str

    @property
    def sounds_at(self) -> float:
        """When the decision begins to sound, seconds."""
        return (self.slot + 1) * AUDIO.slot_seconds


@dataclass(frozen=True)
class TimedWord:
    """A word with its punctuation, and when it sounded, seconds."""

    text: str
    start: float
    end: float


@dataclass(frozen=True)
class AnswerText:
    """One answer of the assistant.

    Attributes:
        text: its heard words. unheard: the words that were cut.
        start, end: when it began and ended. how: how it ended: "end", "cut" or "open".
        words: the heard words with their times; empty if the times are not known.
    """

    text: str
    unheard: str
    start: float
    end: float
    how: str
    words: tuple[TimedWord, ...] = ()


@dataclass(frozen=True)
class Recording:
    """One conversation.

    Attributes:
        user: [n] samples at 16 kHz. assistant: [m] samples at 24 kHz. Both begin at the same moment.
        slots: one per user slot; empty for a system that does not report them.
        answers: the assistant's words by answer; empty if only sound is known.
        heard: the user's turns as the system understood them.
    """

    user: Samples
    assistant: Samples
    slots: tuple[SlotTrace, ...] = ()
    answers: tuple[AnswerText, ...] = ()
    heard: tuple[str, ...] = ()

    @property
    def seconds(self) -> float:
        """Length of the user's channel."""
        return len(self.user) / AUDIO.input_rate

    def speech(self, config: GateConfig) -> tuple[AudibleSegment, ...]:
        """When the assistant is audible."""
        return segments(self.assistant, config)

    def join_said_words(self) -> str:
        """All heard words of the assistant."""
        return " ".join(answer.text for answer in self.answers if answer.text)


Converse = Callable[[User, int], Recording]
"""Makes a system talk to a user; the number seeds the system."""


@dataclass(frozen=True)
class System:
    """The system that is measured.

        Attributes:
    converse: makes a user talk to it.
    write: answers a written question (pattern T2T), if it can.
    under: `converse` under another state policy, if it has one.
    """

    converse: Converse
    write: Callable[[str], str] | None = None
    under: Callable[[PolicyConfig], Converse] | None = None


MakeSystem = Callable[[], System]
"""Loads the system; it is picklable, so that every process can load its own."""
