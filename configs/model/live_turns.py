"""Live conversation with a half-duplex model: how turns are found, and what its history keeps."""

from typing import Literal

from pydantic import Field

from configs.base import Config
from configs.model.ears import VoiceActivityConfig
from configs.model.silero_activity import SileroActivityConfig


class VadPolicyConfig(Config):
    """p(speak) from voice activity alone.

    While the user's turn waits for an answer p(speak) is the silence since the last voice, as a share of `pause_ms`.
    While the assistant speaks it is 1 less the unbroken voice of the user, as a share of `barge_in_ms`; gaps of up to
    `gap_ms` do not break it.
    """

    pause_ms: float = Field(default=700.0, gt=0)
    barge_in_ms: float = Field(default=400.0, gt=0)
    gap_ms: float = Field(default=100.0, ge=0)


class HeadPolicyConfig(Config):
    """p(speak) from the state head of another model, which hears both sides.

    Its own side is told to it in its own terms: while the assistant speaks, its voice says `speech` over and over, and
    its text is `opening` and no more. What the assistant really says is not told: text that the head knows and does
    not find in the speech makes it speak on.

    Attributes:
        model: name or folder; one that knows words and speaks with a pointer refined head, as "mini" does.
        threads: conversations that are listened to at the same time, each on one core; results are the same.
    """

    model: str = "mini"
    threads: int = Field(default=1, ge=1)
    opening: str = "sure,"
    speech: str = Field(
        default="there is one thing i can tell you, if you would like to hear it, and it is a long story about the "
        "sea, the wind and the people who lived there for many years before anybody came to see them.",
        min_length=1,
    )


class WordClockConfig(Config):
    """How long words sound, where nothing says it: `letter_ms` a letter, `sign_ms` a sign of a script without letters
    (Chinese, Japanese), `mark_ms` a pause at a mark, `word_ms` what a word of letters takes besides."""

    letter_ms: float = Field(default=55.0, gt=0)
    sign_ms: float = Field(default=220.0, gt=0)
    mark_ms: float = Field(default=250.0, ge=0)
    word_ms: float = Field(default=30.0, ge=0)


class LiveTurnsConfig(Config):
    """The turn layout.

    Attributes:
        policy: what decides who speaks.
        detector: of the user's voice; Silero is stricter with noise, and needs the package faster-whisper (extra eval).
        onset_ms: so much voice in a slot begins a turn of the user.
        pre_roll_slots: slots before the onset that belong to the turn.
        least_voice_ms: a turn with less voice than this is no turn ...
        drop_after_ms: ... and is forgotten after so much silence.
        overlap_slots: what the user says over the assistant is remembered for so many slots.
        heard_fraction: a word that was cut counts as heard when at least this much of it sounded.
        silent_steps: slots of an answer that are made at once while nothing of it sounds: what a model thinks first,
            the lead of its text, or text alone.
        history: an answer is remembered as the text that was heard of it, as the authors do, or with its speech.
        keep_turns: turns of the user that are remembered.
    """

    policy: Literal["vad", "head"] = "head"
    detector: Literal["webrtcvad", "silero"] = "webrtcvad"
    activity: VoiceActivityConfig = VoiceActivityConfig()
    silero: SileroActivityConfig = SileroActivityConfig()
    vad: VadPolicyConfig = VadPolicyConfig()
    head: HeadPolicyConfig = HeadPolicyConfig()
    clock: WordClockConfig = WordClockConfig()
    onset_ms: float = Field(default=60.0, gt=0)
    pre_roll_slots: int = Field(default=2, ge=0)
    least_voice_ms: float = Field(default=160.0, ge=0)
    drop_after_ms: float = Field(default=1000.0, gt=0)
    overlap_slots: int = Field(default=20, ge=1)
    silent_steps: int = Field(default=8, ge=1)
    heard_fraction: float = Field(default=0.5, ge=0, le=1)
    history: Literal["text", "speech"] = "text"
    keep_turns: int = Field(default=8, ge=1)

    @property
    def remembered_slots(self) -> int:
        """Slots of the user's audio that are kept at hand."""
        return 1 + self.pre_roll_slots + self.overlap_slots
