"""What a half-duplex model, its voice and a policy offer to the generator of the turn layout.

A model knows turns and answers; a voice makes sound of speech tokens; a policy says how likely the assistant is to
speak in the next slot. All three keep B conversations in rows that do not depend on one another.
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
        text: what became readable with it of what the user is told; may be a part of a word, "" if nothing did.
        tokens: [5, digits] speech tokens, None where nothing sounds (yet).
        finished: the answer ended with this slot.
        spoken: words that sound in the slot, by their place in the answer; None where the model does not know.
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
        """A new conversation.

        Raises:
            ValueError: the options do not fit the model.
        """
        ...

    def begin_user(self, row: int) -> None:
        """The user begins to speak."""
        ...

    def hear(self, pcm: Tensor, active: Sequence[bool]) -> None:
        """A slot of the turns that are under way: pcm [B, 3200] at 16 kHz."""
        ...

    def end_user(self, row: int, text: str = "") -> None:
        """The user has finished, adding `text` in writing: an answer begins."""
        ...

    def user_text(self, row: int, text: str) -> None:
        """A whole turn in writing: an answer begins."""
        ...

    def resume_user(self, row: int) -> None:
        """The user had not finished: the answer is forgotten, the turn goes on."""
        ...

    def drop_user(self, row: int) -> None:
        """The user did not speak after all: the turn is forgotten."""
        ...

    def answer(self, active: Sequence[bool]) -> list[AnswerSlot | None]:
        """The next slot of the answers of the active rows; None for the others."""
        ...

    def keep(self, row: int, text: str, slots: int) -> None:
        """The answer is over: history keeps `text`, or the first `slots` slots made of it, which is what was heard."""
        ...

    def pattern(self, row: int) -> Pattern:
        """Whether the user of the conversation speaks or writes, and whether its answers are heard or read."""
        ...

    def history(self, row: int) -> list[tuple[str, str]]:
        """What the model remembers, as (role, text); a spoken turn of the user has the text ""."""
        ...


class TurnVoice(Protocol):
    """Speech tokens to sound."""

    @property
    def delay_ms(self) -> float:
        """How much later than its slot the sound comes."""
        ...

    def init_state(self, batch: int) -> Any:
        """Fresh state for `batch` conversations."""
        ...

    def open(self, row: int, options: ConversationOptions, state: Any) -> None:
        """A new conversation in `row`."""
        ...

    def step(self, x: "VoiceInput", state: Any, active: Tensor) -> Tensor:
        """[B, 4800] samples at 24 kHz of one slot; a row that stops without having ended fades out."""
        ...


@dataclass(frozen=True)
class VoiceInput:
    """One slot of B rows: `tokens` [B, 5, digits], `speaking` [B] bool, `ended` [B] bool: a row that no longer speaks
    had said all it had to say."""

    tokens: Tensor
    speaking: Tensor
    ended: Tensor


@dataclass(frozen=True)
class PolicyInput:
    """Slot t of B conversations, as it was.

    Attributes:
        pcm: [B, 3200] the user at 16 kHz.
        voice: voice activity of the user.
        speaking: [B] bool, the assistant's state was SPEAK.
        pending: [B] bool, a turn of the user is under way and not answered.
    """

    pcm: Tensor
    voice: VoicedFrames
    speaking: Tensor
    pending: Tensor


@dataclass(frozen=True)
class PolicyOutput:
    """p(speak) of slot t + 1 for B rows, and words of the user that became known (None where none did)."""

    p_speak: Sequence[float]
    heard: Sequence[UserWords | None]


class VoiceActivityDetector(Protocol):
    """Where the user's voice is."""

    def init_state(self, batch: int) -> Any:
        """Fresh state for `batch` conversations."""
        ...

    def step(self, pcm: Tensor, state: Any, active: Tensor) -> VoicedFrames:
        """One slot: pcm [B, 3200] at 16 kHz."""
        ...


class TurnPolicy(Protocol):
    """Who speaks next, for a model that has no state head of its own."""

    fingerprint: str
    """Identifies what it decides by."""

    def init_state(self, batch: int) -> Any:
        """Fresh state for `batch` conversations."""
        ...

    def open(self, row: int, options: ConversationOptions, state: Any) -> None:
        """A new conversation in `row`."""
        ...

    def step(self, x: PolicyInput, state: Any, active: Tensor) -> PolicyOutput:
        """One slot of the active rows."""
        ...

    def close(self) -> None:
        """Release worker threads."""
        ...
