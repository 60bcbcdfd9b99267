"""Whether an assistant rightly ignored what was not meant for it, and waited in a pause; by labels.

Windows are tau-voice's (tau2-bench, `docs/interaction-metrics.md`): a backchannel, a vocal tic, speech to somebody else
may not silence a speaking assistant within 1 s of its start; a tic or speech to somebody else may not be answered by a
silent one until 2 s after its end. Noise is judged like a tic. A pause may not be taken (`docs/evaluation.md`, Pauses).

Knows times in seconds; knows nothing of samples or files.
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
    """A labelled sound (or pause) of the user and whether the assistant did right.

    Attributes:
        speaking: whether the assistant was speaking when it began.
        right: None where there is no rule: a backchannel to a silent assistant, a pause while it spoke anyway.
    """

    kind: ReactionKind
    start: float
    end: float
    speaking: bool
    right: bool | None


def reaction(
    kind: ReactionKind, start: float, end: float, said: Sequence[AudibleSegment], config: TurnScoringConfig
) -> Reaction:
    """What the assistant made of a sound.

    Args:
        said: its speech, its own pauses included, in order.
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
