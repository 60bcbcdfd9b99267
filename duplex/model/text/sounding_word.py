"""A sounding word, as every voice reports it: its number in an answer and its time in a slot, without text or audio."""

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
