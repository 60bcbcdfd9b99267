"""Constants of other projects' benchmarks, as `duplex.eval.protocols` computes them.

Every number is theirs: change one, and the result is no longer comparable with what they publish. Times are in
seconds.
"""

from pydantic import Field

from configs.base import Config


class TauVoiceConfig(Config):
    """Windows of tau-voice's interaction panel (tau2-bench, `docs/interaction-metrics.md`, version 1.0).

    `tick_s`: length of a tick. `answer_gap_s`: gaps in the assistant's speech up to this length are pauses within an
    answer, unless other information is available. `yield_s`: an interrupted assistant yields within it.
    `backchannel_yield_s`, `vocal_tic_yield_s`, `non_directed_yield_s`: falling silent within it is an error.
    `vocal_tic_response_s`, `non_directed_response_s`: starting to speak within it, out of silence, is an error.
    `overlapping_as_speech`: whether a tic or a remark to somebody else that begins while the assistant speaks counts as
    the user's speech, so that a correct reaction to it counts too. Otherwise it is a sound separate from the user's
    speech, as in tau2's own traces, and only wrong reactions are counted.
    """

    tick_s: float = Field(default=0.2, gt=0.0)
    answer_gap_s: float = Field(default=0.5, ge=0.0)
    yield_s: float = Field(default=2.0, gt=0.0)
    backchannel_yield_s: float = Field(default=1.0, gt=0.0)
    vocal_tic_yield_s: float = Field(default=1.0, gt=0.0)
    non_directed_yield_s: float = Field(default=1.0, gt=0.0)
    vocal_tic_response_s: float = Field(default=2.0, gt=0.0)
    non_directed_response_s: float = Field(default=2.0, gt=0.0)
    overlapping_as_speech: bool = True


class FullDuplexBenchConfig(Config):
    """Thresholds of Full-Duplex-Bench v1 and v1.5 (values of its code, not of its comments).

    `turn_s`, `turn_words`: output that is shorter than this from the first word to the last and has at most this many
    words is not a takeover. `backchannel_s`: a longer segment is a turn. `short_s`, `short_words`: a shorter segment
    with at most this many words is a backchannel; any other takes the turn. `user_merge_s`, `assistant_merge_s`: gaps
    up to this length are bridged (v1.5).
    """

    turn_s: float = Field(default=1.0, gt=0.0)
    turn_words: int = Field(default=3, ge=0)
    backchannel_s: float = Field(default=3.0, gt=0.0)
    short_s: float = Field(default=1.0, gt=0.0)
    short_words: int = Field(default=2, ge=0)
    user_merge_s: float = Field(default=0.6, ge=0.0)
    assistant_merge_s: float = Field(default=0.5, ge=0.0)


class OmniFlattenConfig(Config):
    """OmniFlatten's Turn-taking Acc@K (OmniFlatten, Table 4).

    `frame_s`: length of one of its speech tokens. `frames`: the values of K. `limit_s`: an assistant that has not
    started (or stopped) by then fails for every K.
    """

    frame_s: float = Field(default=0.04, gt=0.0)
    frames: tuple[int, ...] = (1, 5, 10, 25)
    limit_s: float = Field(default=1.5, gt=0.0)


class MtrDuplexBenchConfig(Config):
    """Thresholds of MTR-DuplexBench's conversational features (values of its code).

    `speech_s`, `speech_words`: a segment counts as speech within a range if it has at least `speech_s` of words or more
    than `speech_words` words there. `backchannel_s`, `backchannel_words`: a shorter segment with at most this many
    words is a backchannel. `pause_tail_s`: the assistant must not take the turn from the start of a pause until this
    long after it. `background_lead_s`: a background sound counts from this long after its start. `tolerance_s`:
    tolerance at the edges of a range that words must cover. `gap_s`: words further apart leave a gap.
    """

    speech_s: float = Field(default=1.0, gt=0.0)
    speech_words: int = Field(default=3, ge=0)
    backchannel_s: float = Field(default=3.0, gt=0.0)
    backchannel_words: int = Field(default=2, ge=0)
    pause_tail_s: float = Field(default=1.0, ge=0.0)
    background_lead_s: float = Field(default=0.3, ge=0.0)
    tolerance_s: float = Field(default=0.1, ge=0.0)
    gap_s: float = Field(default=2.0, ge=0.0)


class ProtocolsConfig(Config):
    """The constants of all protocols."""

    tau_voice: TauVoiceConfig = TauVoiceConfig()
    full_duplex_bench: FullDuplexBenchConfig = FullDuplexBenchConfig()
    omniflatten: OmniFlattenConfig = OmniFlattenConfig()
    mtr_duplex_bench: MtrDuplexBenchConfig = MtrDuplexBenchConfig()
