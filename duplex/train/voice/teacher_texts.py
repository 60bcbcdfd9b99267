"""Texts for the teacher voice: natural sentences from files, and templates filled with words, numbers, times, letters.

An utterance is a list of items, each a lower-case word or a punctuation mark. Nothing here depends on sound.
"""

import random
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

from duplex.model.text.numbers import cardinal

Items = tuple[str, ...]

_ITEM: Final = re.compile(r"[a-z][a-z']*|[,.?!]")
_UNUSABLE: Final = re.compile(r"[^a-z0-9 ,.'!?;:()\-]|\.\.|\d{5}|--|\b[a-z]\.[a-z]\.")
_SENTENCE_END: Final = re.compile(r"(?<=[.!?])\s+(?=[A-Z])")
_SLOT: Final = re.compile(r"\{(\w+)\}")
_LETTERS: Final = "abcdefghijklmnopqrstuvwxyz"
_SHORTEST, _LONGEST = 2, 28


def items_of(text: str) -> Items | None:
    """Items of a text: numbers become words, hyphens spaces, other pauses commas; None if that is not possible."""
    lowered = " ".join(text.lower().replace("’", "'").split())
    if _UNUSABLE.search(lowered):
        return None
    worded = re.sub(r"\d+", lambda match: f" {cardinal(int(match.group()))} ", lowered)
    plain = re.sub(r"[()\-]", " ", re.sub(r"[;:]", ",", worded))
    items = [item.strip("'") if item not in ("'",) else "" for item in _ITEM.findall(plain)]
    return tuple(item for item in items if item) or None


def natural_sentences(paths: Sequence[Path]) -> Iterator[Items]:
    """Sentences of files whose paragraphs end with a line "%" (or with the file)."""
    for path in paths:
        for paragraph in path.read_text(encoding="utf-8", errors="ignore").split("\n%\n"):
            body = re.sub(r"\s+--.*$", "", re.sub(r".\x08", "", paragraph), flags=re.S)
            for sentence in _SENTENCE_END.split(" ".join(body.split())):
                if (items := items_of(sentence)) and _is_sentence(sentence, items):
                    yield items


def _is_sentence(text: str, items: Items) -> bool:
    return (
        text[:1].isupper()
        and items[-1] in ".?!"
        and _SHORTEST < len(items) <= _LONGEST
        and not re.search(r"[A-Z]{4}", text)
    )


class Patterns:
    """Fills sentence patterns with seeded draws; `words` are the lexicon's, `patterns` is the corpus YAML."""

    def __init__(self, patterns: dict[str, Any], words: Sequence[str]) -> None:
        self._patterns: list[str] = patterns["patterns"]
        self._lists: dict[str, list[str]] = patterns["lists"]
        self._words = sorted(word for word in words if word.isalpha() and 3 <= len(word) <= 12)

    def draw(self, rng: random.Random) -> Items:
        """Draw one sentence."""
        pattern = rng.choice(self._patterns)
        items = items_of(_SLOT.sub(lambda match: self._fill(match.group(1), rng), pattern))
        assert items is not None, f"pattern {pattern!r} gives unusable text"
        return items

    def _fill(self, slot: str, rng: random.Random) -> str:
        match slot:
            case "word":
                return rng.choice(self._words)
            case "number":
                return _number(rng)
            case "year":
                return f"{cardinal(rng.randint(11, 20))} {cardinal(rng.randint(10, 99))}"
            case "time":
                return _time(rng)
            case "letters":
                return rng.choice([" ", ", "]).join(rng.choices(_LETTERS, k=rng.randint(2, 7)))
            case "count":
                start = rng.randint(1, 30)
                return ", ".join(cardinal(number) for number in range(start, start + rng.randint(4, 10)))
            case _:
                return rng.choice(self._lists[slot])


def _number(rng: random.Random) -> str:
    return cardinal(rng.randint(0, rng.choice([12, 30, 100, 100, 1000, 9999])))


def _time(rng: random.Random) -> str:
    hour, minute = cardinal(rng.randint(1, 12)), rng.randint(0, 59)
    if minute == 0:
        return f"{hour} o'clock"
    return f"{hour} {'oh ' if minute < 10 else ''}{cardinal(minute)}" + rng.choice(["", "", " a m", " p m"])


def utterances(natural: Iterator[Items], patterns: Patterns, share: float, rng: random.Random) -> Iterator[Items]:
    """Endless utterances: natural sentences (`share` of the draws, until they end) and patterns, one to three at a
    time."""
    pool = list(dict.fromkeys(natural))
    rng.shuffle(pool)
    left = iter(pool)

    def sentence() -> Items:
        found = next(left, None) if rng.random() < share else None
        return found if found is not None else patterns.draw(rng)

    while True:
        count = rng.choices([1, 2, 3], [0.72, 0.2, 0.08])[0]
        yield tuple(item for _ in range(count) for item in sentence())
