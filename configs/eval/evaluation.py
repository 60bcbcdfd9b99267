"""Definitions of the evaluation: gates, windows, limits and bars. `docs/evaluation.md` says what they mean.

All times are in seconds, all levels in dB.
"""

from typing import Annotated, Literal

from pydantic import AllowInfNan, Field

from configs.base import Config
from configs.eval.conditions import ConditionsConfig
from configs.eval.protocols import ProtocolsConfig
from configs.eval.statistics import StatisticsConfig


class Bar(Config):
    """A requirement: the number `of` of a figure is at most (`<=`) or at least (`>=`) `limit`."""

    of: str
    sense: Literal["<=", ">="]
    limit: float


class GateConfig(Config):
    """When the assistant is audible.

    `floor_db`: samples above it (dB relative to full scale) are sound. `join_s`: gaps up to this length belong to the
    assistant's speech. `shortest_s`: shorter sounds do not count as speech.
    """

    floor_db: float = Field(default=-50.0, lt=0.0)
    join_s: float = Field(default=0.3, ge=0.0)
    shortest_s: float = Field(default=0.03, ge=0.0)


class ClipConfig(Config):
    """Where speech begins and ends in a user's clip: frames within `range_db` of the loudest one."""

    frame_s: float = Field(default=0.01, gt=0.0)
    range_db: float = Field(default=35.0, gt=0.0)


class UserConfig(Config):
    """The simulated user.

    `patience_s`: how long it waits for the assistant before it gives up on an event. `longest_s`: it listens to an
    answer for at most this long.
    """

    patience_s: float = Field(default=12.0, gt=0.0)
    longest_s: float = Field(default=60.0, gt=0.0)


class TimingConfig(Config):
    """Tolerances of the turn-taking definitions.

    `early_s`: an answer may start this long before the user's end. `tail_s`: the assistant may be audible in the
    last moment of the user's turn.
    """

    early_s: float = Field(default=0.2, ge=0.0)
    tail_s: float = Field(default=0.05, ge=0.0)


class TurnTakingConfig(Config):
    """Pairs of questions (OmniDRCA, Appendix A), and long answers that are interrupted.

    `gap_s`: from the end of the first question to the start of the second. `barge_in_s`: from the start of the long
    answer to the start of the question that interrupts it. `silence_s`: after the last question, or until its answer is
    over and `quiet_s` have passed.
    `graces`, `limits`: all values that are reported; `grace_s`, `limit_s`: those of the headline figure.
    """

    pairs: int = Field(default=75, ge=1)
    lead_s: float = 0.5
    gap_s: float = 3.0
    barge_in_s: float = 2.0
    silence_s: float = 10.0
    quiet_s: float = 1.0
    graces: tuple[float, ...] = (0.5, 1.0, 1.5, 2.0)
    limits: tuple[Annotated[float, AllowInfNan(True)], ...] = (1.5, 3.0, 5.0, float("inf"))
    grace_s: float = 1.0
    limit_s: float = 5.0
    bars: tuple[Bar, ...] = (Bar(of="share", sense=">=", limit=0.97),)
    reactive_bars: tuple[Bar, ...] = (Bar(of="share", sense=">=", limit=0.95),)
    stop_bars: tuple[Bar, ...] = (Bar(of="p50", sense="<=", limit=0.35), Bar(of="p95", sense="<=", limit=0.7))
    response_bars: tuple[Bar, ...] = (Bar(of="p50", sense="<=", limit=0.8), Bar(of="p95", sense="<=", limit=2.2))


class SceneConfig(Config):
    """A talker who is not at the microphone.

    `level_db`: relative to `reference_rms`, the level of a user at the microphone. `low_pass_hz`: highest frequency
    that arrives. `shelf_db`: gain above `shelf_hz`. `reflections`: (delay in ms, level in dB) of copies.
    """

    reference_rms: float = Field(default=0.06, gt=0.0)
    level_db: float = 0.0
    low_pass_hz: float = Field(default=20_000.0, gt=0.0)
    shelf_hz: float = Field(default=4_000.0, gt=0.0)
    shelf_db: float = 0.0
    reflections: tuple[tuple[float, float], ...] = ()


class OverlapConfig(Config):
    """Sounds while the assistant speaks.

    `into_answer_s`: from the start of the answer to the sound. `window_s`: a stop up to this long after the sound's
    end is attributed to the sound. `silence_s`: silence after the sound. `answer_s`: silence after an interruption,
    which calls for an answer; it ends early once `enough_s` of the answer has been heard.
    `bursts`: (from, to) of each noise file that is played, if it is at least `least_burst_s` long and not `silent_db`
    below the file. `burst_rms`: loudness of a noise burst.
    `interruptions`, `others`, `noises`: how many of each. `repeats`: how often backchannels and commands are played
    again, in other answers.
    `other_s`: (from, to) of a recording that is heard as another talker. `to_other`: acoustics of the user's speech to
    somebody else, `background`: those of somebody else's speech (both from Full-Duplex-Bench v1.5).
    """

    lead_s: float = 0.5
    into_answer_s: float = 1.5
    window_s: float = 1.0
    silence_s: float = 2.5
    answer_s: float = 6.0
    enough_s: float = 1.2
    repeats: int = Field(default=2, ge=1)
    interruptions: int = Field(default=40, ge=0)
    others: int = Field(default=25, ge=0)
    other_s: tuple[float, float] = (0.5, 3.0)
    to_other: SceneConfig = SceneConfig(level_db=-8.0, shelf_db=-5.0, reflections=((45.0, -6.0), (120.0, -12.0)))
    background: SceneConfig = SceneConfig(level_db=-15.0, low_pass_hz=3_000.0, reflections=((100.0, -10.0),))
    bursts: tuple[tuple[float, float], ...] = (
        *((0.0, 0.3), (0.2, 0.8), (0.5, 1.5), (1.0, 2.5)),
        *((2.0, 2.4), (2.5, 3.5), (3.0, 3.3)),
    )
    burst_rms: float = Field(default=0.04, gt=0.0)
    least_burst_s: float = Field(default=0.25, gt=0.0)
    silent_db: float = Field(default=26.0, gt=0.0)
    noises: int = Field(default=48, ge=1)
    backchannel_bars: tuple[Bar, ...] = (Bar(of="share", sense="<=", limit=0.08),)
    noise_bars: tuple[Bar, ...] = (Bar(of="share", sense="<=", limit=0.03),)


class PausesConfig(Config):
    """Pauses within the user's turn, which the assistant should wait out.

    `phrase_pauses`: pauses put into phrases of the data folder at places where a shorter phrase would have been
    complete. `before_s`, `after_s`: a start from this long before a pause to this long after it is a takeover in the
    pause. `answer_s`: time limit for the answer after the turn's end. `silence_s`: silence after the turn; it ends
    early once `enough_s` of the answer has been heard.
    """

    phrase_pauses: tuple[float, ...] = (0.0, 0.3, 0.6, 1.0)
    lead_s: float = 0.5
    before_s: float = 0.05
    after_s: float = 0.1
    answer_s: float = 3.0
    silence_s: float = 6.0
    enough_s: float = 1.2
    pause_bars: tuple[Bar, ...] = (Bar(of="share", sense="<=", limit=0.12),)
    clip_bars: tuple[Bar, ...] = (Bar(of="share", sense="<=", limit=0.25),)
    answer_bars: tuple[Bar, ...] = (Bar(of="share", sense=">=", limit=1.0),)
    quiet_bars: tuple[Bar, ...] = (Bar(of="value", sense="<=", limit=0.0),)


class UnderstandingConfig(Config):
    """Questions and answers.

    `wait_s`: how long an answer may take to begin. `quiet_s`: silence after the answer that ends the dialogue.
    `refusals`: an answer that contains one of these says that the assistant does not know.
    """

    lead_s: float = 0.5
    wait_s: float = 8.0
    quiet_s: float = 1.5
    refusals: tuple[str, ...] = ("don't know", "do not know", "not sure", "no idea")
    voice_bars: tuple[Bar, ...] = (Bar(of="share", sense=">=", limit=0.85),)
    frame_bars: tuple[Bar, ...] = (Bar(of="share", sense=">=", limit=0.70),)
    domain_bars: tuple[Bar, ...] = (Bar(of="share", sense=">=", limit=0.85),)
    refusal_bars: tuple[Bar, ...] = (Bar(of="share", sense=">=", limit=0.75),)


class SpeechConfig(Config):
    """The assistant's own voice.

    `asr`: folder of a faster-whisper model that judges it; "" is the packaged tiny.en. `answers`: number of questions
    asked. `cuts`: number of long answers interrupted. `margin_s`: sound kept around an answer.
    A joint is a start, an end, a cut or a slot boundary. It clicks where the largest step from sample to sample
    within `joint_ms` is over `click_floor` (full scale is 1) and over `click_ratio` times the largest one in the
    `around_ms` before and after. `clip_level`: samples at or above it are clipped.
    """

    answers: int = Field(default=80, ge=1)
    cuts: int = Field(default=12, ge=0)
    asr: str = ""
    margin_s: float = 0.3
    joint_ms: float = Field(default=1.0, gt=0.0)
    around_ms: float = Field(default=20.0, gt=0.0)
    click_floor: float = Field(default=0.02, gt=0.0)
    click_ratio: float = Field(default=3.0, gt=0.0)
    clip_level: float = Field(default=0.999, gt=0.0)
    error_bars: tuple[Bar, ...] = (Bar(of="value", sense="<=", limit=0.06),)
    quality_bars: tuple[Bar, ...] = (Bar(of="mean", sense=">=", limit=3.0),)
    click_bars: tuple[Bar, ...] = (Bar(of="value", sense="<=", limit=0.0),)


class EvaluationConfig(Config):
    """Everything that defines a measurement.

    `started_at`: when every conversation takes place, seconds since 1970. `request_words`: least number of words in a
    long answer.
    """

    started_at: float = 1_769_855_700.0
    request_words: int = Field(default=20, ge=1)

    gate: GateConfig = GateConfig()
    clips: ClipConfig = ClipConfig()
    user: UserConfig = UserConfig()
    timing: TimingConfig = TimingConfig()
    turn_taking: TurnTakingConfig = TurnTakingConfig()
    overlap: OverlapConfig = OverlapConfig()
    pauses: PausesConfig = PausesConfig()
    understanding: UnderstandingConfig = UnderstandingConfig()
    speech: SpeechConfig = SpeechConfig()
    protocols: ProtocolsConfig = ProtocolsConfig()
    conditions: ConditionsConfig = ConditionsConfig()
    statistics: StatisticsConfig = StatisticsConfig()
