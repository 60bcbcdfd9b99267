"""Settings of the real-time runtime: buffers, engine, recordings. Lengths come from `configs.audio`."""

import math
from pathlib import Path
from typing import Final, Literal

from pydantic import Field

from configs.audio import AUDIO
from configs.base import Config

_DAY_S: Final = 86_400


class SlotBufferConfig(Config):
    """How the user's audio becomes slots.

    `grace_ms`: a slot closes at the latest this long after its last sample was due.
    `fade_ms`: length of the fades around a hole.
    `delay_window_s`: the network's base delay is the smallest delay within this window.
    `max_ahead_slots`: most slots that are held.
    `ahead_ms`: audio that arrives this much before the clock says it can have been spoken is not used.
    `resync_ms`: unusable audio that arrives steadily for this long moves the sender's positions to the session's clock.
    `steady_ms`: audio that gains more than this on the clock is a burst, not steady.
    `drift_ppm`: largest difference in rate between the clocks of sender and session.
    """

    grace_ms: float = Field(default=60.0, ge=0.0)
    fade_ms: float = Field(default=5.0, gt=0.0)
    delay_window_s: float = Field(default=4.0, gt=0.0)
    max_ahead_slots: int = Field(default=10, ge=1)
    ahead_ms: float = Field(default=300.0, gt=0.0)
    resync_ms: float = Field(default=600.0, gt=0.0)
    steady_ms: float = Field(default=100.0, gt=0.0)
    drift_ppm: float = Field(default=1000.0, ge=0.0)

    @property
    def fade_samples(self) -> int:
        """Length of a fade at the input rate."""
        return round(self.fade_ms * AUDIO.input_rate / 1000)


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

    `max_sessions`: rows of the batch; further sessions are refused.
    `gather_ms`: a ready row waits this long for others to share its step, where two rows in one step cost less than two
    steps; the slots of sessions then end together to half a packet.
    `words_budget_ms`: a step waits for words that the user said a slot ago only if it can still end so long after its
    beginning; otherwise they become known a slot later.
    `max_waiting_slots`: a session with more user slots waiting than this is ended, because the engine cannot keep up.
    `threads`, `nice`: of the engine's own process; packets have priority over its steps.
    `load_timeout_s`, `stop_timeout_s`: how long that process may take to load and to stop.
    `rehearse_slots`: how much of a conversation a new engine is given when the one that held it was lost.
    `spare`: keep another engine loaded, which takes the place of one that is lost at once; it needs its memory twice.
    "auto" does where that leaves `spare_leaves_mb` of the machine's memory; never beside a GPU.
    `restarts`, `restart_window_s`: an engine that is lost more often than so many times in so long is given up.
    """

    max_sessions: int = Field(default=2, ge=1)
    gather_ms: float = Field(default=20.0, ge=0.0)
    words_budget_ms: float = Field(default=140.0, ge=0.0)
    max_waiting_slots: int = Field(default=15, ge=1)
    threads: int = Field(default=1, ge=1)
    nice: int = Field(default=5, ge=0, le=19)
    load_timeout_s: float = Field(default=600.0, gt=0.0)
    stop_timeout_s: float = Field(default=5.0, gt=0.0)
    rehearse_slots: int = Field(default=40, ge=0)
    spare: bool | Literal["auto"] = "auto"
    spare_leaves_mb: float = Field(default=1000.0, ge=0.0)
    restarts: int = Field(default=3, ge=0)
    restart_window_s: float = Field(default=300.0, gt=0.0)


class EchoGuardConfig(Config):
    """How the assistant's own voice is detected in the user's audio.

    `max_delay_ms`: longest delay of the echo. `low_hz`, `high_hz`: band that is analysed. `audible_db`: level above
    which the assistant is audible. `silent_db`: level below which the microphone gives nothing but what a codec makes
    of silence (its last bit is -90 dB). `taper_ms`: fades at the ends of the analysed audio. `floor_db`: bins this far
    below the strongest one carry no information. `memory`: weight of earlier slots, per slot. `clear`: an echo rises
    above the correlation's root mean square by this factor, in `least_slots` or more. `most_per_slot`: what one slot
    counts at most, in units of its own root mean square, because in a single slot two voices of similar pitch correlate
    like an echo. `margin_ms`: how long before its echo the assistant's voice is given to the canceller.
    """

    enabled: bool = True
    max_delay_ms: float = Field(default=800.0, gt=0.0)
    low_hz: float = Field(default=200.0, ge=0.0)
    high_hz: float = Field(default=4000.0, gt=0.0)
    audible_db: float = Field(default=-60.0, lt=0.0)
    silent_db: float = Field(default=-85.0, lt=0.0)
    taper_ms: float = Field(default=50.0, gt=0.0)
    floor_db: float = Field(default=50.0, gt=0.0)
    memory: float = Field(default=0.85, ge=0.0, lt=1.0)
    clear: float = Field(default=10.0, gt=0.0)
    most_per_slot: float = Field(default=7.0, gt=0.0)
    least_slots: int = Field(default=3, ge=1)
    margin_ms: float = Field(default=60.0, ge=0.0)

    @property
    def max_delay_samples(self) -> int:
        """Longest delay at the input rate."""
        return round(self.max_delay_ms * AUDIO.input_rate / 1000)

    @property
    def taper_samples(self) -> int:
        """Length of a fade at the input rate."""
        return round(self.taper_ms * AUDIO.input_rate / 1000)

    @property
    def weakest(self) -> float:
        """The floor as a fraction of the strongest bin."""
        return 10 ** (-self.floor_db / 20)

    @property
    def margin_samples(self) -> int:
        """The margin at the input rate."""
        return round(self.margin_ms * AUDIO.input_rate / 1000)

    @property
    def frame_samples(self) -> int:
        """Samples that the canceller takes at a time: 10 ms."""
        return AUDIO.input_rate // 100


class RecordingConfig(Config):
    """What a conversation writes to disk.

    `folder`: every session writes to a folder of its own in it. `enabled`: False keeps nothing.
    `header_every_slots`: how often the header of a sound file is updated.
    `max_minutes`: the recording ends after this long; the conversation continues.
    `min_free_mb`: no new conversation is recorded with less free disk space than this.
    `most_waiting`: slots of all conversations that may wait for a slow disk; beyond that, recordings end.
    `required`: what happens where a conversation cannot be recorded: True refuses it, False holds it unrecorded and
    tells the user.
    `max_total_gb`: size of the folder above which the oldest finished conversations are removed; None: no limit.
    `keep_days`: how long a conversation is kept after its end; None: for ever.
    """

    folder: Path = Path("conversations")
    enabled: bool = True
    header_every_slots: int = Field(default=10, ge=1)
    max_minutes: float = Field(default=120.0, gt=0.0)
    min_free_mb: float = Field(default=32.0, ge=0.0)
    most_waiting: int = Field(default=3000, ge=1)
    required: bool = False
    max_total_gb: float | None = Field(default=None, gt=0.0)
    keep_days: float | None = Field(default=None, gt=0.0)

    @property
    def max_slots(self) -> int:
        """Slots after which the recording ends."""
        return round(self.max_minutes * 60 / AUDIO.slot_seconds)

    @property
    def min_free_bytes(self) -> int:
        """Free disk space that a new conversation needs."""
        return round(self.min_free_mb * 1_000_000)

    @property
    def max_total_bytes(self) -> float:
        """Size of all conversations above which the oldest are removed; infinite without a limit."""
        return math.inf if self.max_total_gb is None else self.max_total_gb * 1_000_000_000

    @property
    def keep_seconds(self) -> float:
        """How long a conversation is kept after its end; infinite without a limit."""
        return math.inf if self.keep_days is None else self.keep_days * _DAY_S


class TranscriptConfig(Config):
    """`heard_fraction`: a word of the assistant counts as heard when at least this much of it was played."""

    heard_fraction: float = Field(default=0.5, ge=0.0, le=1.0)


class RuntimeConfig(Config):
    """The whole configuration of the runtime.

    `deadline_ms`: a result later than this after its user slot was complete counts as missed.
    `absent_ms`: when nothing of the user has arrived for so long, nobody hears the assistant, and it falls silent.
    """

    deadline_ms: float = Field(default=float(AUDIO.slot_ms), gt=0.0)
    absent_ms: float = Field(default=3000.0, gt=0.0)
    slots: SlotBufferConfig = SlotBufferConfig()
    playout: PlayoutConfig = PlayoutConfig()
    echo: EchoGuardConfig = EchoGuardConfig()
    engine: EngineConfig = EngineConfig()
    recording: RecordingConfig = RecordingConfig()
    transcript: TranscriptConfig = TranscriptConfig()
