"""Numbers of the real-time runtime: buffers, engine, recordings. Lengths come from `configs.audio`."""

from pathlib import Path

from pydantic import Field

from configs.audio import AUDIO
from configs.base import Config


class SlotBufferConfig(Config):
    """How the user's audio becomes slots.

    `grace_ms`: a slot closes at the latest this long after its last sample was due.
    `fade_ms`: length of the fades around a hole.
    `delay_window_s`: the network's base delay is the smallest one of this window.
    `max_ahead_slots`: audio farther in the future than this does not fit the session's clock.
    `resync_ms`: so much unusable audio in a row moves the session's clock to the sender's.
    """

    grace_ms: float = Field(default=60.0, ge=0.0)
    fade_ms: float = Field(default=5.0, gt=0.0)
    delay_window_s: float = Field(default=4.0, gt=0.0)
    max_ahead_slots: int = Field(default=10, ge=1)
    resync_ms: float = Field(default=600.0, gt=0.0)

    @property
    def fade_samples(self) -> int:
        """Length of a fade at the input rate."""
        return round(self.fade_ms * AUDIO.input_rate / 1000)

    @property
    def resync_samples(self) -> int:
        """Length of the unusable run that moves the clock, at the input rate."""
        return round(self.resync_ms * AUDIO.input_rate / 1000)


class PlayoutConfig(Config):
    """How the assistant's slots become packets.

    `prime_packets`: packets of silence between the arrival of an answer's first slot and its first sound; they
    absorb the jitter of the steps. `lookahead_ms`: at most one slot and this much is ever committed.
    `fade_ms`: length of the fade when an answer is cut. `conceal_ms`: length of the fades around an underrun.
    """

    prime_packets: int = Field(default=2, ge=0)
    lookahead_ms: float = Field(default=120.0, ge=0.0)
    fade_ms: float = Field(default=8.0, gt=0.0)
    conceal_ms: float = Field(default=5.0, gt=0.0)

    @property
    def capacity_samples(self) -> int:
        """Most samples that may wait to be played, at the output rate."""
        return AUDIO.slot_output_samples + round(self.lookahead_ms * AUDIO.output_rate / 1000)

    @property
    def fade_samples(self) -> int:
        """Length of the fade of a cut, at the output rate."""
        return round(self.fade_ms * AUDIO.output_rate / 1000)

    @property
    def conceal_samples(self) -> int:
        """Length of the fades around an underrun, at the output rate."""
        return round(self.conceal_ms * AUDIO.output_rate / 1000)


class EngineConfig(Config):
    """The loop over the rows.

    `max_sessions`: rows of the batch; one session more is refused.
    `gather_ms`: a ready row waits this long for others to share its step.
    `max_waiting_slots`: a session whose user slots wait longer than this is ended, the engine cannot keep up.
    `threads`, `nice`: of the engine's own process; packets go before its steps.
    `load_timeout_s`, `stop_timeout_s`: patience with that process.
    """

    max_sessions: int = Field(default=2, ge=1)
    gather_ms: float = Field(default=8.0, ge=0.0)
    max_waiting_slots: int = Field(default=15, ge=1)
    threads: int = Field(default=1, ge=1)
    nice: int = Field(default=5, ge=0, le=19)
    load_timeout_s: float = Field(default=600.0, gt=0.0)
    stop_timeout_s: float = Field(default=5.0, gt=0.0)


class RecordingConfig(Config):
    """What a conversation leaves on disk.

    `folder`: every session writes into a folder of its own below it. `enabled`: False keeps nothing.
    `header_every_slots`: how often the header of a sound file is brought up to date.
    `max_minutes`: a longer conversation goes on, its recording ends.
    """

    folder: Path = Path("conversations")
    enabled: bool = True
    header_every_slots: int = Field(default=10, ge=1)
    max_minutes: float = Field(default=120.0, gt=0.0)

    @property
    def max_slots(self) -> int:
        """Slots after which the recording ends."""
        return round(self.max_minutes * 60 / AUDIO.slot_seconds)


class TranscriptConfig(Config):
    """`heard_fraction`: a word of the assistant counts as heard when at least this much of it was played."""

    heard_fraction: float = Field(default=0.5, ge=0.0, le=1.0)


class RuntimeConfig(Config):
    """Everything the runtime is configured with.

    `deadline_ms`: a result later than this after its user slot was complete counts as missed.
    """

    deadline_ms: float = Field(default=float(AUDIO.slot_ms), gt=0.0)
    slots: SlotBufferConfig = SlotBufferConfig()
    playout: PlayoutConfig = PlayoutConfig()
    engine: EngineConfig = EngineConfig()
    recording: RecordingConfig = RecordingConfig()
    transcript: TranscriptConfig = TranscriptConfig()
