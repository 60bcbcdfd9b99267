"""How a recording of any system is scored: when a channel holds speech, what is a turn, which files are accepted.

All times are seconds, all levels dB. `docs/evaluation.md` says what the definitions mean.
"""

from statistics import NormalDist

from pydantic import Field

from configs.base import Config
from configs.eval.protocols import TauVoiceConfig
from configs.eval.statistics import StatisticsConfig


class SoundConfig(Config):
    """Which recordings are accepted.

    `padding_s`: two files may differ by this length, the shorter is padded with silence. `mix_correlation`: two
    channels that correlate at least so much are one mix. `silent_db`: a channel whose loudest sample is below it
    (relative to full scale) is silent.
    """

    padding_s: float = Field(default=0.5, ge=0.0)
    mix_correlation: float = Field(default=0.98, gt=0.0, le=1.0)
    silent_db: float = Field(default=-72.0, lt=0.0)


class BandsConfig(Config):
    """Short-time power by band of frequency.

    `window_s`: length of a frame (Hann). `hop_s`: between frames. `edges_hz`: of the bands; the last one is open, bands
    above half the sample rate are left out.
    """

    window_s: float = Field(default=0.010, gt=0.0)
    hop_s: float = Field(default=0.002, gt=0.0)
    edges_hz: tuple[float, ...] = (0.0, 100.0, 500.0, 1000.0, 2000.0, 4000.0, 8000.0)


class FloorConfig(Config):
    """What a channel holds without speech.

    `smooth_s`: powers are averaged over this before their `quantile` is taken as the noise in a band. Frames below
    `digital_db` are digital silence and tell nothing of noise; where there are some, sound between them tells of noise
    only if that is `trusted_db` below its loudest frame. `false_alarm_z`: how far noise rises above its mean by
    chance, in standard deviations of a chi-square distribution. `margin_db`: on top of it.
    Restless noise is judged beside the loud parts of the speech (`apart_s` from them): its median plus `band_spreads`
    (per band), `joint_spreads` (over all bands), `loud_spreads` (total level) times the spread of its upper half, which
    ends at the quantile `upper`. Levels further than `depth_db` below the threshold do not count as quieter ones.
    """

    smooth_s: float = Field(default=0.05, gt=0.0)
    quantile: float = Field(default=0.04, gt=0.0, lt=0.5)
    digital_db: float = Field(default=-95.0, lt=0.0)
    trusted_db: float = Field(default=25.0, ge=0.0)
    false_alarm_z: float = Field(default=3.7, gt=0.0)
    margin_db: float = Field(default=0.5, ge=0.0)
    apart_s: float = Field(default=0.25, ge=0.0)
    least_s: float = Field(default=0.3, gt=0.0)
    upper: float = Field(default=0.8, gt=0.5, lt=1.0)
    band_spreads: float = Field(default=3.0, ge=0.0)
    joint_spreads: float = Field(default=2.5, ge=0.0)
    loud_spreads: float = Field(default=3.0, ge=0.0)
    depth_db: float = Field(default=10.0, ge=0.0)

    @property
    def quantile_z(self) -> float:
        """Where `quantile` lies in a normal distribution, standard deviations."""
        return NormalDist().inv_cdf(self.quantile)

    @property
    def upper_z(self) -> float:
        """Where `upper` lies in a normal distribution, standard deviations."""
        return NormalDist().inv_cdf(self.upper)


class EdgesConfig(Config):
    """Where exactly speech begins and ends.

    `near_s`: around the first and last frame, the energy of `window_s` that passes the threshold for the first (last)
    time is the edge. The threshold is that of the speech level, but `above_db` above the noise; where nothing there is
    `clear_db` above it, the frame is the edge.
    `masked_onset_s_per_db`, `masked_offset_s_per_db`: the calibrated constants. Under noise the threshold is higher,
    and speech shows that much later (ends that much earlier) for each dB; measured on real speech whose edges are
    known, and subtracted. `masked_s`: at most so much.
    """

    near_s: float = Field(default=0.010, gt=0.0)
    window_s: float = Field(default=0.003, gt=0.0)
    above_db: float = Field(default=5.0, ge=0.0)
    clear_db: float = Field(default=6.0, ge=0.0)
    masked_onset_s_per_db: float = Field(default=0.0008, ge=0.0)
    masked_offset_s_per_db: float = Field(default=0.0012, ge=0.0)
    masked_s: float = Field(default=0.02, ge=0.0)


class ReverberationConfig(Config):
    """Tails of a room are no speech.

    A channel is reverberant when at least `decays` falls of `drop_db` can be seen, the median of them takes longer than
    `median_s` and the quantile `quantile` longer than `quick_s`. A fall begins `from_db` below a peak that is at most
    `peak_db` below the speech level and the loudest within `side_s`, and takes at most `longest_s`. Then speech ends
    with the last frame that stands `rise_db` above what decays at that rate from all before it (`lag_s` and more ago,
    powers averaged over `smooth_s`), and is at most `range_db` below the speech level. `fill_s`: shorter gaps are no
    ends.
    """

    decays: int = Field(default=5, ge=1)
    drop_db: float = Field(default=15.0, gt=0.0)
    from_db: float = Field(default=5.0, gt=0.0)
    peak_db: float = Field(default=15.0, gt=0.0)
    side_s: float = Field(default=0.05, gt=0.0)
    longest_s: float = Field(default=1.0, gt=0.0)
    median_s: float = Field(default=0.08, gt=0.0)
    quantile: float = Field(default=0.2, gt=0.0, lt=1.0)
    quick_s: float = Field(default=0.035, gt=0.0)
    rise_db: float = Field(default=3.0, ge=0.0)
    lag_s: float = Field(default=0.03, gt=0.0)
    smooth_s: float = Field(default=0.03, gt=0.0)
    range_db: float = Field(default=22.0, gt=0.0)
    fill_s: float = Field(default=0.2, ge=0.0)


class CrosstalkConfig(Config):
    """The other side's voice in a channel (an echo, a leak) is no speech of this side.

    It is there when, over at least `least_s` of frames in which the other side is within `loud_db` of its speech level,
    the two levels correlate by `correlation` at a delay of `-ahead_s` .. `delay_s` (steps of `step_s`), and the channel
    is at least `below_db` quieter. Then a frame must stand `margin_db` above what leaks, and above its tail, which
    falls by `fall_db_per_s`. `robust_db`: frames that are so much louder than usual are speech of this side and tell
    nothing of what leaks.
    """

    loud_db: float = Field(default=20.0, gt=0.0)
    least_s: float = Field(default=1.0, gt=0.0)
    correlation: float = Field(default=0.7, gt=0.0, le=1.0)
    ahead_s: float = Field(default=0.02, ge=0.0)
    delay_s: float = Field(default=0.4, ge=0.0)
    step_s: float = Field(default=0.01, gt=0.0)
    below_db: float = Field(default=10.0, ge=0.0)
    robust_db: float = Field(default=6.0, ge=0.0)
    fall_db_per_s: float = Field(default=60.0, gt=0.0)
    margin_db: float = Field(default=6.0, ge=0.0)


class ActivityConfig(Config):
    """When a channel holds speech: an energy gate per band, relative to the channel's own speech and noise.

    `range_db`: frames within it of the speech level are speech, if they stand above the floor. `quiet_db`: the speech
    level must be above it (relative to full scale), and `contrast_db` above the noise. `weak_db`: a run must come this
    near to the speech level; under restless noise, nearer.
    Loud parts (cores) tell the speech level: its first guess is the level that `top_share` of the frames with sound
    reach, but at least `top_s`; then it is the quantile `level_quantile` of the cores. A core is `core_db` ..
    `deepest_core_db` below it, so that it is `swing_db` above the noise where it can be.
    `fill_s`: shorter gaps (stops, weak fricatives) are inside of speech. `least_s`: speech is at least so long. A sound
    of `release_s` at most `after_s` after speech, `release_db` above the threshold, is the release of a final stop.
    """

    bands: BandsConfig = BandsConfig()
    floor: FloorConfig = FloorConfig()
    edges: EdgesConfig = EdgesConfig()
    reverberation: ReverberationConfig = ReverberationConfig()
    crosstalk: CrosstalkConfig = CrosstalkConfig()
    range_db: float = Field(default=38.0, gt=0.0)
    quiet_db: float = Field(default=-75.0, lt=0.0)
    contrast_db: float = Field(default=10.0, ge=0.0)
    weak_db: float = Field(default=30.0, gt=0.0)
    core_db: float = Field(default=12.0, gt=0.0)
    deepest_core_db: float = Field(default=30.0, gt=0.0)
    swing_db: float = Field(default=25.0, gt=0.0)
    top_share: float = Field(default=0.05, gt=0.0, lt=1.0)
    top_s: float = Field(default=0.2, gt=0.0)
    level_quantile: float = Field(default=0.9, gt=0.0, lt=1.0)
    fill_s: float = Field(default=0.06, ge=0.0)
    least_s: float = Field(default=0.05, gt=0.0)
    release_s: float = Field(default=0.006, gt=0.0)
    after_s: float = Field(default=0.15, ge=0.0)
    release_db: float = Field(default=3.0, ge=0.0)


class TurnScoringConfig(Config):
    """What is a turn, a response, a stop, a backchannel.

    `user_gap_s`, `assistant_gap_s`: shorter gaps are inside of one side's speech (Full-Duplex-Bench v1.5's merges).
    `pause_s`: a longer silence is a pause: one of the user's can be answered, a stop in one of the assistant's own is
    void. `voiced_s`: the assistant must have been sounding for so long when the user begins, or the stop is void.
    `stop_after_s`: falling silent up to this long after the user's end is a stop. `stay_silent_s`: for at least so
    long, or until the user's turn is over. `short_s`: a user's sound up to this length that the assistant talks through
    is a backchannel, as is an assistant's within the user's turn. `early_s`: an assistant that starts at most so long
    before the user's end, and goes on beyond it, answers early; before that, it interrupts.
    `before_pause_s`, `after_pause_s`: an assistant that starts from so long before a labelled pause to so long after it
    takes the turn. `selectivity`: windows in which a labelled sound that is not meant for the assistant may not stop it
    or be answered; noise has those of a vocal tic.
    """

    user_gap_s: float = Field(default=0.6, ge=0.0)
    assistant_gap_s: float = Field(default=0.5, ge=0.0)
    pause_s: float = Field(default=0.15, ge=0.0)
    voiced_s: float = Field(default=0.15, ge=0.0)
    stop_after_s: float = Field(default=1.0, ge=0.0)
    stay_silent_s: float = Field(default=0.5, ge=0.0)
    short_s: float = Field(default=1.0, ge=0.0)
    early_s: float = Field(default=1.0, ge=0.0)
    before_pause_s: float = Field(default=0.05, ge=0.0)
    after_pause_s: float = Field(default=0.1, ge=0.0)
    selectivity: TauVoiceConfig = TauVoiceConfig()


class SileroConfig(Config):
    """Silero VAD with its own defaults, and the merges of Full-Duplex-Bench v1.5 in `TurnScoringConfig`.

    `threshold`: of the probability of speech. `least_speech_s`, `least_silence_s`: shorter speech is dropped, shorter
    silence bridged. `pad_s`: on each side of speech.
    """

    threshold: float = Field(default=0.5, gt=0.0, lt=1.0)
    least_speech_s: float = Field(default=0.25, ge=0.0)
    least_silence_s: float = Field(default=0.1, ge=0.0)
    pad_s: float = Field(default=0.03, ge=0.0)


class LabelsConfig(Config):
    """Labels beside a recording.

    `beyond_s`: one may end so long after the recording does. `snap_s`: edges of the user's turns go to the nearest edge
    of speech activity within it; 0 takes them as they are. `user_names`, `assistant_names`: speakers of RTTM files,
    tiers of TextGrid files, channels of JSON lines.
    """

    beyond_s: float = Field(default=0.05, ge=0.0)
    snap_s: float = Field(default=0.0, ge=0.0)
    user_names: tuple[str, ...] = ("user", "human", "caller", "customer", "left", "input")
    assistant_names: tuple[str, ...] = ("assistant", "agent", "model", "system", "bot", "right", "output")


class ScoringConfig(Config):
    """Everything that defines the scores of a recording."""

    sound: SoundConfig = SoundConfig()
    activity: ActivityConfig = ActivityConfig()
    turns: TurnScoringConfig = TurnScoringConfig()
    silero: SileroConfig = SileroConfig()
    labels: LabelsConfig = LabelsConfig()
    statistics: StatisticsConfig = StatisticsConfig()
