"""Live conversation with a half-duplex model: how turns are detected, and what its history keeps."""

from typing import Literal

from pydantic import Field

from configs.base import Config
from configs.model.ears import VoiceActivityConfig
from configs.model.silero_activity import SileroActivityConfig


class VadPolicyConfig(Config):
    """p(speak) from voice activity alone.

    While the user's turn waits for an answer, p(speak) is the silence since the last voice divided by `pause_ms`.
    While the assistant speaks, it is 1 minus the user's continuous voice divided by `barge_in_ms`; gaps of up to
    `gap_ms` do not interrupt that voice.
    """

    pause_ms: float = Field(default=700.0, gt=0)
    barge_in_ms: float = Field(default=400.0, gt=0)
    gap_ms: float = Field(default=100.0, ge=0)


class HeadPolicyConfig(Config):
    """p(speak) from the state head of another model, which hears both sides.

    The assistant's side is given to that model as if it had given the answer itself: it is told the answer's words, and
    its refined head speaks them silently, while the state is SPEAK.

    Attributes:
        model: name or folder of a model that knows words and speaks with a pointer refined head, such as "mini".
        threads: how many conversations are processed at the same time, each on one core; it does not change results.
        lead_words: number of words by which it may be ahead of the word that sounds, if the voice keeps its pace.
        slow_words: the voice does not, once the silent one has begun words this far ahead of the one that sounds.
        trust: factor on the odds of p(speak) while the assistant can be heard. When the head hears an "mm-hm", it
            doubts words that it would not have chosen more than its own; a user who takes the floor leaves far less.
    """

    model: str = "mini"
    threads: int = Field(default=1, ge=1)
    lead_words: int = Field(default=6, ge=1)
    slow_words: int = Field(default=1, ge=1)
    trust: float = Field(default=6.0, gt=0.0)


class WordClockConfig(Config):
    """Estimated durations of words whose timing is not known: `letter_ms` per letter, `sign_ms` per sign of a script
    without letters (Chinese, Japanese), `mark_ms` for the pause at a punctuation mark, `word_ms` added per word of
    letters."""

    letter_ms: float = Field(default=55.0, gt=0)
    sign_ms: float = Field(default=220.0, gt=0)
    mark_ms: float = Field(default=250.0, ge=0)
    word_ms: float = Field(default=30.0, ge=0)


class LiveTurnsConfig(Config):
    """The turn layout.

    Attributes:
        policy: what decides who speaks.
        detector: detector of the user's voice; Silero rejects more noise and needs the package faster-whisper (extra
            eval).
        onset_ms: voice in a slot that begins a turn of the user.
        pre_roll_slots: slots before the onset that belong to the turn.
        least_voice_ms: a turn with less voice than this does not count ...
        drop_after_ms: ... and is forgotten after this much silence.
        overlap_slots: what the user says over the assistant is remembered for this many slots.
        heard_fraction: a word that was cut counts as heard when at least this share of it was played.
        silent_steps: steps of an answer that are run at once while it makes no sound: thinking before the answer, the
            lead of its text, or an answer in text alone.
        history: an answer is remembered as the text that was heard of it, as in the authors' code, or with its speech.
        keep_turns: number of the user's turns that are remembered.
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
        """Number of slots of the user's audio that are kept."""
        return 1 + self.pre_roll_slots + self.overlap_slots
