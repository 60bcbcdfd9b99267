"""How a recording of any system is scored: when a channel holds speech, what a turn is, which files are accepted.

All times are in seconds, all levels in dB. `docs/evaluation.md` explains the definitions.
"""

from statistics import NormalDist

from pydantic import Field

from configs.base import Config
from configs.eval.protocols import TauVoiceConfig
from configs.eval.statistics import StatisticsConfig


class SoundConfig(Config):
    """Which recordings are accepted.

    `padding_s`: two files may differ by this length; the shorter one is padded with silence. `mix_correlation`: two
    channels with at least this correlation are taken for one mono mix. `silent_db`: a channel whose loudest sample is
    below this level (relative to full scale) is silent.
    """

    padding_s: float = Field(default=0.5, ge=0.0)
    mix_correlation: float = Field(default=0.98, gt=0.0, le=1.0)
    silent_db: float = Field(default=-72.0, lt=0.0)


class BandsConfig(Config):
    """Short-time power by frequency band.

    `window_s`: length of a frame (Hann window). `hop_s`: time between frames. `edges_hz`: band edges; the last band is
    open, and bands above half the sample rate are left out.
    """

    window_s: float = Field(default=0.010, gt=0.0)
    hop_s: float = Field(default=0.002, gt=0.0)
    edges_hz: tuple[float, ...] = (0.0, 100.0, 500.0, 1000.0, 2000.0, 4000.0, 8000.0)


class FloorConfig(Config):
    """What a channel contains where nobody speaks.

    `smooth_s`: powers are averaged over this time before their `quantile` is taken as the noise in a band. Frames below
    `digital_db` are digital silence and say nothing about noise; where a channel has such frames, the sound between
    them is used only if the noise is `trusted_db` below its loudest frame. `false_alarm_z`: how far noise rises above
    its mean by chance, in standard deviations of a chi-square distribution. `margin_db`: added to that.
    Unsteady noise is measured away from the loud parts of the speech (at least `apart_s`): its median plus
    `band_spreads` (per band), `joint_spreads` (over all bands) or `loud_spreads` (total level) times the spread of its
    upper half, which ends at the quantile `upper`. Levels more than `depth_db` below the threshold count as if they
    were at that depth.
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
        """`quantile` as a standard normal deviate (standard deviations from the mean)."""
        return NormalDist().inv_cdf(self.quantile)

    @property
    def upper_z(self) -> float:
        """`upper` as a standard normal deviate (standard deviations from the mean)."""
        return NormalDist().inv_cdf(self.upper)


class EdgesConfig(Config):
    """Where exactly speech begins and ends.

    `near_s`: an edge is searched this far around the first and last frame, where the energy of `window_s` first (last)
    passes the threshold. The threshold follows the speech level, but is at least `above_db` above the noise; if nothing
    there rises `clear_db` above it, the frame itself is the edge.
    `masked_onset_s_per_db`, `masked_offset_s_per_db`: calibration constants. Under noise the threshold is higher, so
    speech appears to begin that much later (end that much earlier) per dB; this was measured on real speech with known
    edges and is subtracted. `masked_s`: upper limit of the correction.
    """

    near_s: float = Field(default=0.010, gt=0.0)
    window_s: float = Field(default=0.003, gt=0.0)
    above_db: float = Field(default=5.0, ge=0.0)
    clear_db: float = Field(default=6.0, ge=0.0)
    masked_onset_s_per_db: float = Field(default=0.0008, ge=0.0)
    masked_offset_s_per_db: float = Field(default=0.0012, ge=0.0)
    masked_s: float = Field(default=0.02, ge=0.0)


class ReverberationConfig(Config):
    """Reverberant tails, which do not count as speech.

    A channel is reverberant when it has at least `decays` falls of `drop_db` whose median takes longer than `median_s`
    and whose quantile `quantile` takes longer than `quick_s`. A fall begins `from_db` below a peak that is at most
    `peak_db` below the speech level and the loudest within `side_s`, and takes at most `longest_s`. In such a channel
    speech ends with the last frame that is `rise_db` above everything before it decaying at that rate (`lag_s` or more
    ago, powers averaged over `smooth_s`) and at most `range_db` below the speech level. `fill_s`: shorter gaps do not
    end speech.
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
    """The other side's voice in a channel (an echo or a leak), which does not count as this side's speech.

    It is present when, over at least `least_s` of frames in which the other side is within `loud_db` of its speech
    level, the two levels have a correlation of at least `correlation` at a delay of `-ahead_s` .. `delay_s` (steps of
    `step_s`), and the channel is at least `below_db` quieter. Then a frame of speech must be `margin_db` above the leak
    and above its tail, which falls by `fall_db_per_s`. `robust_db`: frames this much louder than usual are speech of
    this side and are not used to estimate the leak.
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

    `range_db`: frames within this range below the speech level are speech if they are above the floor. `quiet_db`: the
    speech level must be above it (relative to full scale), and `contrast_db` above the noise. `weak_db`: a run of
    frames must come this close to the speech level; under unsteady noise, closer. The speech level is taken from the
    loud parts (cores): the first estimate is the level that `top_share` of the frames with sound reach, but at least
    `top_s`; after that it is the quantile `level_quantile` of the cores. A core is `core_db` .. `deepest_core_db` below
    it, so that it is `swing_db` above the noise where possible. `fill_s`: shorter gaps (stops, weak fricatives) belong
    to speech. `least_s`: shortest speech. A sound of `release_s` at most `after_s` after speech, `release_db` above the
    threshold, is the release of a final stop.
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
    """What counts as a turn, a response, a stop and a backchannel.

    `user_gap_s`, `assistant_gap_s`: shorter gaps belong to one side's speech (Full-Duplex-Bench v1.5's merges).
    `pause_s`: a longer silence is a pause: a pause of the user's can be answered, and a stop that falls into one of the
    assistant's own pauses is void. `voiced_s`: the assistant must have been audible for this long when the user begins,
    or the stop is void. `stop_after_s`: falling silent up to this long after the user's end is a stop, provided that
    the assistant stays silent for `stay_silent_s` or until the user's turn is over. `short_s`: a sound of the user's up
    to this length that the assistant talks through is a backchannel, as is one of the assistant's within the user's
    turn. `early_s`: an assistant that starts at most this long before the user's end, and continues beyond it, answers
    early; one that starts sooner interrupts. `before_pause_s`, `after_pause_s`: an assistant that starts between this
    long before a labelled pause and this long after it takes the turn. `selectivity`: windows in which a labelled sound
    that is not meant for the assistant must neither stop it nor be answered; noise has the windows of a vocal tic.
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
    """Silero VAD with its own defaults; `TurnsConfig` has the merges of Full-Duplex-Bench v1.5.

    `threshold`: probability of speech above which a frame is speech. `least_speech_s`, `least_silence_s`: shorter
    speech is dropped, shorter silence bridged. `pad_s`: padding on each side of speech.
    """

    threshold: float = Field(default=0.5, gt=0.0, lt=1.0)
    least_speech_s: float = Field(default=0.25, ge=0.0)
    least_silence_s: float = Field(default=0.1, ge=0.0)
    pad_s: float = Field(default=0.03, ge=0.0)


class LabelsConfig(Config):
    """Labels beside a recording.

    `beyond_s`: a label may end this long after the recording does. `snap_s`: edges of the user's turns move to the
    nearest edge of speech activity within this distance; 0 leaves them as they are. `user_names`, `assistant_names`:
    speakers of RTTM files, tiers of TextGrid files, channels of JSON lines.
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
