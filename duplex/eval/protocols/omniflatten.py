"""OmniFlatten's Turn-taking Acc@K (Zhang et al. 2024, section 4.3) on speech segments.

The paper counts speech tokens of 40 ms; here a token is a frame of that length. Frame K = 1, 2, ... after the time t is
[t + 40 (K - 1) ms, t + 40 K ms]. It has voice activity if it shares more than a point with a segment.

This module takes segments and one time; it does not depend on samples or suites.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from configs.eval.protocols import OmniFlattenConfig
from duplex.eval.measures.activity import AudibleSegment
from duplex.eval.measures.timing import speaking_at


@dataclass(frozen=True)
class TurnTaken:
    """How one turn was taken or yielded.

    Attributes:
        latency: seconds from the user's end (onset) until the assistant speaks (is silent); None: not within the limit.
        hits: whether it speaks (is silent) in frame K, for each K of the configuration.
    """

    latency: float | None
    hits: tuple[bool, ...]


def assistant_turn(speech: Sequence[AudibleSegment], user_end: float, config: OmniFlattenConfig) -> TurnTaken:
    """Assistant turn-taking (Zhang et al. 2024, section 4.3): voice activity of the assistant in the K-th frame after
    the user's end.

    An assistant that already sounds at the user's end has latency 0, because earlier tokens do not count.
    """
    starts = [max(0.0, segment.start - user_end) for segment in speech if segment.end > user_end]
    latency = min(starts, default=None)
    if latency is None or latency > config.limit_s:
        return _fail(config)
    return TurnTaken(latency, tuple(_speaks(speech, user_end, k, config) for k in config.frames))


def user_turn(speech: Sequence[AudibleSegment], onset: float, config: OmniFlattenConfig) -> TurnTaken | None:
    """User turn-taking (Zhang et al. 2024, section 4.3): silence of the assistant in the K-th frame after the user's
    onset.

    None if it does not speak at the onset. Its own pauses belong to its speech if `speech` joins them: an assistant
    that is silent in frame K but continues beyond the limit has not stopped.
    """
    held = speaking_at(speech, onset)
    if held is None:
        return None
    latency = held.end - onset
    if latency > config.limit_s:
        return _fail(config)
    return TurnTaken(latency, tuple(not _speaks(speech, onset, k, config) for k in config.frames))


def _fail(config: OmniFlattenConfig) -> TurnTaken:
    return TurnTaken(None, (False,) * len(config.frames))


def _speaks(speech: Sequence[AudibleSegment], time: float, frame: int, config: OmniFlattenConfig) -> bool:
    begin = time + (frame - 1) * config.frame_s
    return any(segment.overlaps(begin, begin + config.frame_s) for segment in speech)
