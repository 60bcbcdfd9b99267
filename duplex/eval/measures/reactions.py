"""Decides from labels whether an assistant rightly ignored what was not meant for it, and waited in a pause.

Windows are tau-voice's (tau2-bench, `docs/interaction-metrics.md`): a backchannel, a vocal tic or speech to somebody
else must not silence a speaking assistant within 1 s of its start; a silent assistant must not answer a tic or speech
to somebody else until 2 s after its end. Noise is judged like a tic. The assistant must not take the turn in a pause
(`docs/evaluation.md`, Pauses).

Times are in seconds. Nothing here depends on samples or files.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from configs.eval.scoring import TurnScoringConfig
from duplex.eval.measures.activity import AudibleSegment

ReactionKind = Literal["backchannel", "vocal_tic", "non_directed", "noise", "pause"]
KINDS: tuple[ReactionKind, ...] = ("backchannel", "vocal_tic", "non_directed", "noise", "pause")


@dataclass(frozen=True)
class Reaction:
    """A labelled sound (or pause) of the user, and whether the assistant reacted correctly.

    Attributes:
        speaking: whether the assistant was speaking when it began.
        right: None if there is no rule: a backchannel while the assistant is silent, a pause while it speaks anyway.
    """

    kind: ReactionKind
    start: float
    end: float
    speaking: bool
    right: bool | None


def reaction(
    kind: ReactionKind, start: float, end: float, said: Sequence[AudibleSegment], config: TurnScoringConfig
) -> Reaction:
    """The assistant's reaction to a sound (tau-voice's windows, version 1.0).

    Args:
        said: its speech in order, including its own pauses.
    """
    speaking = next((one for one in said if one.start < start < one.end), None)
    if kind == "pause":
        taken = _starts(said, start - config.before_pause_s, end + config.after_pause_s)
        return Reaction(kind, start, end, speaking is not None, None if speaking and not taken else not taken)
    if speaking is not None:
        window = _yield_s(kind, config)
        return Reaction(kind, start, end, True, speaking.end - start > window)
    if kind == "backchannel":
        return Reaction(kind, start, end, False, None)
    window = (
        config.selectivity.non_directed_response_s
        if kind == "non_directed"
        else config.selectivity.vocal_tic_response_s
    )
    return Reaction(kind, start, end, False, not _starts(said, start, end + window))


def _yield_s(kind: ReactionKind, config: TurnScoringConfig) -> float:
    windows = {
        "backchannel": config.selectivity.backchannel_yield_s,
        "non_directed": config.selectivity.non_directed_yield_s,
    }
    return windows.get(kind, config.selectivity.vocal_tic_yield_s)


def _starts(said: Sequence[AudibleSegment], begin: float, end: float) -> bool:
    return any(begin <= one.start <= end for one in said)
