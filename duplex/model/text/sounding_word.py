"""A sounding word, as every voice reports it: its number in an answer and its time in a slot, without text or audio."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class SoundingWord:
    """A word, or a part of it, that sounds in a slot.

    Attributes:
        item: index of the word among all words and punctuation marks given since the answer began.
        start_ms, end_ms: within the slot.
        done: how much of the word has been spoken by the slot's end, 0..1.
    """

    item: int
    start_ms: float
    end_ms: float
    done: float


def measure_played(pieces: Sequence[tuple[float, float, float]], until: float) -> float:
    """How much of a word has sounded at `until`, 0..1; it grows evenly within its pieces (start, end, done)."""
    before = 0.0
    for start, end, done in pieces:
        if end > until:
            return before + max(0.0, until - start) / max(end - start, 1e-9) * (done - before)
        before = done
    return before
