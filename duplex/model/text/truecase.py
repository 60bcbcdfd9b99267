"""Truecasing for captions: restores the case of names and sentence starts in lower-case text.

It uses a table learnt from text in true case. A word's case depends only on the words before it, so that captions can
be shown while the sentence grows.
"""

import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Self

from configs.base import ConfigError
from duplex.io.whole_files import parse_json, write_text

SENTENCE_ENDS = (".", "?", "!")
MARKS = (*SENTENCE_ENDS, ",")


class Truecase:
    """Case by word, and by pair of words if the word before decides ("a new", "of New York")."""

    def __init__(self, words: dict[str, str], pairs: dict[str, str]) -> None:
        """`words`: lower case -> usual form. `pairs`: "before word" -> form of the word, if it differs."""
        self._words = words
        self._pairs = pairs

    @classmethod
    def learn(cls, texts: Iterable[str]) -> Self:
        """Count the forms of words that do not begin a sentence."""
        words: dict[str, Counter[str]] = defaultdict(Counter)
        pairs: dict[str, Counter[str]] = defaultdict(Counter)
        for text in texts:
            items = split(text)
            for before, word in pairwise(items):
                if before not in SENTENCE_ENDS:
                    words[word.lower()][word] += 1
                    if before not in MARKS:
                        pairs[f"{before.lower()} {word.lower()}"][word] += 1
        usual = {lower: _most_common(forms) for lower, forms in sorted(words.items())}
        differing = {
            pair: form
            for pair, forms in sorted(pairs.items())
            if (form := _most_common(forms)) != usual[pair.split()[-1]]
        }
        return cls({lower: form for lower, form in usual.items() if form != lower}, differing)

    @classmethod
    def from_file(cls, path: Path) -> Self:
        """Read a table.

        Raises:
            ConfigError: the file is missing or broken.
        """
        try:
            table = parse_json(path.read_text(encoding="utf-8"))
            return cls(table["words"], table["pairs"])
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise ConfigError(f"{path}: is not a truecasing table ({error}); check the path") from None

    def save(self, path: Path) -> None:
        """Write the table as JSON."""
        table = {"words": self._words, "pairs": self._pairs}
        write_text(path, json.dumps(table, indent=0, ensure_ascii=False) + "\n")

    def next_word(self, word: str, before: Sequence[str]) -> str:
        """True case of one word or mark that follows `before` (all of them lower case, marks apart)."""
        if word in MARKS:
            return word
        form = self._words.get(word, word)
        if before:
            form = self._pairs.get(f"{before[-1]} {word}", form)
        if word == "i" or word.startswith("i'") or _is_spelled(word, before):
            form = word[0].upper() + word[1:]
        starts = not before or before[-1] in SENTENCE_ENDS
        return form[:1].upper() + form[1:] if starts else form

    def __call__(self, text: str) -> str:
        """True case of a lower-case text with its marks attached: 'paris.' -> 'Paris.'"""
        before: list[str] = []
        cased = ""
        for item in split(text):
            form = self.next_word(item, before)
            cased += form if not cased or item in MARKS else f" {form}"
            before.append(item)
        return cased


def split(text: str) -> list[str]:
    """Split a text into words and marks."""
    for mark in MARKS:
        text = text.replace(mark, f" {mark} ")
    return text.split()


def _is_spelled(word: str, before: Sequence[str]) -> bool:
    """Whether a word is one of several letters in a row: 'c, a, t'."""
    return len(word) == 1 and len(before) > 1 and before[-1] == "," and len(before[-2]) == 1


def _most_common(forms: Counter[str]) -> str:
    """The most frequent form; among equally frequent ones, the lower-case one."""
    return max(forms, key=lambda form: (forms[form], form.islower(), form))


def join_marks(words: Iterable[str]) -> str:
    """Words as a line of text; a mark follows the word before it without a space."""
    return "".join(word if word in MARKS else f" {word}" for word in words).strip()
