"""Finds from speech segments alone who had the turn in a dialogue, how fast the assistant answered and fell silent.

- A user's turn is speech with gaps up to 0.6 s, the assistant's speech has gaps up to 0.5 s (Full-Duplex-Bench v1.5).
  An assistant that starts in a gap of the user's splits the turn there; an interruption that ends in a gap of the
    assistant's splits its speech.
- Response: each start of the assistant, minus the end of the user's latest turn, if nothing was started in between.
  It is signed: an assistant that starts before the user's end and continues beyond it answers early.
- Stop: if the user begins while the assistant speaks, the time from that onset to the assistant's silence. It is void
  if that silence, or the onset, falls in one of the assistant's own pauses, or if the assistant had only just begun.

Times are in seconds. All limits are in `configs.eval.scoring.TurnScoringConfig`. Nothing here depends on samples or
files.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

from configs.eval.scoring import TurnScoringConfig
from duplex.eval.measures.activity import AudibleSegment, join

TurnKind = Literal["turn", "interrupt", "backchannel"]

IN_PAUSE = "the user began in a pause of the assistant's own"
JUST_BEGUN = "the assistant had only just begun"
OWN_PAUSE = "the assistant paused by itself and went on"
SILENT = "the assistant was silent"


@dataclass(frozen=True)
class UserSpeech:
    """Speech of the user that is one turn or one backchannel; `kind` is None if no label says which."""

    start: float
    end: float
    kind: TurnKind | None = None


@dataclass(frozen=True)
class ScoredTurn:
    """Speech of the user and the assistant's reaction.

    Attributes:
        start, end: seconds.
        kind: "interrupt" if the assistant was speaking; a "backchannel" needs no answer.
        response: from its end to `answer`, the assistant's start, signed seconds; None without an answer.
        stop: from its start to the assistant's silence, seconds; None if there is none or it is void.
        yielded: whether an interrupted assistant stopped; None if it was not interrupted or the stop is void.
        void: why there is no stop although the assistant was interrupted.
    """

    start: float
    end: float
    kind: TurnKind
    answer: float | None = None
    stop: float | None = None
    yielded: bool | None = None
    void: str = ""

    @property
    def response(self) -> float | None:
        """From the user's end to the assistant's start, signed seconds."""
        return None if self.answer is None else self.answer - self.end


@dataclass(frozen=True)
class Analysis:
    """A dialogue.

    Attributes:
        turns: turns of the user, in order.
        said: the assistant's speech, including its own pauses up to the longest gap.
        backchannels: backchannels of the assistant within a user's turn.
        barge_ins: its other speech that begins within a user's turn before that is nearly over.
    """

    turns: tuple[ScoredTurn, ...]
    said: tuple[AudibleSegment, ...]
    backchannels: tuple[AudibleSegment, ...]
    barge_ins: tuple[AudibleSegment, ...]

    @property
    def response_s(self) -> list[float]:
        """Responses in order of time."""
        answered = sorted((turn for turn in self.turns if turn.answer is not None), key=lambda turn: turn.answer or 0.0)
        return [turn.response for turn in answered if turn.response is not None]

    @property
    def stop_s(self) -> list[float]:
        """Stops in order of time."""
        return [turn.stop for turn in self.turns if turn.stop is not None]


def analyse(user: Sequence[AudibleSegment], assistant: Sequence[AudibleSegment], config: TurnScoringConfig) -> Analysis:
    """Find turns, responses and stops from the speech of both sides (rules in the module's docstring)."""
    whole = join(user, config.user_gap_s)
    said = _find_speech(assistant, whole, config)
    return _analysis(
        [UserSpeech(one.start, one.end) for one in _user_turns(user, said, config)], assistant, said, config
    )


def analyse_known(
    user: Sequence[UserSpeech], assistant: Sequence[AudibleSegment], config: TurnScoringConfig
) -> Analysis:
    """The same for known turns of the user, whose edges and kinds are not changed.

    If an assistant never yields to a known interruption, its stop is the rest of its speech and `yielded` is False.
    """
    turns = sorted(user, key=lambda one: (one.start, one.end))
    said = _find_speech(
        assistant, [AudibleSegment(one.start, one.end) for one in turns if one.kind != "backchannel"], config
    )
    return _analysis(turns, assistant, said, config)


def _find_speech(
    assistant: Sequence[AudibleSegment], user: Sequence[AudibleSegment], config: TurnScoringConfig
) -> list[AudibleSegment]:
    """The assistant's speech with gaps bridged, except for a gap in which the interruption that silenced it ends."""
    out: list[AudibleSegment] = []
    before: AudibleSegment | None = None
    for segment in join(assistant, config.pause_s):
        if before and segment.start - before.end <= config.assistant_gap_s and not _is_exchange(before, segment, user):
            out[-1] = AudibleSegment(out[-1].start, segment.end)
        else:
            out.append(segment)
        before = segment
    return out


def _is_exchange(before: AudibleSegment, after: AudibleSegment, user: Sequence[AudibleSegment]) -> bool:
    """Whether the user interrupted `before` and ended between it and `after`."""
    return any(before.start < one.start < before.end <= one.end <= after.start for one in user)


def _user_turns(
    user: Sequence[AudibleSegment], said: Sequence[AudibleSegment], config: TurnScoringConfig
) -> list[AudibleSegment]:
    """The user's turns; a gap in which the assistant starts to answer is a turn exchange."""
    out: list[AudibleSegment] = []
    for segment in join(user, config.pause_s):
        last = out[-1] if out else None
        if (
            last is None
            or segment.start - last.end > config.user_gap_s
            or any(_answers_within(one, last.end, segment.start, config) for one in said)
        ):
            out.append(segment)
        else:
            out[-1] = AudibleSegment(last.start, segment.end)
    return out


def _answers_within(said: AudibleSegment, begin: float, end: float, config: TurnScoringConfig) -> bool:
    starts = begin <= said.start < end
    return starts and not (said.end <= end and said.end - said.start <= config.short_s)


def _analysis(
    user: Sequence[UserSpeech],
    assistant: Sequence[AudibleSegment],
    said: Sequence[AudibleSegment],
    config: TurnScoringConfig,
) -> Analysis:
    voiced = join(assistant, config.pause_s)
    turns = [_turn(one, voiced, said, config) for one in user]
    backchannels, barge_ins = [], []
    answered: dict[int, float | None] = {}
    for segment in said:
        at = _turn_before(turns, segment.start)
        if at is None or at in answered:
            continue
        turn, length = turns[at], segment.end - segment.start
        if segment.start >= turn.end or (segment.end >= turn.end and turn.end - segment.start <= config.early_s):
            answered[at] = segment.start
        elif segment.end < turn.end and length <= config.short_s:
            backchannels.append(segment)
        else:
            barge_ins.append(segment)
            if segment.end >= turn.end:
                answered[at] = None
    done = [replace(turn, answer=answered.get(at)) for at, turn in enumerate(turns)]
    return Analysis(tuple(done), tuple(said), tuple(backchannels), tuple(barge_ins))


def _turn_before(turns: Sequence[ScoredTurn], time: float) -> int | None:
    """The latest turn that began before `time`."""
    begun = [at for at, turn in enumerate(turns) if turn.kind != "backchannel" and turn.start < time]
    return begun[-1] if begun else None


def _turn(
    user: UserSpeech, voiced: Sequence[AudibleSegment], said: Sequence[AudibleSegment], config: TurnScoringConfig
) -> ScoredTurn:
    """Classify the user's speech, and decide whether it stopped the assistant."""
    over = next((one for one in said if one.start < user.start < one.end), None)
    if over is None:
        return ScoredTurn(user.start, user.end, user.kind or "turn", void=SILENT if user.kind == "interrupt" else "")
    if user.kind == "backchannel":
        return ScoredTurn(user.start, user.end, "backchannel")
    kind: TurnKind = user.kind or "interrupt"
    short = user.kind is None and user.end - user.start <= config.short_s
    sounding = next((one for one in voiced if one.start < user.start < one.end), None)
    if sounding is None or user.start - sounding.start < config.voiced_s:
        if short and over.end > user.end + config.stop_after_s:
            return ScoredTurn(user.start, user.end, "backchannel")
        return ScoredTurn(user.start, user.end, kind, void=IN_PAUSE if sounding is None else JUST_BEGUN)
    if _stops(user, sounding, voiced, config):
        return ScoredTurn(user.start, user.end, kind, stop=sounding.end - user.start, yielded=True)
    if short:
        return ScoredTurn(user.start, user.end, "backchannel")
    if sounding.end <= user.end:
        return ScoredTurn(user.start, user.end, kind, void=OWN_PAUSE)
    rest = over.end - user.start if user.kind == "interrupt" else None
    return ScoredTurn(user.start, user.end, kind, stop=rest, yielded=False)


def _stops(
    user: UserSpeech, sounding: AudibleSegment, voiced: Sequence[AudibleSegment], config: TurnScoringConfig
) -> bool:
    """Whether the assistant's silence after `sounding` is due to the user."""
    if sounding.end > user.end + config.stop_after_s:
        return False
    again = min((one.start for one in voiced if one.start >= sounding.end), default=float("inf"))
    return again - sounding.end >= config.stay_silent_s or sounding.end <= user.end <= again
