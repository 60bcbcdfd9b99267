"""Turn-taking definitions on segments: mute, respond, stop. `docs/evaluation.md` states them in words.

They make OmniDRCA's success criterion (Appendix A: mute while the user speaks, respond afterwards) precise; windows and
limits are ours.

Times are in seconds; latencies are signed and never clamped. Nothing here depends on samples or suites.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from configs.eval.evaluation import TimingConfig
from duplex.eval.conversation_record import SlotTrace
from duplex.eval.measures.activity import AudibleSegment

NEVER = float("inf")


@dataclass(frozen=True)
class UserTurn:
    """Speech of the user from `start` to `end`; `until` is when the user speaks again."""

    start: float
    end: float
    until: float = NEVER


def mute(speech: Sequence[AudibleSegment], turn: UserTurn, grace: float, config: TimingConfig) -> bool:
    """Whether the assistant is silent in [start + grace, end - tail] (OmniDRCA, Appendix A, with a grace period of
    ours)."""
    begin, end = turn.start + grace, turn.end - config.tail_s
    return end <= begin or not any(segment.overlaps(begin, end) for segment in speech)


def response(speech: Sequence[AudibleSegment], turn: UserTurn, config: TimingConfig) -> float | None:
    """Response latency: from the turn's end to the assistant's first start in (end - early, until], seconds; None if
    there is none."""
    starts = [s.start for s in speech if turn.end - config.early_s < s.start <= turn.until]
    return min(starts) - turn.end if starts else None


def speaking_at(speech: Sequence[AudibleSegment], time: float) -> AudibleSegment | None:
    """The segment that sounds at `time`."""
    return next((segment for segment in speech if segment.covers(time)), None)


def stop(speech: Sequence[AudibleSegment], onset: float) -> float | None:
    """Stop latency: from the user's onset to the end of the assistant's segment at that time, seconds; None if it is
    silent."""
    segment = speaking_at(speech, onset)
    return segment.end - onset if segment else None


def starts_within(speech: Sequence[AudibleSegment], begin: float, end: float) -> list[float]:
    """Starts of the assistant strictly inside (begin, end)."""
    return [segment.start for segment in speech if begin < segment.start < end]


def why_silent(slots: Sequence[SlotTrace], end: float, join_s: float) -> str:
    """Why a segment ended at `end`: "cut", "end" (the answer had ended), "pause" (the assistant's own), or ""
    (unknown).

    A decision that silences a segment takes effect within `join_s` of its end.
    """
    if not slots:
        return ""
    decisions = [slot for slot in slots if slot.event in ("cut", "end") and abs(slot.sounds_at - end) <= join_s]
    if not decisions:
        return "pause"
    return min(decisions, key=lambda slot: abs(slot.sounds_at - end)).event
