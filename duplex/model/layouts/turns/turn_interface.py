"""The interfaces of a half-duplex model, its voice and a policy to the generator of the turn layout.

A model handles turns and answers; a voice converts speech tokens to sound; a policy says how likely the assistant is
to speak in the next slot. All three keep B conversations in rows that do not depend on one another.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from torch import Tensor

from configs.model.patterns import Pattern
from duplex.model.interface import ConversationOptions, UserWords
from duplex.model.stages.voice_activity import VoicedFrames
from duplex.model.text.sounding_word import SoundingWord


@dataclass(frozen=True)
class AnswerSlot:
    """200 ms of an answer.

    Attributes:
        text_id: the text token.
        text: text for the user that became readable with this slot; it may be part of a word, or "".
        tokens: [5, digits] speech tokens; None if there is no sound (yet).
        finished: the answer ended with this slot.
        spoken: words that sound in the slot, by their number in the answer; None if the model does not know.
    """

    text_id: int
    text: str
    tokens: Tensor | None
    finished: bool
    spoken: tuple[SoundingWord, ...] | None = None


class TurnModel(Protocol):
    """Half-duplex conversations: a user's turn is heard while it is spoken, then an answer is made slot by slot."""

    fingerprint: str
    """Identifies weights and configuration."""
    silence: Tensor
    """[5, digits] speech tokens of a silent slot."""

    def open(self, row: int, options: ConversationOptions) -> None:
        """Begin a new conversation.

        Raises:
            ValueError: the options do not fit the model.
        """
        ...

    def begin_user(self, row: int) -> None:
        """Begin a spoken turn of the user."""
        ...

    def hear(self, pcm: Tensor, active: Sequence[bool]) -> None:
        """Take a slot of the turns in progress: pcm [B, 3200] at 16 kHz."""
        ...

    def end_user(self, row: int, text: str = "") -> None:
        """End the user's turn, with added written `text`: an answer begins."""
        ...

    def user_text(self, row: int, text: str) -> None:
        """Take a complete written turn: an answer begins."""
        ...

    def resume_user(self, row: int) -> None:
        """Resume the turn of a user who had not finished; the answer is forgotten."""
        ...

    def drop_user(self, row: int) -> None:
        """Forget a turn in which the user did not speak after all."""
        ...

    def answer(self, active: Sequence[bool]) -> list[AnswerSlot | None]:
        """Make the next slot of the active rows' answers; None for the other rows."""
        ...

    def keep(self, row: int, text: str, slots: int) -> None:
        """End the answer: history keeps what was heard, either `text` or the first `slots` slots that were made."""
        ...

    def pattern(self, row: int) -> Pattern:
        """Whether the user of the conversation speaks or writes, and whether its answers are heard or read."""
        ...

    def history(self, row: int) -> list[tuple[str, str]]:
        """What the model remembers, as (role, text); a spoken turn of the user has the text ""."""
        ...


class TurnVoice(Protocol):
    """Converts speech tokens to sound."""

    @property
    def delay_ms(self) -> float:
        """How much later than its slot the sound comes, ms."""
        ...

    def init_state(self, batch: int) -> Any:
        """Fresh state for `batch` conversations."""
        ...

    def open(self, row: int, options: ConversationOptions, state: Any) -> None:
        """A new conversation in `row`."""
        ...

    def step(self, x: "VoiceInput", state: Any, active: Tensor) -> Tensor:
        """Make [B, 4800] samples at 24 kHz of one slot; a row that stops without having ended fades out."""
        ...


@dataclass(frozen=True)
class VoiceInput:
    """One slot of B rows: `tokens` [B, 5, digits], `speaking` [B] bool, `ended` [B] bool: a row that no longer speaks
    has finished its answer and was not cut."""

    tokens: Tensor
    speaking: Tensor
    ended: Tensor


@dataclass(frozen=True)
class ToldAnswer:
    """The present answer as a policy knows it.

    Attributes:
        text: the text that is known, up to the end of a word.
        begun: how many of its words have begun to sound by the end of the slot.
        complete: no more text follows.
    """

    text: str
    begun: int
    complete: bool


@dataclass(frozen=True)
class PolicyInput:
    """Slot t of B conversations, after it has ended.

    Attributes:
        pcm: [B, 3200] the user's audio at 16 kHz.
        voice: voice activity of the user.
        speaking: [B] bool, whether the assistant's state was SPEAK.
        pending: [B] bool, whether a turn of the user is in progress or waits for an answer.
        answers: per row the answer that the assistant is giving; None where its state was MUTE.
    """

    pcm: Tensor
    voice: VoicedFrames
    speaking: Tensor
    pending: Tensor
    answers: Sequence[ToldAnswer | None]


@dataclass(frozen=True)
class PolicyOutput:
    """p(speak) of slot t + 1 for B rows, and words of the user that became known (None if there are none)."""

    p_speak: Sequence[float]
    heard: Sequence[UserWords | None]


class VoiceActivityDetector(Protocol):
    """Detects the user's voice."""

    def init_state(self, batch: int) -> Any:
        """Fresh state for `batch` conversations."""
        ...

    def step(self, pcm: Tensor, state: Any, active: Tensor) -> VoicedFrames:
        """Run one slot: pcm [B, 3200] at 16 kHz."""
        ...


class TurnPolicy(Protocol):
    """Decides who speaks next, for a model that has no state head of its own."""

    fingerprint: str
    """Identifies the policy and everything that its decisions depend on."""
    reconsiders: bool
    """Whether answers begin with a silent slot, in which the policy may still take them back."""

    def init_state(self, batch: int) -> Any:
        """Fresh state for `batch` conversations."""
        ...

    def open(self, row: int, options: ConversationOptions, state: Any) -> None:
        """A new conversation in `row`."""
        ...

    def step(self, x: PolicyInput, state: Any, active: Tensor) -> PolicyOutput:
        """Run one slot of the active rows."""
        ...

    def close(self) -> None:
        """Release worker threads."""
        ...
