"""Decides whether an answer is right: exist-match as published, and the same on normalised words.

This module handles words; it does not depend on sound.
"""

import re
import unicodedata
from collections.abc import Sequence

from duplex.model.text.numbers import cardinal_of

ALTERNATIVES = "|"
_NUMBER = re.compile(r"\d[\d,]*")
_NO_WORD = re.compile(r"[^a-z ]")
_DROPPED = frozenset({"a", "an", "the"})
_SYMBOL = 2
_LARGE = frozenset({"hundred", "thousand", "million"})


def exist_match(answer: str, key: str) -> bool:
    """Whether the tokens of `key` occur contiguously among those of `answer`.

    This is UltraEval-Audio's `qa-exist-match` (after DPR's `has_answer`, Karpukhin et al. 2020): NFD, lower case; runs
    of letters, numbers and marks are tokens, and so is every other visible character. `key` may have alternatives
    separated by '|'.
    """
    said = _tokens(answer)
    return any(_stands_in(_tokens(part), said) for part in key.split(ALTERNATIVES))


def exist_match_norm(answer: str, key: str) -> bool:
    """`exist_match` on words from `normalise` (our own variant).

    An alternative that is only an article is compared as it is; one of two letters ("Au") may also be spelled out.
    """
    return any(_says(part, answer) for part in key.split(ALTERNATIVES))


def normalise(text: str) -> list[str]:
    """Lower-case words without accents, punctuation and articles; digits as number words, "and" in numbers dropped."""
    words = plain_words(text)
    after_large = [i > 0 and words[i - 1] in _LARGE for i in range(len(words))]
    return [w for w, large in zip(words, after_large, strict=True) if w not in _DROPPED and not (large and w == "and")]


def plain_words(text: str) -> list[str]:
    """Lower-case words without accents and punctuation; hyphens separate words, digits become number words."""
    lower = text.lower()
    folded = lower if lower.isascii() else _without_accents(lower.replace("’", "'"))
    spelled = _NUMBER.sub(lambda match: f" {cardinal_of(match[0].replace(',', ''))} ", folded)
    return _NO_WORD.sub(" ", spelled.replace("'", "")).split()


def holds_phrase(answer: str, phrases: Sequence[str]) -> bool:
    """Whether the answer contains one of the phrases, compared as `plain_words`."""
    said = plain_words(answer)
    return any(_stands_in(plain_words(phrase), said) for phrase in phrases)


def _without_accents(text: str) -> str:
    return "".join(c for c in unicodedata.normalize("NFKD", text) if not unicodedata.combining(c))


def _says(key: str, answer: str) -> bool:
    wanted = normalise(key)
    if wanted and _stands_in(wanted, normalise(answer)):
        return True
    symbol = len("".join(plain_words(key))) <= _SYMBOL
    return symbol and _stands_in(list("".join(plain_words(key))), plain_words(answer))


def _stands_in(part: list[str], whole: list[str]) -> bool:
    """Whether `part` is not empty and occurs contiguously in `whole`."""
    span = len(part)
    return span > 0 and any(whole[i : i + span] == part for i in range(len(whole) - span + 1))


def _tokens(text: str) -> list[str]:
    parted = "".join(_split_character(character) for character in unicodedata.normalize("NFD", text))
    return parted.lower().split()


def _split_character(character: str) -> str:
    kind = unicodedata.category(character)[0]
    if kind in "LNM":
        return character
    return " " if kind in "ZC" else f" {character} "
