"""Simulates what a small speech recognizer might hear instead of the user's words.

Errors come from a table of observed confusions. Without a table they are synthetic: words that sound alike, changed
letters, and words that are lost, added, split or joined. Nothing here depends on audio.
"""

import random
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from difflib import SequenceMatcher
from itertools import groupby

from configs.model.language import MishearingConfig

WordPair = tuple[str, str]

_FILLERS = ("um", "uh", "the", "a", "and", "so", "oh", "is", "it", "to", "of", "in")
_LETTERS = "aeioubdgklmnprst"
_LONGEST_CONFUSION = 3
_SHORTEST_SPLIT = 6
_SOUNDS = (
    (re.compile(r"[^a-z]"), ""),
    (re.compile(r"ph"), "f"),
    (re.compile(r"ck|q|c(?![eiyh])|x"), "k"),
    (re.compile(r"c(?=[eiy])|z"), "s"),
    (re.compile(r"gh|(?<=[aeiou])[hw]"), ""),
    (re.compile(r"v"), "f"),
    (re.compile(r"d"), "t"),
    (re.compile(r"b"), "p"),
    (re.compile(r"[aeiouy]+"), "a"),
    (re.compile(r"(.)\1+"), r"\1"),
    (re.compile(r"a$"), ""),
)


def sound_of(word: str) -> str:
    """A rough key of a word's sound, in the manner of Soundex: its consonants with similar ones merged, vowels as one
    sign."""
    for pattern, sign in _SOUNDS:
        word = pattern.sub(sign, word)
    return word


def confusions(pairs: Iterable[WordPair]) -> dict[str, list[str]]:
    """Collect what was recognised instead of one to three words, each as often as it was seen, from whole utterances.

    Args:
        pairs: (what was said, what was recognised), both as words in lower case.
    """
    table: dict[str, list[str]] = defaultdict(list)
    for said, heard in pairs:
        a, b = said.split(), heard.split()
        for _, i, j, k, m in SequenceMatcher(None, a, b, autojunk=False).get_opcodes():
            if a[i:j] != b[k:m] and 0 < j - i <= _LONGEST_CONFUSION and m - k <= _LONGEST_CONFUSION:
                table[" ".join(a[i:j])].append(" ".join(b[k:m]))
    return dict(table)


class Mishearing:
    """Draws recognition errors: `mishearing(words, rng) -> words`."""

    def __init__(self, config: MishearingConfig, vocabulary: Iterable[str], pairs: Iterable[WordPair] = ()) -> None:
        """`vocabulary`: words that may be heard by mistake. `pairs`: what was said and what was recognised."""
        self._config = config
        self._table = confusions(pairs)
        self._alike: dict[str, list[str]] = defaultdict(list)
        for word in sorted(set(vocabulary)):
            self._alike[sound_of(word)].append(word)
        odds = {
            self._substitute: config.substitute,
            self._delete: config.delete,
            self._insert: config.insert,
            self._split: config.split,
            self._join: config.join,
        }
        self._errors, self._odds = tuple(odds), tuple(odds.values())

    def __call__(self, words: Sequence[str], rng: random.Random) -> list[str]:
        """What is heard of `words`; never empty if something was said."""
        said = _initials(words) if rng.random() < self._config.initials else list(words)
        if rng.random() < self._config.clean:
            return said
        return list(self._mishear(said, rng)) or said

    def _mishear(self, words: list[str], rng: random.Random) -> Iterator[str]:
        place = 0
        while place < len(words):
            if rng.random() >= self._config.rate:
                yield words[place]
                place += 1
                continue
            taken, heard = self._from_table(words, place, rng)
            if not taken:
                taken, heard = rng.choices(self._errors, self._odds)[0](words, place, rng)
            yield from heard
            place += taken

    def _from_table(self, words: list[str], place: int, rng: random.Random) -> tuple[int, list[str]]:
        """An observed confusion: (words replaced, words heard), or (0, []) if there is none."""
        if rng.random() >= self._config.table:
            return 0, []
        for length in range(_LONGEST_CONFUSION, 0, -1):
            seen = self._table.get(" ".join(words[place : place + length]))
            if seen and place + length <= len(words):
                return length, rng.choice(seen).split()
        return 0, []

    def _substitute(self, words: list[str], place: int, rng: random.Random) -> tuple[int, list[str]]:
        word = words[place]
        others = [other for other in self._alike.get(sound_of(word), ()) if other != word]
        if others and rng.random() < self._config.alike:
            return 1, [rng.choice(others)]
        return 1, [_change(word, rng)]

    def _delete(self, words: list[str], place: int, rng: random.Random) -> tuple[int, list[str]]:
        """Delete a short word, or letters of a long one."""
        return (1, []) if len(words[place]) <= 4 else (1, [_change(words[place], rng)])

    def _insert(self, words: list[str], place: int, rng: random.Random) -> tuple[int, list[str]]:
        return 1, [rng.choice(_FILLERS), words[place]]

    def _split(self, words: list[str], place: int, rng: random.Random) -> tuple[int, list[str]]:
        word = words[place]
        if len(word) < _SHORTEST_SPLIT:
            return self._substitute(words, place, rng)
        cut = rng.randint(2, len(word) - 3)
        return 1, [word[:cut], word[cut:]]

    def _join(self, words: list[str], place: int, rng: random.Random) -> tuple[int, list[str]]:
        if place + 1 == len(words):
            return self._substitute(words, place, rng)
        return 2, [words[place] + words[place + 1]]


def _change(word: str, rng: random.Random) -> str:
    """One letter changed, lost or added, or another ending."""
    place = rng.randrange(len(word))
    letter = rng.choice(_LETTERS)
    changes = (
        word[:place] + letter + word[place + 1 :],
        word[:place] + word[place + 1 :],
        word[:place] + letter + word[place:],
        word.removesuffix("s") if word.endswith("s") else word + "s",
        word.removesuffix("ed") if word.endswith("ed") else word + "ed",
    )
    return rng.choice([change for change in changes if change])


def _initials(words: Sequence[str]) -> list[str]:
    """Join successive letters to one word: h e -> he."""
    return [
        part
        for letters, run in groupby(words, key=lambda word: len(word) == 1)
        for part in (["".join(run)] if letters else run)
    ]
