"""Full-Duplex-Bench: takeover, latencies and backchannels of v1 (Lin et al. 2025), stops and responses of v1.5.

This module was written from the definitions; where code and paper differ, the values are those of the code. Known
weaknesses are kept: a takeover is judged by the whole file, two single words two seconds apart are a takeover, and the
latencies that the benchmark publishes are clamped at 0 and leave out samples without a takeover. Signed latencies are
available as well.

Words and segments are in seconds. Nothing here depends on samples, recognisers or voice activity detectors.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

from configs.eval.protocols import FullDuplexBenchConfig
from duplex.eval.measures.activity import AudibleSegment, join

_MS = 1000
_DIGITS = 3


class RecognisedWord(Protocol):
    """A word of the assistant; `end` is None if a recogniser did not give it."""

    @property
    def start(self) -> float:
        """Seconds."""
        ...

    @property
    def end(self) -> float | None:
        """Seconds."""
        ...


@dataclass(frozen=True)
class Sample:
    """One sample of v1: whether the assistant took the turn, and its latency in signed seconds, None without a
    takeover."""

    takeover: bool
    latency: float | None


@dataclass(frozen=True)
class Backchannels:
    """A listener's file of v1: whether it took the turn, and the segments that count as backchannels."""

    takeover: bool
    segments: tuple[AudibleSegment, ...]


def takeover(words: Sequence[RecognisedWord], config: FullDuplexBenchConfig) -> bool:
    """Takeover (TOR of v1, by its code): the words of the whole output last at least 1 s from first to last, or there
    are more than three."""
    if not words:
        return False
    end = words[-1].start if words[-1].end is None else words[-1].end
    return end - words[0].start >= config.turn_s or len(words) > config.turn_words


def turn_taking(words: Sequence[RecognisedWord], user_end: float, config: FullDuplexBenchConfig) -> Sample:
    """Smooth turn-taking, or an interruption whose `words` are those after its end (v1): latency of the first word."""
    taken = takeover(words, config)
    return Sample(taken, words[0].start - user_end if taken else None)


def takeover_rate(samples: Sequence[Sample]) -> float | None:
    """Share of samples with a takeover (TOR of v1); None without samples."""
    return sum(sample.takeover for sample in samples) / len(samples) if samples else None


def average_published_latency(samples: Iterable[Sample]) -> float | None:
    """Mean latency as v1 publishes it: over samples with a takeover, negative ones as 0; None without a takeover."""
    return _mean([max(0.0, sample.latency) for sample in samples if sample.latency is not None])


def average_signed_latency(samples: Iterable[Sample]) -> float | None:
    """The same mean with negative latencies unchanged."""
    return _mean([sample.latency for sample in samples if sample.latency is not None])


def backchannels(
    words: Sequence[RecognisedWord], segments: Sequence[AudibleSegment], config: FullDuplexBenchConfig
) -> Backchannels:
    """Backchannels of a listener (v1, by its code).

    A segment over 3 s takes the turn, and later segments are ignored. Otherwise the last segment decides.

    Args:
        words: words of the output. segments: those of its voice activity detector (Silero in the benchmark), in order.
    """
    taken = False
    found: list[AudibleSegment] = []
    for segment in segments:
        if segment.end - segment.start > config.backchannel_s:
            return Backchannels(True, tuple(found))
        count = sum(_within(word, segment) for word in words)
        taken = segment.end - segment.start >= config.short_s or count > config.short_words
        found.append(segment)
    return Backchannels(taken, tuple(found))


def frequency(found: Backchannels, seconds: float) -> float:
    """Backchannels per second (v1) of an output that lasts `seconds`."""
    return len(found.segments) / seconds


def stops(
    user: Iterable[AudibleSegment], assistant: Iterable[AudibleSegment], config: FullDuplexBenchConfig
) -> tuple[AudibleSegment, ...]:
    """Stop latencies of v1.5 (its `get_timing.py`): every span in which both speak, in ms precision, ordered by their
    ends.

    The latency of an assistant that never yields is thus at most the length of the user's speech.
    """
    theirs, ours = _both(user, assistant, config)
    spans = [AudibleSegment(max(a.start, b.start), min(a.end, b.end)) for a in theirs for b in ours]
    shortest: dict[int, AudibleSegment] = {}
    for span in spans:
        place = round(span.end * _MS)
        if span.start < span.end and (place not in shortest or _length(span) < _length(shortest[place])):
            shortest[place] = span
    return tuple(_round_edges(span) for span in sorted(shortest.values(), key=lambda span: span.end))


def responses(
    user: Iterable[AudibleSegment], assistant: Iterable[AudibleSegment], config: FullDuplexBenchConfig
) -> tuple[AudibleSegment, ...]:
    """Response latencies of v1.5 (its `get_timing.py`): from each end of the user to the assistant's next start, the
    shortest per start."""
    theirs, ours = _both(user, assistant, config)
    last: dict[int, AudibleSegment] = {}
    for turn in theirs:
        start = next((segment.start for segment in ours if segment.start > turn.end), None)
        if start is not None:
            last[round(start * _MS)] = _round_edges(AudibleSegment(turn.end, start))
    return tuple(sorted(last.values(), key=lambda gap: gap.end))


def _both(
    user: Iterable[AudibleSegment], assistant: Iterable[AudibleSegment], config: FullDuplexBenchConfig
) -> tuple[list[AudibleSegment], list[AudibleSegment]]:
    return join(user, config.user_merge_s), join(assistant, config.assistant_merge_s)


def _within(word: RecognisedWord, segment: AudibleSegment) -> bool:
    """Whether a word with a known end touches the segment, by the benchmark's rule."""
    if word.end is None:
        return False
    inside = word.start >= segment.start and word.end <= segment.end
    goes_on = word.start <= segment.end < word.end
    came_in = word.start <= segment.start < word.end
    return inside or goes_on or came_in


def _length(segment: AudibleSegment) -> float:
    return segment.end - segment.start


def _round_edges(segment: AudibleSegment) -> AudibleSegment:
    return AudibleSegment(round(segment.start, _DIGITS), round(segment.end, _DIGITS))


def _mean(values: Sequence[float]) -> float | None:
    return sum(values) / len(values) if values else None
