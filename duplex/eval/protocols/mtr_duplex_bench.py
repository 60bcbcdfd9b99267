"""MTR-DuplexBench's conversational features (Zhang et al. 2026): success, latency and backchannels of one round.

The rules are those of its code, which differs from its documentation: a background sound is talked through if gaps
between words are at most 2 s, not 0.1 s; and its scorer for pauses calls a function that no longer exists, so `pause`
uses its replacement.

Segments of words are in seconds. Nothing here depends on recognisers or files.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from configs.eval.protocols import MtrDuplexBenchConfig
from duplex.eval.conversation_record import TimedWord
from duplex.eval.measures.activity import AudibleSegment


@dataclass(frozen=True)
class SpokenSegment:
    """Words of one segment of a recogniser, from `start` to `end`, seconds."""

    start: float
    end: float
    words: tuple[TimedWord, ...]


def make_segment(words: Sequence[TimedWord]) -> SpokenSegment:
    """Make a segment of at least one word."""
    return SpokenSegment(words[0].start, words[-1].end, tuple(words))


def speaks(segments: Sequence[SpokenSegment], span: AudibleSegment, config: MtrDuplexBenchConfig) -> bool:
    """Whether a segment has at least 1 s of words, or more than three words, that lie completely within the span."""
    for segment in segments:
        inside = [word for word in segment.words if word.start >= span.start and word.end <= span.end]
        meets = segment.start < span.end and segment.end > span.start
        if meets and (_seconds(inside) >= config.speech_s or len(inside) > config.speech_words):
            return True
    return False


def smooth_turn(
    segments: Sequence[SpokenSegment], user: AudibleSegment, model: AudibleSegment, config: MtrDuplexBenchConfig
) -> bool:
    """Success of a smooth turn or an interruption: silent in the user's span, speaking in the model's."""
    return not speaks(segments, user, config) and speaks(segments, model, config)


def pause(segments: Sequence[SpokenSegment], silent: AudibleSegment, config: MtrDuplexBenchConfig) -> bool:
    """Success of a pause: the model does not speak from its start to 1 s after its end."""
    return not speaks(segments, AudibleSegment(silent.start, silent.end + config.pause_tail_s), config)


def background(segments: Sequence[SpokenSegment], sound: AudibleSegment, config: MtrDuplexBenchConfig) -> bool:
    """Success of a background sound: one segment's words cover it from 0.3 s after its start to its end."""
    span = AudibleSegment(sound.start + config.background_lead_s, sound.end)
    return span.start < span.end and any(_covers(segment, span, config) for segment in segments)


def latency(segments: Sequence[SpokenSegment], user_end: float) -> float:
    """Seconds from the user's end to the first segment that ends after it, at least 0; also 0 if there is none."""
    starts = [segment.start for segment in segments if segment.end > user_end]
    return max(0.0, min(starts) - user_end) if starts else 0.0


def backchannel_frequency(segments: Sequence[SpokenSegment], config: MtrDuplexBenchConfig) -> float:
    """Number of segments under 3 s with at most two words, per second of all segments."""
    short = [
        segment
        for segment in segments
        if segment.end - segment.start < config.backchannel_s and _count(segment.words) <= config.backchannel_words
    ]
    spoken = sum(segment.end - segment.start for segment in segments)
    return len(short) / spoken if spoken else 0.0


def _covers(segment: SpokenSegment, span: AudibleSegment, config: MtrDuplexBenchConfig) -> bool:
    """Whether the segment contains the span, and its words have no gap there."""
    if segment.start > span.start or span.end > segment.end - config.tolerance_s:
        return False
    near = [word for word in segment.words if word.end > span.start and word.start < span.end + config.tolerance_s]
    near.sort(key=lambda word: word.start)
    if not near or near[0].start > span.start or near[-1].end < span.end - config.tolerance_s:
        return False
    return all(later.start - word.end <= config.gap_s for word, later in pairwise(near))


def _seconds(words: Sequence[TimedWord]) -> float:
    return sum(word.end - word.start for word in words)


def _count(words: Sequence[TimedWord]) -> int:
    """Number of words that are more than punctuation."""
    return sum(any(character.isalnum() for character in word.text) for word in words)
